"""How one outcome's price moved."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..identifiers import TokenId


@dataclass(frozen=True, slots=True)
class PricePoint:
    """The midpoint at a moment (the venue records midpoints, not trades)."""

    at: datetime
    price: Decimal


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """Points oldest first."""

    token_id: TokenId
    points: tuple[PricePoint, ...]
    fetched_at: datetime

    def price_at(self, moment: datetime) -> Decimal | None:
        """The last price at or before a moment, since the venue's series is forward-filled; None before the first."""
        place = bisect.bisect_right(self.points, moment, key=lambda point: point.at)
        return self.points[place - 1].price if place else None


@dataclass(frozen=True, slots=True)
class Candle:
    """Open, high, low and close in dollars per share from `at` on. `volume` in shares, None where it is not sent."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
