"""Runs of strategies on a live desk: whose yes they need, what ends them, and who carries them on."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from polydesk.core.clock import SystemClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.server.cli import main
from tests.support.asked_user import User
from tests.support.live_desk import live_client
from tests.support.processes import ERAS, WAIT_S, Era, answer_of, error_of

BTC = "btc-updown-15m-1790592300"
Connect = Callable[..., AbstractAsyncContextManager[Client]]
MAKER: dict[str, Any] = {
    "strategy": "market_maker",
    "markets": [BTC],
    "max_loss_usd": 20,
    "max_exposure_usd": 60,
    "every_s": 1,
    "params": {"size": 10, "half_spread": 0.005, "hours_to_end": 0},
}


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(load_catalogue(), ExchangeSettings(simulated_traders=False), SystemClock())


@pytest.fixture
async def connect(exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """Clients of one live desk on an exchange of this process."""
    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    async with ExchangeServer(exchange) as venue:
        yield functools.partial(live_client, venue, toolsets=("all",))


@pytest.fixture
def maker() -> dict[str, Any]:
    """Arguments of a run for an hour."""
    return MAKER | {"until": (SystemClock().now() + timedelta(hours=1)).isoformat()}


async def run_until(client: Client, run_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        while True:
            (run,) = (await answer_of(client, "get_runs", run_id=run_id))["runs"]
            if holds(run):
                return dict(run)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("era", ERAS)
async def test_a_user_agrees_once_to_all_bounds_and_is_not_asked_again(
    connect: Connect, exchange: Exchange, maker: dict[str, Any], era: Era
) -> None:
    user = User("accept")
    async with connect(era, user=user, confirmation="elicit") as client:
        started = await answer_of(client, "run_strategy", **maker)
        assert (started["mode"], started["status"]) == ("live", "running")
        run = await run_until(client, started["run_id"], lambda run: run["strategy"]["looks"] >= 2)
        assert run["attempt_ids"]
        # With the run's time the exchange takes them off the book, whoever is there by then.
        until_s = int(datetime.fromisoformat(maker["until"]).timestamp())
        quotes = [each for each in exchange.registry.orders.values() if each.order_type == "GTD"]
        assert quotes
        assert {exchange.trading.expires_ms(each) for each in quotes} == {until_s * 1000}
        await answer_of(client, "stop_strategy", run_id=started["run_id"])
    (question,) = user.questions
    for part in ("market_maker", "real money", "$60 tied up", "$20 lost", "will not be asked about again"):
        assert part in question


@pytest.mark.parametrize("era", [ERAS[0], *(pytest.param(era, marks=pytest.mark.takeover) for era in ERAS[1:])])
async def test_a_user_who_declines_starts_nothing(connect: Connect, maker: dict[str, Any], era: Era) -> None:
    async with connect(era, user=User("decline"), confirmation="elicit") as client:
        refused = await error_of(client, "run_strategy", **maker)
        assert refused["code"] == "not_confirmed"
        assert (await answer_of(client, "get_runs"))["runs"] == []


async def test_a_person_at_a_terminal_lets_it_begin(
    connect: Connect, maker: dict[str, Any], terminal: Callable[[str], None]
) -> None:
    async with connect() as client:
        waiting = await answer_of(client, "run_strategy", **maker)
        assert waiting["status"] == "awaiting_person"
        code = waiting["approval_code"]
        assert f"polydesk approve {code}" in waiting["next"]
        assert (await answer_of(client, "get_orders"))["orders"] == []
        terminal("yes\n")
        assert await asyncio.to_thread(main, ["approve", code]) == 0
        run = await run_until(client, waiting["run_id"], lambda run: run["strategy"]["looks"] >= 2)
        assert run["status"] == "running"
        await answer_of(client, "stop_strategy", run_id=waiting["run_id"])


async def test_the_next_desk_takes_a_run_over_and_says_how_long_nobody_watched(
    connect: Connect, maker: dict[str, Any]
) -> None:
    async with connect(user=User("accept"), confirmation="elicit") as client:
        started = await answer_of(client, "run_strategy", **maker)
        await run_until(client, started["run_id"], lambda run: run["strategy"]["looks"] >= 2)
    async with connect(user=User("accept"), confirmation="elicit") as client:
        # What rested was taken back when the desk closed; the next one quotes anew.
        before = (await answer_of(client, "get_runs", run_id=started["run_id"]))["runs"][0]["strategy"]["looks"]
        run = await run_until(client, started["run_id"], lambda run: run["strategy"]["looks"] > before)
        assert run["status"] == "running"
        stopped = await answer_of(client, "stop_strategy", run_id=started["run_id"])
        assert stopped["status"] == "stopped"
        assert (await answer_of(client, "get_orders", status="open"))["orders"] == []
