"""The feed against the embedded exchange: its books are those that the exchange answers by REST."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from random import Random

import pytest

from polydesk.core.clock import ManualClock, SystemClock
from polydesk.core.exchange.book import Order, Side
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.listing import Listing
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.identifiers import TokenId
from polydesk.core.market_data.book_keeper import BookGap
from polydesk.core.market_data.followed_books import FollowedBooks
from polydesk.core.market_data.market_feed import MarketFeed
from polydesk.core.market_data.quotes import MarketQuotes
from polydesk.core.models import OrderBook
from polydesk.core.money import MICRO
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.transport import Transport
from tests.support.exchanges import environment_of

_PATIENCE_S = 20


@pytest.fixture
def queue_frames() -> int:
    return 1000


@pytest.fixture
def exchange(queue_frames: int) -> Exchange:
    settings = ExchangeSettings(
        simulated_traders=False, mined_after_s=0, confirmed_after_s=0, stream_queue_frames=queue_frames
    )
    return Exchange(load_catalogue(), settings, SystemClock())


@pytest.fixture
async def server(exchange: Exchange) -> AsyncIterator[ExchangeServer]:
    async with ExchangeServer(exchange) as serving:
        yield serving


@pytest.fixture
async def clob(server: ExchangeServer) -> AsyncIterator[CLOBClient]:
    environment = environment_of(server)
    async with Transport(environment, clock=SystemClock(), random=Random(11)) as transport:
        yield CLOBClient(transport)


@pytest.fixture
def listing(exchange: Exchange) -> Listing:
    """An open market with room on both sides of its best prices."""
    for each in exchange.markets.listings:
        bid, ask = each.book.best_for(0)
        if not each.closed and bid is not None and ask is not None and 2000 < bid < ask < 8000:
            return each
    raise AssertionError("the catalogue has no such market")


class Crowd:
    """Someone with plenty of everything who places orders past HTTP."""

    def __init__(self, exchange: Exchange, listing: Listing) -> None:
        self._exchange, self._listing = exchange, listing
        self._random = Random(4)
        self._account = exchange.accounts.open_account("crowd")
        exchange.ledger.deposit(self._account, 10**6 * MICRO)
        exchange.ledger.split(self._account, listing.condition_id, listing.tokens, 10**5 * MICRO, at=exchange.now_s)
        self._placed = 0

    def trade(self, orders: int) -> None:
        """Orders around the middle: some rest, some take."""
        for _ in range(orders):
            side: Side = self._random.choice(("BUY", "SELL"))
            steps = self._random.randrange(-3, 6)
            bid, ask = self._listing.book.best_for(0)
            assert bid is not None
            assert ask is not None
            tick = self._listing.tick
            price = bid - steps * tick if side == "BUY" else ask + steps * tick
            self._placed += 1
            self._exchange.trading.enter(
                Order(
                    id=f"0x{self._placed:064x}",
                    account=self._account,
                    condition_id=self._listing.condition_id,
                    token_id=self._listing.tokens[0],
                    outcome=0,
                    side=side,
                    price=min(max(price, tick), 10_000 - tick),
                    size=self._random.randrange(5, 50) * MICRO,
                    order_type="GTC",
                    created_at_ms=self._exchange.now_ms,
                )
            )


def a_feed(server: ExchangeServer, clob: CLOBClient) -> MarketFeed:
    async def fetch(token_ids: Sequence[TokenId]) -> dict[TokenId, OrderBook]:
        return await clob.books(token_ids, fresh=True)

    environment = environment_of(server)
    return MarketFeed(environment, clock=SystemClock(), random=Random(3), fetch_books=fetch)


async def settled(feed: MarketFeed, clob: CLOBClient, tokens: Sequence[TokenId]) -> None:
    """Wait until every book of the feed is the one that REST tells, level by level."""
    async with asyncio.timeout(_PATIENCE_S):
        for token_id in tokens:
            while True:
                rest = await clob.book(token_id, fresh=True)
                assert rest is not None
                feed.learn(rest)
                ours = live.to_order_book() if (live := feed.whole_book(token_id)) else None
                if ours is not None and (ours.bids, ours.asks) == (rest.bids, rest.asks):
                    break
                await feed.changed()


async def test_after_orders_and_trades_the_books_are_those_of_rest(
    exchange: Exchange, server: ExchangeServer, clob: CLOBClient, listing: Listing
) -> None:
    tokens = [TokenId(token) for token in listing.tokens]
    crowd = Crowd(exchange, listing)
    gaps: list[BookGap] = []
    async with a_feed(server, clob) as feed:
        feed.on_gap(gaps.append)
        await feed.follow(tokens)
        await settled(feed, clob, tokens)
        for _ in range(60):
            crowd.trade(1)
            await asyncio.sleep(0)
            await settled(feed, clob, tokens)
        assert not gaps
        assert feed.counts.dropped == 0


@pytest.mark.parametrize("queue_frames", [20])
async def test_an_exchange_that_gives_up_a_slow_reader_is_followed_again(
    exchange: Exchange, server: ExchangeServer, clob: CLOBClient, listing: Listing
) -> None:
    """More frames at once than the exchange queues: it closes the connection, the feed mends its books."""
    tokens = [TokenId(token) for token in listing.tokens]
    crowd = Crowd(exchange, listing)
    async with a_feed(server, clob) as feed:
        await feed.follow(tokens)
        await settled(feed, clob, tokens)
        crowd.trade(50)
        await settled(feed, clob, tokens)
        assert server.stream_counts.slow_readers == 1
        assert feed.counts.gaps == 2


async def test_a_book_that_was_read_is_followed_and_needs_no_further_request(
    exchange: Exchange, server: ExchangeServer, clob: CLOBClient, listing: Listing
) -> None:
    tokens = [TokenId(token) for token in listing.tokens]
    crowd = Crowd(exchange, listing)
    feed = a_feed(server, clob)
    async with FollowedBooks(feed, clock=SystemClock()) as live:
        quotes = MarketQuotes(clob, live=live)
        cached = await quotes.books(tokens)
        assert cached == await clob.books(tokens)
        await until_live(live, feed, tokens)
        crowd.trade(5)
        rest = await clob.books(tokens, fresh=True)
        assert rest[tokens[0]].bids != cached[tokens[0]].bids or rest[tokens[0]].asks != cached[tokens[0]].asks
        async with asyncio.timeout(_PATIENCE_S):
            while any(
                (live_book := live.fresh_book(each)) is None or live_book.hash != rest[each].hash for each in tokens
            ):
                await feed.changed()
        read = await quotes.books(tokens)
        assert {each: (book.bids, book.asks) for each, book in read.items()} == {
            each: (book.bids, book.asks) for each, book in rest.items()
        }
        assert await quotes.books(tokens) == read


async def test_the_books_read_longest_ago_are_followed_no_longer(
    exchange: Exchange, server: ExchangeServer, clob: CLOBClient, listing: Listing
) -> None:
    first, second = (TokenId(token) for token in listing.tokens)
    feed = a_feed(server, clob)
    async with FollowedBooks(feed, clock=SystemClock(), most=1) as live:
        quotes = MarketQuotes(clob, live=live)
        for token_id in (first, second):
            await quotes.book(token_id)
            await until_live(live, feed, [token_id])
        assert feed.token_ids == {second}
        assert live.fresh_book(first) is None


async def test_a_book_without_news_for_too_long_is_read_by_rest(
    exchange: Exchange, server: ExchangeServer, clob: CLOBClient, listing: Listing
) -> None:
    token_id = TokenId(listing.tokens[0])
    feed = a_feed(server, clob)
    clock = ManualClock(SystemClock().now())
    async with FollowedBooks(feed, clock=clock) as live:
        await MarketQuotes(clob, live=live).book(token_id)
        await until_live(live, feed, [token_id])
        await clock.advance(60)
        assert feed.whole_book(token_id) is not None
        assert live.fresh_book(token_id) is None
        state = live.state()
        assert (state.followed, state.markets, state.fresh, state.connections) == (1, 1, 0, 1)


async def until_live(live: FollowedBooks, feed: MarketFeed, tokens: Sequence[TokenId]) -> None:
    """Wait until the stream has sent every book."""
    async with asyncio.timeout(_PATIENCE_S):
        while any(live.fresh_book(token_id) is None for token_id in tokens):
            await feed.changed()
