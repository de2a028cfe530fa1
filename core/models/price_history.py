"""How one outcome's price moved."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Candle:
    """Open, high, low and close in dollars per share from `at` on. `volume` in shares, None where it is not sent."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
