"""Live books of any number of outcomes: as many stream connections as it takes, and the repair of their gaps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..errors import PolymarketAPIError
from ..identifiers import TokenId
from ..models import OrderBook
from ..polymarket.environments import Environment
from ..polymarket.event_queue import Gap
from ..polymarket.subscriptions import rebalance
from ..polymarket.wire.stream_events import MarketEvent
from .book_keeper import BookGap, BookKeeper, RepairSettings
from .live_book import LiveBook

if TYPE_CHECKING:
    from ..polymarket.stream_connection import StreamSettings
    from ..polymarket.streams import MarketStream

FetchBooks = Callable[[Sequence[TokenId]], Awaitable[Mapping[TokenId, OrderBook]]]
"""Reads books by REST, past every cache; tokens without a book are missing from the answer."""

_tell_failure = logs_failure(logging.getLogger(__name__), "live books are no longer kept")

_CHECK_INTERVAL_S = 1.0
"""How often silent books are looked for."""


@dataclass(slots=True)
class FeedCounts:
    """What happened since the feed was opened. `reconnected` are connections given up to mend books, `reopened` those
    and the ones that ended by themselves. `dropped` are events lost because reading was slow."""

    gaps: int = 0
    resubscribed: int = 0
    reconnected: int = 0
    reopened: int = 0
    fetched: int = 0
    failed_fetches: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class BooksFetched:
    """Books were read by REST to close a gap."""

    token_ids: tuple[TokenId, ...]


@dataclass(slots=True)
class _Connection:
    """One stream, the books that live on it, and the tasks that serve them."""

    stream: MarketStream
    keeper: BookKeeper
    reading: asyncio.Task[None] | None = None
    fetching: set[asyncio.Task[None]] = field(default_factory=set)
    dropped: int = 0


class MarketFeed:
    """Keeps the books of the followed outcomes current and mends them.

    An `async with` runs it; no connection is opened before the first outcome is followed. Every gap is counted on its
    book and told to those who asked with `on_gap`.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        clock: Clock,
        random: Random,
        fetch_books: FetchBooks,
        repair: RepairSettings | None = None,
        stream_settings: StreamSettings | None = None,
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._random = random
        self._fetch_books = fetch_books
        self._repair = repair or RepairSettings()
        self._stream_settings = stream_settings
        self._connections: list[_Connection] = []
        self._homes: dict[TokenId, _Connection] = {}
        self._listeners: dict[object, Callable[[BookGap], None]] = {}
        self._watchers: dict[object, Callable[[MarketEvent | BooksFetched], None]] = {}
        self._changing = asyncio.Lock()
        self._attention = asyncio.Event()
        self._refreshed = asyncio.Event()
        self._mending: asyncio.Task[None] | None = None
        self.counts = FeedCounts()
        self.last_error = ""

    async def __aenter__(self) -> Self:
        self._mending = asyncio.create_task(self._mend())
        self._mending.add_done_callback(_tell_failure)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection and forget the books; whoever still holds one sees it stale."""
        if self._mending is not None:
            await cancelled(self._mending)
            self._mending = None
        for connection in self._connections:
            await self._close(connection)
        self._connections.clear()
        for token_id, connection in self._homes.items():
            connection.keeper.books[token_id].stale = True
        self._homes.clear()
        self._refreshed.set()

    # -- what is followed --------------------------------------------------------------------------------------------

    @property
    def token_ids(self) -> frozenset[TokenId]:
        return frozenset(self._homes)

    @property
    def connections(self) -> int:
        return len(self._connections)

    @property
    def frames(self) -> int:
        """Frames received on the connections that are open now."""
        return sum(connection.stream.counts.frames for connection in self._connections)

    async def follow(self, token_ids: Collection[TokenId]) -> None:
        """Follow these outcomes too. Their books are stale until the venue has sent them."""
        async with self._changing:
            await self._set(self._homes.keys() | set(token_ids))

    async def unfollow(self, token_ids: Collection[TokenId]) -> None:
        """Follow these outcomes no longer and forget their books."""
        async with self._changing:
            await self._set(self._homes.keys() - set(token_ids))

    async def _set(self, wanted: set[TokenId]) -> None:
        """Books whose connection changes move with their history and are sent anew by the new one."""
        before = [frozenset(connection.keeper.books) for connection in self._connections]
        after = rebalance(before, wanted)
        now = self._clock.now()
        moving: dict[TokenId, LiveBook] = {}
        for connection, kept in zip(self._connections, after, strict=False):
            for token_id in connection.keeper.books.keys() - kept:
                book = connection.keeper.release(token_id)
                del self._homes[token_id]
                if book is not None and token_id in wanted:
                    moving[token_id] = book
        while len(self._connections) < len(after):
            self._connections.append(self._new_connection(after[len(self._connections)]))
        for connection, tokens in zip(self._connections, after, strict=True):
            for token_id in tokens - connection.keeper.books.keys():
                connection.keeper.adopt(moving.get(token_id) or LiveBook(token_id, as_of=now), now)
                self._homes[token_id] = connection
        for connection, tokens in zip(list(self._connections), after, strict=True):
            if not tokens:
                self._connections.remove(connection)
                await self._close(connection)
            elif connection.reading is None:
                connection.reading = asyncio.create_task(self._read(connection))
                connection.reading.add_done_callback(_tell_failure)
            else:
                await connection.stream.set_tokens(tokens)

    def _new_connection(self, tokens: Collection[TokenId]) -> _Connection:
        from ..polymarket.streams import MarketStream

        stream = MarketStream(
            self._environment, tokens, clock=self._clock, random=self._random, settings=self._stream_settings
        )
        return _Connection(stream, BookKeeper(self._repair, report=self._report))

    async def _close(self, connection: _Connection) -> None:
        for task in [*connection.fetching, *filter(None, [connection.reading])]:
            await cancelled(task)

    # -- reading the books -------------------------------------------------------------------------------------------

    def live_book(self, token_id: TokenId) -> LiveBook | None:
        """The book as it stands, stale or not: look at `stale`, `as_of`, `source` and `gaps`. None if not followed."""
        home = self._homes.get(token_id)
        return home.keeper.books[token_id] if home else None

    def whole_book(self, token_id: TokenId) -> LiveBook | None:
        """The book if its connection stands and nothing is missing from it, else None."""
        home = self._homes.get(token_id)
        if home is None or not home.stream.connected:
            return None
        book = home.keeper.books[token_id]
        return None if book.stale else book

    def learn(self, book: OrderBook) -> None:
        """Take from a book that was read by REST what the stream does not tell: minimum size and neg-risk."""
        live = self.live_book(book.token_id)
        if live is not None:
            live.learn(book)

    async def wait_fresh(self, token_id: TokenId) -> LiveBook:
        """Return as soon as a followed book is whole, or the venue has said that there is none (`absent`).

        Raises KeyError for an outcome that is not followed, or no longer.
        """
        while True:
            book = self._homes[token_id].keeper.books[token_id]
            if book.absent or not book.stale:
                return book
            await self.changed()

    async def changed(self) -> None:
        """Return after the next event of any book."""
        self._refreshed.clear()
        await self._refreshed.wait()

    def on_gap(self, listener: Callable[[BookGap], None]) -> Callable[[], None]:
        """Call `listener` with every gap when it is found. Returns the function that ends this."""
        key = object()
        self._listeners[key] = listener
        return lambda: self._listeners.pop(key, None) and None

    def on_event(self, listener: Callable[[MarketEvent | BooksFetched], None]) -> Callable[[], None]:
        """Call `listener` with what arrives, once the books hold it. Returns the function that ends this."""
        key = object()
        self._watchers[key] = listener
        return lambda: self._watchers.pop(key, None) and None

    def _tell(self, event: MarketEvent | BooksFetched) -> None:
        for watcher in list(self._watchers.values()):
            watcher(event)

    def _report(self, gap: BookGap) -> None:
        self.counts.gaps += 1
        for listener in list(self._listeners.values()):
            listener(gap)

    # -- keeping them current ----------------------------------------------------------------------------------------

    async def _read(self, connection: _Connection) -> None:
        stream, keeper = connection.stream, connection.keeper
        async with stream:
            async for event in stream:
                keeper.apply(event, self._clock.now())
                if not isinstance(event, Gap):
                    self._tell(event)
                elif event.reason == "reconnected":
                    self.counts.reopened += 1
                if keeper.needs_attention:
                    self._attention.set()
                self._refreshed.set()
                self.counts.dropped += stream.dropped - connection.dropped
                connection.dropped = stream.dropped

    async def _mend(self) -> None:
        """Take repair steps as they become due: at once after a gap, and regularly for books that fell silent."""
        while True:
            self._attention.clear()
            for connection in list(self._connections):
                await self._take_steps(connection)
            waits: set[asyncio.Task[Any]] = {
                asyncio.create_task(self._attention.wait()),
                asyncio.create_task(self._clock.sleep(_CHECK_INTERVAL_S)),
            }
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    await cancelled(wait)

    async def _take_steps(self, connection: _Connection) -> None:
        repairs = connection.keeper.due(self._clock.now())
        if repairs.resubscribe:
            self.counts.resubscribed += len(repairs.resubscribe)
            await connection.stream.resubscribe(repairs.resubscribe)
        if repairs.reconnect:
            self.counts.reconnected += 1
            await connection.stream.reconnect()
        if repairs.fetch:
            fetching = asyncio.create_task(self._fetch(connection, repairs.fetch))
            connection.fetching.add(fetching)
            fetching.add_done_callback(connection.fetching.discard)

    async def _fetch(self, connection: _Connection, token_ids: list[TokenId]) -> None:
        try:
            fetched = await self._fetch_books(token_ids)
            connection.keeper.install_fetched(token_ids, fetched, self._clock.now())
        except (PolymarketAPIError, ValueError) as error:
            self.counts.failed_fetches += 1
            self.last_error = str(error)
            return
        self.counts.fetched += len(fetched)
        self._tell(BooksFetched(tuple(fetched)))
        self._refreshed.set()
