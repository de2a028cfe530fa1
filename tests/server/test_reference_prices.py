"""A strategy that needs prices of coins, on desks whose venue tells them, or tells them no more."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from polydesk.core.clock import SystemClock
from polydesk.core.exchange.catalogue import Catalogue, load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.settings import load_settings
from polydesk.server import sites
from polydesk.server.application import Application
from polydesk.server.build import build_server
from tests.support.live_desk import live_client
from tests.support.processes import WAIT_S, answer_of

SLUG = "btc-updown-15m-1790592300"


def with_a_rung(catalogue: Catalogue, *, now: datetime) -> Catalogue:
    """One market asks for a price that the coin of the stand-in is far above, in three days, at even odds."""
    end = now + timedelta(days=3)
    asked = {
        "question": f"Will the price of Bitcoin be above $20,000 on {end:%B} {end.day}?",
        "endDate": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    markets = [
        dataclasses.replace(each, gamma={**each.gamma, **asked}) if each.gamma["slug"] == SLUG else each
        for each in catalogue.markets
    ]
    return dataclasses.replace(catalogue, markets=tuple(markets))


async def begin(client: Client, **more: Any) -> str:
    now = datetime.fromisoformat((await answer_of(client, "get_status"))["as_of"])
    started = await answer_of(
        client,
        "run_strategy",
        strategy="option_ladder",
        markets=[SLUG],
        max_loss_usd=20,
        max_exposure_usd=60,
        every_s=1,
        until=(now + timedelta(hours=2)).replace(minute=0, second=0).isoformat(),
        **more,
    )
    assert started["status"] == "running", started
    return str(started["run_id"])


async def run_until(client: Client, run_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        while True:
            (run,) = (await answer_of(client, "get_runs", run_id=run_id))["runs"]
            if holds(run):
                return dict(run)
            await asyncio.sleep(0.05)


async def agrees(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="accept", content={"agree": True})


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def sandbox(state: Path) -> AsyncIterator[Client]:
    application = Application(
        load_settings(mode="sandbox", state_dir=state, compute="inline", toolsets="all", sandbox_traders=False)
    )
    try:
        async with Client(build_server(application)) as client:
            yield client
    finally:
        await application.aclose()


async def test_the_sandbox_trades_on_prices_that_its_venue_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed() -> Catalogue:
        recorded = load_catalogue()
        return with_a_rung(recorded, now=recorded.starts_at)

    monkeypatch.setattr(sites, "load_catalogue", changed)
    async with sandbox(tmp_path) as client:
        (told,) = (await answer_of(client, "list_strategies", name="option_ladder"))["strategies"]
        assert "cannot_run" not in told
        assert told["warm_up_hours"] == 24
        run_id = await begin(client)
        run = await run_until(client, run_id, lambda run: run["strategy"]["fills"] and "explain" in run["strategy"])
        assert run["status"] == "running"
        assert "BTC at" in run["strategy"]["explain"][0]["why"]


async def test_a_live_desk_keeps_what_it_was_told_and_waits_for_a_day_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    catalogue = with_a_rung(load_catalogue(), now=SystemClock().now())
    rules = ExchangeSettings(simulated_traders=False, live_data_history_min=60)
    async with ExchangeServer(Exchange(catalogue, rules, SystemClock())) as venue:
        settings: dict[str, Any] = {"toolsets": "all", "confirmation": "elicit", "user": agrees}
        async with live_client(venue, **settings) as client:
            run_id = await begin(client)
            run = await run_until(client, run_id, lambda run: run["strategy"]["looks"] >= 2)
            assert not run.get("attempt_ids")
            assert "too few recent prices of BTC" in str(run["strategy"])
            await answer_of(client, "stop_strategy", run_id=run_id)
        kept = (tmp_path / "live" / "reference_prices.txt").read_text().splitlines()
        assert sum(line.startswith("BTC ") for line in kept) >= 60


async def test_where_the_service_is_gone_the_run_says_so_and_does_not_trade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    monkeypatch.setattr("polydesk.core.polymarket.reference_prices._ANSWER_WITHIN_S", 0.2)
    now = SystemClock().now()
    exchange = Exchange(
        with_a_rung(load_catalogue(), now=now), ExchangeSettings(simulated_traders=False), SystemClock()
    )
    async with ExchangeServer(exchange) as venue:
        gone: dict[str, Any] = {
            "live_data_url": f"ws://127.0.0.1:{closed_port()}",
            "toolsets": "all",
            "confirmation": "elicit",
        }
        async with live_client(venue, user=agrees, **gone) as client:
            run_id = await begin(client)
            run = await run_until(client, run_id, lambda run: bool(run["strategy"].get("problems")))
            assert (run["status"], run.get("attempt_ids")) == ("running", None)
            assert list(run["strategy"]["problems"]) == ["VenueUnavailable"]
