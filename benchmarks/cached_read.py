"""What the client layer costs a read that needs no request, against the same read that does.

One book of the embedded exchange, which runs in the same process: read from the client's cache, from the live book
that the stream keeps, and by a request over loopback. The three take turns; figures are the median over all rounds.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from statistics import median

from polydesk.core.clock import SystemClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.identifiers import TokenId
from polydesk.core.market_data.followed_books import FollowedBooks
from polydesk.core.market_data.market_feed import MarketFeed
from polydesk.core.market_data.quotes import MarketQuotes
from polydesk.core.models import OrderBook
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.environments import environment_at
from polydesk.core.polymarket.transport import Transport

from .registry import Result

_ROUNDS = 20
_READS = {"from the cache": 500, "from the live book": 500, "by a request": 10}
_PATIENCE_S = 10


def run() -> Result:
    return asyncio.run(_run())


async def _run() -> Result:
    clock = SystemClock()
    exchange = Exchange(load_catalogue(), ExchangeSettings(simulated_traders=False), clock)
    token_id = next(TokenId(each.tokens[0]) for each in exchange.markets.listings if not each.closed)
    async with ExchangeServer(exchange) as server:
        environment = environment_at(
            "benchmark",
            clob_url=server.clob_url,
            gamma_url=server.gamma_url,
            data_url=server.data_url,
            ws_url=server.ws_url,
            chain_id=137,
        )
        async with Transport(environment, clock=clock, random=random.Random(1)) as transport:
            clob = CLOBClient(transport)

            async def fetch(token_ids: Sequence[TokenId]) -> Mapping[TokenId, OrderBook]:
                return await clob.books(token_ids, fresh=True)

            feed = MarketFeed(environment, clock=clock, random=random.Random(2), fetch_books=fetch)
            async with FollowedBooks(feed, clock=clock) as live:
                quotes = MarketQuotes(clob, live=live)
                await quotes.book(token_id)
                async with asyncio.timeout(_PATIENCE_S):
                    while live.fresh_book(token_id) is None:
                        await feed.changed()
                seconds = await _in_turns(
                    {
                        "from the cache": lambda: clob.book(token_id),
                        "from the live book": lambda: quotes.book(token_id),
                        "by a request": lambda: clob.book(token_id, fresh=True),
                    }
                )
    each = {name: median(taken) for name, taken in seconds.items()}
    return Result(
        about=f"one book, {_ROUNDS} rounds of {', '.join(f'{count} {name}' for name, count in _READS.items())}",
        ratios={
            "request / cache": each["by a request"] / each["from the cache"],
            "request / live book": each["by a request"] / each["from the live book"],
        },
        measured={f"{name}, µs per read": 1e6 * taken for name, taken in each.items()},
    )


async def _in_turns(reads: Mapping[str, Callable[[], Awaitable[OrderBook | None]]]) -> dict[str, list[float]]:
    """Seconds per read, one figure per round. Raises RuntimeError when a read finds no book."""
    seconds: dict[str, list[float]] = {name: [] for name in reads}
    for _ in range(_ROUNDS):
        for name, read in reads.items():
            started = time.perf_counter()
            for _ in range(_READS[name]):
                if await read() is None:
                    raise RuntimeError(f"no book {name}")
            seconds[name].append((time.perf_counter() - started) / _READS[name])
    return seconds
