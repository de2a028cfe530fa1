"""An account's fills, kept so that each look asks the venue only for what may be new."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from ..clock import Clock
from ..identifiers import OrderId, TradeId
from ..models import Trade, TradeStatus

_OVERLAP = timedelta(seconds=2)
"""Trades are asked for again from so long before the newest that is known."""

_DEEP_OVERLAP, _DEEP_EVERY = timedelta(minutes=2), timedelta(seconds=30)
"""Now and then from longer before: the venue may list one late."""

_FINAL = (TradeStatus.CONFIRMED, TradeStatus.FAILED)

FetchTrades = Callable[[datetime | None], Awaitable[tuple[Trade, ...]]]
"""All fills matched after a moment, or all there are."""


class TradeLog:
    """Fills by trade and order. Those not settled yet are asked for again until they are, however old."""

    def __init__(self, fetch: FetchTrades, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._looked_deep_at: datetime | None = None
        self._fills: dict[tuple[TradeId, OrderId], Trade] = {}

    async def trades(self) -> tuple[Trade, ...]:
        """Every fill, oldest first."""
        for fill in await self._fetch(self._known_until()):
            self._fills[(fill.id, fill.order_id)] = fill
        return tuple(sorted(self._fills.values(), key=lambda fill: fill.timestamp))

    def _known_until(self) -> datetime | None:
        """The moment before which nothing can change any more."""
        if not self._fills:
            return None
        open_since = [fill.timestamp for fill in self._fills.values() if fill.status not in _FINAL]
        newest = max(fill.timestamp for fill in self._fills.values())
        now = self._clock.now()
        overlap = _OVERLAP
        if self._looked_deep_at is None or now - self._looked_deep_at >= _DEEP_EVERY:
            self._looked_deep_at, overlap = now, _DEEP_OVERLAP
        return min([newest, *open_since]) - overlap
