"""The resting orders of one outcome, aggregated by price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..identifiers import ConditionId, TokenId


@dataclass(frozen=True, slots=True)
class PriceLevel:
    """`price` in dollars per share, `size` in shares."""

    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class OrderBook:
    """Both sides best first, whatever order the wire used.

    `timestamp` is the venue's, `received_at` ours. `hash` is the venue's fingerprint of the book.
    """

    market_id: ConditionId
    token_id: TokenId
    bids: tuple[PriceLevel, ...]
    asks: tuple[PriceLevel, ...]
    timestamp: datetime
    received_at: datetime
    tick: Decimal
    min_size: Decimal
    neg_risk: bool
    last_trade_price: Decimal | None
    hash: str

    @property
    def best_bid(self) -> PriceLevel | None:
        return self.bids[0] if self.bids else None

    @property
    def best_ask(self) -> PriceLevel | None:
        return self.asks[0] if self.asks else None

    @property
    def midpoint(self) -> Decimal | None:
        if self.best_bid is None or self.best_ask is None:
            return None
        return (self.best_bid.price + self.best_ask.price) / 2

    @property
    def spread(self) -> Decimal | None:
        if self.best_bid is None or self.best_ask is None:
            return None
        return self.best_ask.price - self.best_bid.price

    @property
    def micro_price(self) -> Decimal | None:
        """The midpoint weighted by the size on the other side: it leans to where the next trade is likelier."""
        bid, ask = self.best_bid, self.best_ask
        if bid is None or ask is None:
            return None
        return (bid.price * ask.size + ask.price * bid.size) / (bid.size + ask.size)

    def depth(self, side_levels: tuple[PriceLevel, ...], within: Decimal) -> Decimal:
        """Shares resting within `within` dollars of the best level of that side."""
        if not side_levels:
            return Decimal(0)
        best = side_levels[0].price
        return sum((level.size for level in side_levels if abs(level.price - best) <= within), Decimal(0))
