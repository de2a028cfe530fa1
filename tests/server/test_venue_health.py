"""What the venue refuses, and which of its hosts are left alone, is said by the status tool."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from polydesk.core.clock import ShiftedClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.faults import ConnectionFault, Fault, FaultPlan, TradingMode
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from tests.support.live_desk import live_client
from tests.support.processes import FED, answer_of, error_of


async def _accept(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="accept", content={"agree": True})


@asynccontextmanager
async def trading_on_an_exchange_with(fault: Fault, state: Path) -> AsyncIterator[Client]:
    """A live desk, whose user agrees to every order, on an exchange of this process."""
    catalogue = load_catalogue()
    rules = ExchangeSettings(simulated_traders=False, faults=FaultPlan.of(fault))
    async with (
        ExchangeServer(Exchange(catalogue, rules, ShiftedClock(catalogue.starts_at))) as venue,
        live_client(venue, user=_accept, max_retries=0, state_dir=state) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("cancel_only", "cancel_only", "cancels only"),
        ("post_only", "post_only_mode", "only orders that cannot take"),
        ("disabled", "trading_disabled", "no orders"),
    ],
)
async def test_a_restriction_of_the_venue_shows_until_it_is_over(
    kind: str, code: str, words: str, tmp_path: Path
) -> None:
    fault = TradingMode.model_validate({"kind": kind, "count": None, "retry_after": 40})
    async with trading_on_an_exchange_with(fault, tmp_path) as client:
        assert "venue_takes" not in await answer_of(client, "get_status")
        refusal = await error_of(client, "place_order", market_id=FED, outcome="Yes", size=10)
        assert refusal["code"] == code
        status = await answer_of(client, "get_status")
        assert status["venue"] == "answers"
        assert status["venue_takes"].startswith(words)
        assert status["venue_takes"].endswith("it asked to wait 40 s")


async def test_a_host_that_keeps_failing_is_named_as_left_alone(tmp_path: Path) -> None:
    fault = ConnectionFault.model_validate({"kind": "reset_before_read", "route": "/gamma*", "count": None})
    async with trading_on_an_exchange_with(fault, tmp_path) as client:
        for _ in range(5):
            status = await answer_of(client, "get_status")
            assert status["venue"] == "does not answer"
        assert status["hosts_left_alone"] == ["gamma"]
