"""What somebody wants to trade, before the venue's rules have been applied."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from ..models import Market, OrderSide, Outcome, TimeInForce
from ..risk.mandate import Mandate

DEFAULT_SLIPPAGE = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """Exactly one of `size` (shares; "all" sells the whole holding) and `spend_usd` (most that leaves the account).

    Without `price` the order takes what rests on the book, no further than `max_slippage` dollars from the best
    price, and the rest is killed. With `price` a `time_in_force` is required. `forecast_id` names the forecast that the
    order follows, if any; it changes nothing about the trade. `mandate` is that of the strategy's run that wants it.
    """

    market: Market
    outcome: Outcome
    side: OrderSide
    size: Decimal | Literal["all"] | None = None
    spend_usd: Decimal | None = None
    price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    expires_at: datetime | None = None
    post_only: bool = False
    max_slippage: Decimal | None = None
    forecast_id: str = ""
    mandate: Mandate | None = None

    @property
    def fingerprint(self) -> str:
        """Equal for intents that ask for the same trade."""
        parts = (
            self.outcome.token_id,
            self.side,
            self.size,
            self.spend_usd,
            self.price,
            self.time_in_force,
            self.expires_at,
            self.post_only,
            self.max_slippage,
        )
        return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()
