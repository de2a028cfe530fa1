"""The numbers no order may pass. They come from configuration alone."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """Dollars, shares and seconds that bound orders; None where a limit is not set.

    `max_order_usd` bounds an order's worst cost with fee. `max_market_usd`, `max_event_usd` and `max_exposure_usd`
    bound what can be lost in a market, in an event and in all, with the order. `max_day_usd` bounds the worst cost of
    all orders sent in a day (UTC), `max_day_loss_usd` what the account may be worth less than at the day's beginning.
    `max_beyond_best` is how far past the best price, in dollars, an order may trade at once; `max_spread` and
    `min_depth_usd` are what the book must offer it (depth within five cents of the best price). `min_hours_to_end`
    keeps new orders away from markets about to be decided. `allow_markets`, where set, and `deny_markets` are slugs of
    markets or events.
    """

    max_order_usd: Decimal
    max_open_orders: int
    max_book_age_s: float = 10.0
    max_beyond_best: Decimal = Decimal("0.10")
    max_market_usd: Decimal | None = None
    max_event_usd: Decimal | None = None
    max_exposure_usd: Decimal | None = None
    max_day_usd: Decimal | None = None
    max_day_loss_usd: Decimal | None = None
    max_orders_per_minute: int | None = None
    max_spread: Decimal | None = None
    min_depth_usd: Decimal | None = None
    min_hours_to_end: Decimal | None = None
    allow_markets: tuple[str, ...] = ()
    deny_markets: tuple[str, ...] = ()
