"""Real servers of several hosts on one live account: whichever is the desk may be killed at any moment."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from mcp import Client, MCPError
from starlette.middleware import Middleware

from polydesk.core.clock import ShiftedClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.events import ExchangeEvent, OrderChanged
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import from_micro
from polydesk.server.doors.lease import DeskCard, read_card
from tests.support.exchanges import live_urls
from tests.support.killed_desks import Posts, Watched, client_of
from tests.support.processes import ERAS, answer_of, environment, live_settings

KILLS = 30
ORDERS_PER_KILL = 12
HOSTS = 3
TAKEOVER_S = 5.0


@dataclass
class Host:
    """One agent's host. When its server dies it starts another, and asks again under the same token."""

    number: int
    env: dict[str, str]
    markets: list[tuple[str, str]]
    settled: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def trade(self, tokens: asyncio.Queue[str]) -> None:
        while not tokens.empty():
            with suppress(MCPError, OSError, BaseExceptionGroup):
                async with client_of(self.env, ERAS[self.number % 2]) as client:
                    while not tokens.empty():
                        token = tokens.get_nowait()
                        try:
                            known = await self._place(client, token)
                        except BaseException:
                            tokens.put_nowait(token)
                            raise
                        if not known:
                            tokens.put_nowait(token)
                            await asyncio.sleep(0.1)  # the answer said to wait, much longer

    async def _place(self, client: Client, token: str) -> bool:
        """Whether what became of the order is known now."""
        number = int(token.removeprefix("t"))
        slug, price = self.markets[number % len(self.markets)]
        result = await client.call_tool(
            "polymarket_place_order",
            {
                "market_id": slug,
                "outcome": 0,
                "size": str(20 + number % 40),
                "price": price,
                "time_in_force": "GTC",
                "client_token": token,
            },
        )
        answer = result.structured_content
        assert answer is not None
        if result.is_error and (answer["anything_sent"] == "unknown" or answer["retry"] != "never"):
            return False
        self.settled[token] = answer
        return True


async def successor(folder: Path, before: DeskCard) -> float:
    """Seconds until another process is the desk."""
    started = time.monotonic()
    while (card := read_card(folder)) is None or card.pid == before.pid:
        assert time.monotonic() - started < 6 * TAKEOVER_S
        await asyncio.sleep(0.01)
    return time.monotonic() - started


@pytest.mark.takeover
async def test_a_killed_desk_is_succeeded_in_time_and_no_order_is_lost_or_doubled(tmp_path: Path) -> None:
    posts, accepted = Posts(), []
    exchange = Exchange(
        load_catalogue(),
        ExchangeSettings(seed=1, starting_balance=Decimal(10_000), simulated_traders=False, confirmed_after_s=0.5),
        ShiftedClock(load_catalogue().starts_at),
    )

    def noted(event: ExchangeEvent) -> None:
        if isinstance(event, OrderChanged) and event.kind == "PLACEMENT" and not event.order.account.is_house:
            accepted.append(event.order)

    exchange.events.subscribe(noted)
    random = Random(1)
    takeovers: list[float] = []
    folder = tmp_path / "live"
    async with ExchangeServer(exchange, before=[Middleware(Watched, posts=posts)]) as venue:
        urls = {
            "clob_url": venue.clob_url,
            **{name: url for name, url in live_urls(venue).items() if name != "api_url"},
        }
        settings = live_settings(
            urls | {"chain_id": 137},
            POLYMARKET_MAX_OPEN_ORDERS="10000",
            POLYMARKET_MAX_ORDERS_PER_MINUTE="100000",
            POLYMARKET_MAX_EXPOSURE_USD="100000",
            POLYMARKET_MAX_DAY_USD="100000",
        )
        env = environment(tmp_path, **settings)
        tokens: asyncio.Queue[str] = asyncio.Queue()
        for number in range(ORDERS_PER_KILL * (KILLS + 1)):
            tokens.put_nowait(f"t{number}")
        markets = [
            (str(each.recorded.gamma["slug"]), str(Decimal(bid) / 10_000))
            for each in exchange.markets.listings
            if not each.closed and (bid := each.book.best_for(0)[0]) is not None
        ]
        hosts = [Host(number, env, markets) for number in range(HOSTS)]
        work = [asyncio.create_task(host.trade(tokens)) for host in hosts]
        for _ in range(KILLS):
            posts.reached.clear()
            before: list[DeskCard] = []

            def kill(before: list[DeskCard] = before) -> None:
                card = read_card(folder)
                assert card is not None
                before.append(card)
                os.kill(card.pid, signal.SIGKILL)

            posts.do, posts.wanted = kill, posts.count + random.randrange(3, ORDERS_PER_KILL - 1)
            reached = asyncio.create_task(posts.reached.wait())
            await asyncio.wait({reached, *work}, return_when=asyncio.FIRST_COMPLETED)
            for task in work:
                if task.done():
                    task.result()
            assert reached.done(), "the hosts ended before the desk was killed"
            takeovers.append(await successor(folder, before[0]))
        await asyncio.gather(*work)
        async with client_of(env) as client:
            told = await settled_portfolio(client)
        account = accepted[0].account

    print(f"{len(accepted)} orders; takeovers took {', '.join(f'{each:.2f}' for each in takeovers)} s")
    assert max(takeovers) <= TAKEOVER_S
    journal = journalled(folder)
    assert {order.id for order in accepted} <= journal.keys()
    times_placed = Counter(journal[order.id] for order in accepted)
    assert set(times_placed.values()) == {1}
    settled = {token: answer for host in hosts for token, answer in host.settled.items()}
    assert len(settled) == ORDERS_PER_KILL * (KILLS + 1)
    refused = {token for token, answer in settled.items() if "attempt_id" not in answer or answer.get("code")}
    assert not refused & times_placed.keys()
    assert Decimal(str(told["settled_cash"])) == from_micro(account.cash)


async def settled_portfolio(client: Client) -> dict[str, Any]:
    """The portfolio once nothing is provisional any more."""
    while True:
        answer = await answer_of(client, "get_portfolio")
        if not answer.get("settling"):
            return answer


def journalled(folder: Path) -> dict[str, str]:
    """Client tokens by order, as the desk wrote them down."""
    with closing(sqlite3.connect(folder / "desk.sqlite3")) as database:
        return dict(database.execute("SELECT order_id, client_token FROM orders WHERE order_id IS NOT NULL"))
