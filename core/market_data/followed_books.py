"""Books that were read lately are followed on the stream, so that reading them again costs no request."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..identifiers import TokenId
from ..models import OrderBook

if TYPE_CHECKING:
    from .live_book import LiveBook
    from .market_feed import MarketFeed

_tell_failure = logs_failure(logging.getLogger(__name__), "no further books are followed; they are read by REST")

_MOST_FOLLOWED = 200
"""Outcomes followed at once, well below the 500 that one connection may subscribe."""

_MAX_AGE_S = 10.0
"""As long as a book read by REST is kept, so that no reader gets an older one because it is followed."""


_Version = tuple[datetime, str, Decimal | None, Decimal | None]


@dataclass(frozen=True, slots=True)
class FollowedState:
    """Outcomes that are followed, of how many markets, how many of their books are whole and told of lately, and when
    anything was last told; stream connections. Since the desk was opened: gaps that books had, connections that were
    opened anew, and events dropped because reading was slow."""

    followed: int
    markets: int
    fresh: int
    last_news: datetime | None
    connections: int
    gaps: int
    reconnections: int
    dropped: int


class FollowedBooks:
    """The live books of the outcomes read last. An `async with` runs it and the feed.

    A book read by REST is followed from then on, until `most` others have been read since. Nobody waits for the
    stream: until it has sent a book, and whenever that book is not whole or the last news of it are older than
    `max_age_s`, there is none here.
    """

    def __init__(
        self, feed: MarketFeed, *, clock: Clock, most: int = _MOST_FOLLOWED, max_age_s: float = _MAX_AGE_S
    ) -> None:
        self._feed = feed
        self._clock = clock
        self._max_age = timedelta(seconds=max_age_s)
        self._most = most
        self._wanted: OrderedDict[TokenId, OrderBook] = OrderedDict()
        self._shown: dict[TokenId, tuple[_Version, OrderBook]] = {}
        self._news = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._feed.__aenter__()
        self._following = asyncio.create_task(self._follow())
        self._following.add_done_callback(_tell_failure)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._following is not None:
            await cancelled(self._following)
        await self._feed.aclose()

    def fresh_book(self, token_id: TokenId) -> OrderBook | None:
        """The book as the stream has kept it; None if it is not followed, not whole or too old."""
        if token_id not in self._wanted:
            return None
        self._wanted.move_to_end(token_id)
        live = self._feed.whole_book(token_id)
        if live is None or self._clock.now() - live.as_of > self._max_age:
            return None
        version = _version(live)
        shown = self._shown.get(token_id)
        if shown is not None and shown[0] == version:
            return shown[1]
        book = live.to_order_book()
        if book is not None:
            self._shown[token_id] = (version, book)
        return book

    def newest(self, most: int) -> list[OrderBook]:
        """The books read last that the stream keeps whole, without counting as having been read again."""
        oldest = self._clock.now() - self._max_age
        whole = (self._feed.whole_book(token_id) for token_id in reversed(self._wanted))
        books = (live.to_order_book() for live in whole if live is not None and live.as_of >= oldest)
        return list(itertools.islice((book for book in books if book is not None), most))

    def state(self) -> FollowedState:
        """How the books that are followed stand."""
        now = self._clock.now()
        live = [book for token_id in self._wanted if (book := self._feed.live_book(token_id)) is not None]
        whole = [book for book in live if self._feed.whole_book(book.token_id) is not None]
        return FollowedState(
            followed=len(self._wanted),
            markets=len({book.condition_id for book in live if book.condition_id is not None}),
            fresh=sum(now - book.as_of <= self._max_age for book in whole),
            last_news=max((book.as_of for book in live if book.seen), default=None),
            connections=self._feed.connections,
            gaps=self._feed.counts.gaps,
            reconnections=self._feed.counts.reopened,
            dropped=self._feed.counts.dropped,
        )

    def incomplete(self) -> int:
        """How many followed outcomes, among those the venue has books of, have none that is whole."""
        live = {token_id: self._feed.live_book(token_id) for token_id in self._wanted}
        return sum(
            self._feed.whole_book(token_id) is None
            for token_id, book in live.items()
            if book is None or not book.absent
        )

    def shown_at(self, token_id: TokenId) -> datetime | None:
        """When the stream last told of the book that a reader had from here; None if none had."""
        shown = self._shown.get(token_id)
        return shown[1].received_at if shown else None

    def learn(self, book: OrderBook) -> None:
        """Follow this book, which was just read by REST, and keep what the stream does not tell of it."""
        if book.token_id not in self._wanted:
            self._news.set()
        self._wanted[book.token_id] = book
        self._wanted.move_to_end(book.token_id)
        while len(self._wanted) > self._most:
            forgotten, _ = self._wanted.popitem(last=False)
            self._shown.pop(forgotten, None)
        self._feed.learn(book)

    async def _follow(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            followed = self._feed.token_ids
            wanted = dict(self._wanted)
            await self._feed.unfollow(followed - wanted.keys())
            await self._feed.follow(wanted.keys() - followed)
            for token_id in wanted.keys() - followed:
                self._feed.learn(wanted[token_id])


def _version(live: LiveBook) -> _Version:
    return live.as_of, live.hash, live.tick, live.last_trade_price
