"""Books and histories for reading, cached as long as each kind stays useful. Orders never use these."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from ..identifiers import TokenId
from ..models import OrderBook, PriceHistory

if TYPE_CHECKING:
    from ..polymarket.clob import CLOBClient


class MarketQuotes:
    """Reads that may be up to ten seconds (books) or an hour (histories) old."""

    def __init__(self, clob: CLOBClient) -> None:
        self._clob = clob

    async def book(self, token_id: TokenId) -> OrderBook | None:
        """None for an outcome without a book, such as one of a closed market."""
        return await self._clob.book(token_id)

    async def books(self, token_ids: Sequence[TokenId]) -> dict[TokenId, OrderBook]:
        """The books that exist among `token_ids`, in one request."""
        return await self._clob.books(token_ids)

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
            return await self._clob.price_history(token_id, start=start, end=end, fidelity_min=fidelity_min)
        return await self._clob.price_history(token_id, interval=interval, fidelity_min=fidelity_min)
