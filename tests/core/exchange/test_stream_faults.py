"""Live books over a disturbed stream: gaps are seen and repaired, and in the end the book is the exchange's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.book import Order, Side
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.faults import FaultPlan, StreamFault
from polydesk.core.exchange.listing import Listing
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.identifiers import TokenId
from polydesk.core.market_data.market_feed import MarketFeed
from polydesk.core.models import OrderBook
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.transport import Transport
from tests.support.exchanges import environment_of

TOKEN = TokenId("131")


def trade(exchange: Exchange, listing: Listing, number: int, random: Random) -> None:
    """One order around the middle of the book; some take, some rest."""
    account = exchange.accounts.open_account("crowd")
    exchange.ledger.deposit(account, 10**9)
    side: Side = "BUY"
    exchange.trading.enter(
        Order(
            id=f"0x{number:064x}",
            account=account,
            condition_id=listing.condition_id,
            token_id=listing.tokens[number % 2],
            outcome=number % 2,
            side=side,
            price=random.randrange(42, 53) * 100,
            size=random.randrange(5, 60) * 1_000_000,
            order_type="GTC",
            created_at_ms=exchange.now_ms,
        )
    )


@pytest.mark.parametrize(
    "rule",
    [
        StreamFault(kind="freeze", route="/ws/market", after=12, count=1),
        StreamFault(kind="duplicate", route="/ws/market", after=3, every=4, count=8),
        StreamFault(kind="reorder", route="/ws/market", after=3, every=6, count=6),
        StreamFault(kind="truncate", route="/ws/market", after=3, every=9, count=4),
    ],
    ids=lambda rule: rule.kind,
)
async def test_a_live_book_ends_as_the_exchange_has_it(
    catalogue: Catalogue, clock: ManualClock, rule: StreamFault
) -> None:
    settings = ExchangeSettings(
        simulated_traders=False, mined_after_s=0, confirmed_after_s=0, faults=FaultPlan.of(rule)
    )
    exchange = Exchange(catalogue, settings, clock)
    listing = exchange.markets.by_token[TOKEN]
    random = Random(5)
    async with ExchangeServer(exchange) as server:
        environment = environment_of(server)
        async with Transport(environment, clock=clock, random=Random(1)) as transport:
            clob = CLOBClient(transport)

            async def fetch(token_ids: Sequence[TokenId]) -> dict[TokenId, OrderBook]:
                return await clob.books(token_ids, fresh=True)

            async with MarketFeed(environment, clock=clock, random=Random(2), fetch_books=fetch) as feed:
                await feed.follow([TOKEN])
                await _until_agreed(feed, clob, clock)
                for number in range(40):
                    await clock.advance(0.1)
                    trade(exchange, listing, number, random)
                await _until_agreed(feed, clob, clock)
                live = feed.live_book(TOKEN)
                assert live is not None
                assert not live.stale
                if rule.kind in ("freeze", "truncate"):  # the others leave nothing out
                    assert feed.counts.gaps > 0


async def _until_agreed(feed: MarketFeed, clob: CLOBClient, clock: ManualClock) -> None:
    """Let time pass until the feed vouches for a book that is the one REST tells."""
    async with asyncio.timeout(20):
        while True:
            rest: Any = await clob.book(TOKEN, fresh=True)
            feed.learn(rest)
            ours = live.to_order_book() if (live := feed.whole_book(TOKEN)) else None
            if ours is not None and (ours.bids, ours.asks) == (rest.bids, rest.asks):
                return
            await clock.advance(1)
            await asyncio.sleep(0.005)
