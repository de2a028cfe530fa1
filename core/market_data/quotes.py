"""Books and histories for reading, cached as long as each kind stays useful. Orders never use these."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from ..identifiers import TokenId
from ..models import Candle, OrderBook, PriceHistory

if TYPE_CHECKING:
    from ..polymarket.clob import CLOBClient
    from ..polymarket.price_history_requests import CandleSize
    from .followed_books import FollowedState


class LiveBooks(Protocol):
    """Books kept current by a stream."""

    def fresh_book(self, token_id: TokenId) -> OrderBook | None:
        """The book if it is followed and nothing is missing from it."""
        ...

    def shown_at(self, token_id: TokenId) -> datetime | None:
        """How new the book was that a reader last had from here; None if there was none."""
        ...

    def learn(self, book: OrderBook) -> None:
        """Take from a book read by REST what a stream does not tell."""
        ...

    def newest(self, most: int) -> Sequence[OrderBook]:
        """The whole books of the outcomes that were read last."""
        ...

    def state(self) -> FollowedState:
        """How the books that are followed stand."""
        ...


class MarketQuotes:
    """Reads that may be up to ten seconds (books) or an hour (histories) old.

    Where `live` holds a book that is whole, that one is the answer and nothing is requested. When it no longer does, a
    reader never gets an older book than it had before: a cached one that is older is passed over. Histories come from
    `history`, where that is another venue than the one whose books are read.
    """

    def __init__(self, clob: CLOBClient, *, live: LiveBooks | None = None, history: CLOBClient | None = None) -> None:
        self._clob = clob
        self._history = history or clob
        self._live = live

    async def book(self, token_id: TokenId) -> OrderBook | None:
        """None for an outcome without a book, such as one of a closed market."""
        return (await self.books([token_id])).get(token_id) if self._live else await self._clob.book(token_id)

    async def books(self, token_ids: Sequence[TokenId]) -> dict[TokenId, OrderBook]:
        """The books that exist among `token_ids`, in one request."""
        if self._live is None:
            return await self._clob.books(token_ids)
        live = {token_id: book for token_id in token_ids if (book := self._live.fresh_book(token_id)) is not None}
        missing = [token_id for token_id in token_ids if token_id not in live]
        read = await self._clob.books(missing) if missing else {}
        older = [token_id for token_id, book in read.items() if self._is_older(book)]
        if older:
            read = read | await self._clob.books(older, fresh=True)
        for book in read.values():
            self._live.learn(book)
        return {token_id: book for token_id in token_ids if (book := live.get(token_id) or read.get(token_id))}

    def followed(self, most: int) -> Sequence[OrderBook]:
        """The live books of the outcomes that were read last, without reading anything."""
        return self._live.newest(most) if self._live else ()

    @property
    def stream(self) -> FollowedState | None:
        """How the stream of books stands; None where none is followed."""
        return self._live.state() if self._live else None

    def _is_older(self, book: OrderBook) -> bool:
        shown_at = self._live.shown_at(book.token_id) if self._live else None
        return shown_at is not None and book.received_at < shown_at

    async def history(
        self,
        token_id: TokenId,
        *,
        interval: Literal["1h", "6h", "1d", "1w", "1m", "max"] = "max",
        start: datetime | None = None,
        end: datetime | None = None,
        fidelity_min: int | None = None,
    ) -> PriceHistory:
        """Midpoints over `interval` (1h 6h 1d 1w 1m max) or between two moments, one per `fidelity_min` minutes."""
        if start is not None:
            return await self._history.price_history(token_id, start=start, end=end, fidelity_min=fidelity_min)
        return await self._history.price_history(token_id, interval=interval, fidelity_min=fidelity_min)

    async def candles(self, token_id: TokenId, *, size: CandleSize, start: datetime, limit: int) -> tuple[Candle, ...]:
        """At most `limit` candles of the midpoint from `start` on, oldest first."""
        return await self._history.candles(token_id, size=size, start=start, limit=limit)
