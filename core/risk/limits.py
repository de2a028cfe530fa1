"""The numbers no order may pass. They come from configuration alone."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """`max_order_usd` bounds an order's worst cost with fee; `max_book_age_s` the age of the book it was planned on;
    `max_beyond_best` how far past the best price, in dollars, an order may trade at once."""

    max_order_usd: Decimal
    max_open_orders: int
    max_book_age_s: float = 10.0
    max_beyond_best: Decimal = Decimal("0.10")
