"""A desk that is killed in the middle of a strategy's orders: the next one carries the run on, and doubles nothing."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from mcp import Client, MCPError
from starlette.middleware import Middleware

from polydesk.core.clock import SystemClock
from polydesk.core.exchange.book import Order
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.events import ExchangeEvent, OrderChanged
from polydesk.core.exchange.listing import Listing
from polydesk.core.exchange.rejections import Rejection
from polydesk.core.exchange.seeding import house_account, house_order
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import MICRO
from polydesk.server.doors.lease import read_card
from tests.support.killed_desks import Posts, Watched, client_of
from tests.support.processes import WAIT_S, answer_of, environment, live_settings

BTC = "btc-updown-15m-1790592300"
KILLS = 4


@pytest.mark.takeover
async def test_a_run_goes_on_after_each_kill_and_leaves_nothing_resting_behind(tmp_path: Path) -> None:
    posts, placed, random, folder = Posts(), list[Order](), Random(3), tmp_path / "live"
    exchange = Exchange(load_catalogue(), ExchangeSettings(simulated_traders=False), SystemClock())

    def noted(event: ExchangeEvent) -> None:
        if isinstance(event, OrderChanged) and event.kind == "PLACEMENT" and not event.order.account.is_house:
            placed.append(event.order)

    def resting() -> list[Order]:
        return [order for order in exchange.registry.resting_orders() if not order.account.is_house]

    exchange.events.subscribe(noted)
    async with ExchangeServer(exchange, before=[Middleware(Watched, posts=posts)]) as venue:
        addresses = {
            "clob_url": venue.clob_url,
            "gamma_url": venue.gamma_url,
            "data_url": venue.data_url,
            "ws_url": venue.ws_url,
            "chain_id": 137,
        }
        env = environment(
            tmp_path, **live_settings(addresses, POLYMARKET_TOOLSETS="all", POLYMARKET_MAX_ORDERS_PER_MINUTE="10000")
        )
        listing = next(each for each in exchange.markets.listings if each.recorded.gamma["slug"] == BTC)
        run_id, looks = "", 0
        for _ in range(KILLS):
            async with asyncio.timeout(3 * WAIT_S):
                with suppress(MCPError, OSError, BaseExceptionGroup):
                    async with client_of(env) as client:
                        run_id = run_id or (await begin(client))["run_id"]
                        looks = await looks_beyond(client, run_id, looks)
                        # It keeps two quotes, and none of the process before it.
                        assert len(resting()) <= 2
                        before = read_card(folder)
                        posts.reached.clear()
                        posts.do, posts.wanted = functools.partial(kill, folder), posts.count + random.randrange(1, 4)
                        for _ in range(4):
                            trade_through(exchange, listing, random)
                            with suppress(TimeoutError):
                                await asyncio.wait_for(posts.reached.wait(), 0.5)
                        if not posts.reached.is_set():  # its quotes are where they should be
                            posts.wanted = None
                            kill(folder)
                            posts.reached.set()
            assert posts.reached.is_set()
            assert before is not None
        async with client_of(env) as client:
            await looks_beyond(client, run_id, looks)
            assert len(resting()) <= 2
            stopped = await answer_of(client, "stop_strategy", run_id=run_id)
            assert stopped["status"] == "stopped"
            assert resting() == []
    journal = journalled(folder)
    assert {order.id for order in placed} <= journal.keys()
    assert set(Counter(journal[order.id] for order in placed).values()) == {1}


async def begin(client: Client) -> dict[str, Any]:
    return await answer_of(
        client,
        "run_strategy",
        strategy="market_maker",
        markets=[BTC],
        max_loss_usd=50,
        max_exposure_usd=200,
        until=(SystemClock().now() + timedelta(hours=1)).isoformat(),
        every_s=1,
        params={"size": 10, "half_spread": 0.005, "hours_to_end": 0, "jump": 0.5},
    )


async def looks_beyond(client: Client, run_id: str, before: int) -> int:
    async with asyncio.timeout(WAIT_S):
        while True:
            (run,) = (await answer_of(client, "get_runs", run_id=run_id))["runs"]
            looks = int(run["strategy"]["looks"])
            if looks >= before + 3:
                return looks
            await asyncio.sleep(0.1)


def trade_through(exchange: Exchange, listing: Listing, random: Random) -> None:
    """Somebody takes the best price of a side, and whoever quotes there."""
    is_bid = random.random() < 0.5
    bid, ask = listing.book.best_for(0)
    price = ask if is_bid else bid
    if price is not None:
        house = house_account(exchange, "somebody")
        with suppress(Rejection):
            exchange.trading.enter(
                house_order(
                    exchange,
                    house,
                    listing,
                    is_bid=is_bid,
                    book_price=price,
                    size=300 * MICRO,
                    mirrored=False,
                    order_type="FAK",
                )
            )


def kill(folder: Path) -> None:
    card = read_card(folder)
    assert card is not None
    os.kill(card.pid, signal.SIGKILL)


def journalled(folder: Path) -> dict[str, str]:
    """Client tokens by order, as the desk wrote them down."""
    with closing(sqlite3.connect(folder / "desk.sqlite3")) as database:
        return dict(database.execute("SELECT order_id, client_token FROM orders WHERE order_id IS NOT NULL"))
