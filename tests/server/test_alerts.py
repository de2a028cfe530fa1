"""Alerts reach a person through a real desk, its exchange and a real receiver, once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from polydesk.core.clock import ShiftedClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from tests.support.asked_user import User
from tests.support.exchanges import somebody_buys
from tests.support.live_desk import live_client
from tests.support.processes import FED, WAIT_S, answer_of, error_of
from tests.support.webhook_receiver import Receiver, webhook_receiver


@pytest.fixture
async def venue() -> AsyncIterator[ExchangeServer]:
    catalogue = load_catalogue()
    rules = ExchangeSettings(
        simulated_traders=False, starting_balance=Decimal(100_000), mined_after_s=0.05, confirmed_after_s=0.05
    )
    async with ExchangeServer(Exchange(catalogue, rules, ShiftedClock(catalogue.starts_at))) as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with webhook_receiver() as one:
        yield one


@asynccontextmanager
async def desk(venue: ExchangeServer, state: Path, receiver: Receiver, **settings: Any) -> AsyncIterator[Client]:
    channels = json.dumps({"phone": receiver.channel()})
    given = {"toolsets": ("all",), "alert_channels": channels, "user": User(agree=True), **settings}
    async with live_client(venue, state_dir=state, **given) as client:
        yield client


async def delivered(client: Client) -> list[dict[str, Any]]:
    """The alerts as listed, once nothing is on its way."""
    async with asyncio.timeout(WAIT_S):
        while True:
            alerts: list[dict[str, Any]] = (await answer_of(client, "manage_alerts", action="list")).get("alerts", [])
            if alerts and all("pending" not in each.get("delivered", {}).values() for each in alerts):
                return alerts
            await asyncio.sleep(0.02)


async def test_a_price_that_crosses_is_told_once(venue: ExchangeServer, receiver: Receiver, tmp_path: Path) -> None:
    async with desk(venue, tmp_path, receiver) as client:
        made = await answer_of(
            client, "manage_alerts", action="create", kind="price_crosses", market=FED, threshold=0.981
        )
        assert made["reaches_you"] == "only_while_desk_runs"
        await somebody_buys(venue, FED, outcome=0, dollars="17000")
        (told,) = await receiver.wait_for(1)
        (line,) = await delivered(client)
    assert told["kind"] == "price_crosses"
    assert told["facts"]["direction"] == "above"
    assert told["facts"]["market"] == FED
    assert line["delivered"] == {"phone": "delivered"}
    assert len(receiver.received) == 1


async def test_an_order_that_is_filled_is_told_once_and_in_the_status(
    venue: ExchangeServer, receiver: Receiver, tmp_path: Path
) -> None:
    async with desk(venue, tmp_path, receiver) as client:
        await answer_of(client, "get_status")
        await answer_of(client, "manage_alerts", action="create", kind="order", query="filled", channel="phone")
        await answer_of(client, "place_order", market_id=FED, outcome="Yes", size=10)
        (told,) = await receiver.wait_for(1)
        status = await answer_of(client, "get_status")
        again = await answer_of(client, "get_status")
    assert told["facts"]["what"] == "filled"
    assert [each for each in status["since_last_seen"]["alerts"] if "filled" in each]
    assert "alerts" not in again.get("since_last_seen", {})


async def test_a_channel_that_nobody_configured_is_refused_by_name(
    venue: ExchangeServer, receiver: Receiver, tmp_path: Path
) -> None:
    async with desk(venue, tmp_path, receiver) as client:
        refused = await error_of(
            client, "manage_alerts", action="create", kind="dead_letter", channel="https://example.org/x"
        )
    assert refused["code"] == "unknown_channel"
    assert "use one of phone" in refused["message"]
