"""An account's fills, kept so that each look asks the venue only for what may be new."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from ..clock import Clock
from ..identifiers import OrderId, TradeId
from ..models import Trade, TradeStatus
from ..telemetry.fill_totals import FillTotals

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
        self._unsettled: dict[tuple[TradeId, OrderId], datetime] = {}
        self._newest: datetime | None = None
        self.totals = FillTotals()

    async def trades(self) -> tuple[Trade, ...]:
        """Every fill, oldest first."""
        in_order = True
        for fill in sorted(await self._fetch(self._known_until()), key=_matched_at):
            key = fill.id, fill.order_id
            if self._newest is None or fill.timestamp >= self._newest:
                self._newest = fill.timestamp
            elif key not in self._fills:
                in_order = False
            self.totals.note(fill, before=self._fills.get(key))
            self._fills[key] = fill
            if fill.status in _FINAL:
                self._unsettled.pop(key, None)
            else:
                self._unsettled[key] = fill.timestamp
        if not in_order:
            self._fills = {(fill.id, fill.order_id): fill for fill in sorted(self._fills.values(), key=_matched_at)}
        return tuple(self._fills.values())

    def _known_until(self) -> datetime | None:
        """The moment before which nothing can change any more."""
        if self._newest is None:
            return None
        now = self._clock.now()
        overlap = _OVERLAP
        if self._looked_deep_at is None or now - self._looked_deep_at >= _DEEP_EVERY:
            self._looked_deep_at, overlap = now, _DEEP_OVERLAP
        return min([self._newest, *self._unsettled.values()]) - overlap


def _matched_at(fill: Trade) -> datetime:
    return fill.timestamp
