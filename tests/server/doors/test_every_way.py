"""A door works over every transport and in every mode: users are asked, orders placed, runs carried on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
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
from tests.support.exchanges import live_urls
from tests.support.live_desk import live_client
from tests.support.paper_desk import paper_client
from tests.support.processes import (
    ERAS,
    FED,
    SOURCE_COMMAND,
    TRANSPORTS,
    WAIT_S,
    Era,
    Transport,
    answer_of,
    environment,
    error_of,
    live_settings,
    serving,
)
from tests.support.real_venue import SLUG, real_venue

ORDER: dict[str, Any] = {"market_id": FED, "outcome": "Yes", "size": 10, "price": 0.5, "time_in_force": "GTC"}


@pytest.fixture
async def venue() -> AsyncIterator[ExchangeServer]:
    catalogue = load_catalogue()
    exchange = Exchange(
        catalogue,
        ExchangeSettings(simulated_traders=False, mined_after_s=0.05, confirmed_after_s=0.05),
        ShiftedClock(catalogue.starts_at),
    )
    async with ExchangeServer(exchange) as server:
        yield server


EVERYDAY = {("stdio", "legacy"), ("http", "legacy"), ("sse", "auto")}
WAYS = [
    pytest.param(transport, era, marks=() if (transport, era) in EVERYDAY else pytest.mark.takeover)
    for transport in TRANSPORTS
    for era in ERAS
]


@pytest.mark.parametrize(("transport", "era"), WAYS)
async def test_the_user_behind_a_door_is_asked_about_a_live_order(
    venue: ExchangeServer, tmp_path: Path, transport: Transport, era: Era
) -> None:
    addresses = {name.replace("api_url", "clob_url"): url for name, url in live_urls(venue).items()}
    env = environment(tmp_path, **live_settings(addresses | {"chain_id": 137}))
    at_desk, one, other = User(agree=True), User(agree=True), User(agree=False)
    async with live_client(venue, user=at_desk, state_dir=tmp_path) as desk:
        assert (await answer_of(desk, "get_orders"))["orders"] == []
        with serving(SOURCE_COMMAND, transport, env) as served:
            async with (
                served.connect(era, elicitation_callback=one) as first,
                served.connect(era, elicitation_callback=other) as second,
            ):
                placed = await answer_of(first, "place_order", **ORDER)
                refused = await error_of(second, "place_order", **(ORDER | {"size": 11}))
        assert refused["code"] == "not_confirmed"
        ids = [each.get("order_id") for each in (await answer_of(desk, "get_orders", status="open"))["orders"]]
        assert ids == [placed["order_id"]]
    assert ["BUY 10 shares" in each for each in one.questions] == [True]
    assert ["BUY 11 shares" in each for each in other.questions] == [True]
    assert at_desk.questions == []


async def test_two_hosts_on_paper_share_one_account_and_one_ledger(tmp_path: Path) -> None:
    order = {"market_id": SLUG, "outcome": "Up", "size": 20, "price": 0.05, "time_in_force": "GTC"}
    state = tmp_path / "state"
    async with (
        real_venue(tmp_path) as real,
        paper_client(real, state) as first,
        paper_client(real, state) as second,
    ):
        placed = await answer_of(first, "place_order", **order)
        seen = await answer_of(second, "get_orders")
        assert [each["attempt_id"] for each in seen["orders"]] == [placed["attempt_id"]]
        assert (placed["mode"], placed["account"]) == (seen["mode"], seen["account"])


async def test_a_run_that_one_host_began_is_carried_on_once_when_its_desk_ends(
    venue: ExchangeServer, tmp_path: Path
) -> None:
    """The successor may be a door that itself may only read: that somebody else may trade is enough."""
    async with (
        live_client(venue, state_dir=tmp_path, read_only=True) as reader,
        live_client(venue, user=User(agree=True), state_dir=tmp_path, toolsets=("all",)) as second,
    ):
        async with live_client(venue, user=User(agree=True), state_dir=tmp_path, toolsets=("all",)) as first:
            await answer_of(first, "place_order", **(ORDER | {"size": 60, "price": 0.99}))
            await settled(first)
            await answer_of(reader, "get_status")
            started = await answer_of(
                second,
                "place_sliced_order",
                market_id=FED,
                outcome="Yes",
                side="SELL",
                size=60,
                price=0.9,
                slices=3,
                every_s=1,
            )
            assert started["survives_host_exit"] is False
            await run_with(second, started["run_id"], lambda run: bool(run["sliced_order"]["slices_placed"]))
        ended = await run_with(second, started["run_id"], lambda run: run["status"] != "running")
        assert (ended["status"], ended["sliced_order"]["filled"]) == ("done", 60)
        assert (await settled(second))["positions"] == []


async def settled(client: Client) -> dict[str, Any]:
    """The portfolio once every fill has settled."""
    async with asyncio.timeout(WAIT_S):
        while True:
            portfolio = await answer_of(client, "get_portfolio")
            if not portfolio.get("settling"):
                return portfolio
            await asyncio.sleep(0.05)


async def run_with(client: Client, run_id: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The run once it fulfils a condition, asked for as an agent would."""
    async with asyncio.timeout(WAIT_S):
        while True:
            run: dict[str, Any]
            (run,) = [each for each in (await answer_of(client, "get_runs"))["runs"] if each["run_id"] == run_id]
            if condition(run):
                return run
            await asyncio.sleep(0.05)
