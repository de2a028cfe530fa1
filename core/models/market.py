"""One question that can be traded: its outcomes, rules for orders, fees and resolution."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..identifiers import ConditionId, MarketId, Slug, TokenId
from ..money import NO_FEES, FeeSchedule


@dataclass(frozen=True, slots=True)
class Outcome:
    """One side of a market. `price` is the catalogue's last known probability; it may be minutes old."""

    label: str
    token_id: TokenId
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """How and by whom the market is decided.

    `status` is the oracle's word: "" (not proposed), proposed, disputed, requested, resolved or settled.
    `winner` is the label of the winning outcome once it is final, None before or on a split payout.
    """

    source: str
    status: str
    winner: str | None
    resolved_by: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Market:
    """A binary market. Prices are dollars per share, liquidity and volume are dollars.

    `min_size` is in shares and binds resting orders; `taker_delay_s` is how long the venue holds a marketable
    order before matching. `fetched_at` is when the catalogue answered, not when the venue last changed it.
    """

    id: MarketId
    question: str
    outcomes: tuple[Outcome, ...]
    end_date: datetime | None
    liquidity: Decimal
    volume: Decimal
    condition_id: ConditionId
    slug: Slug
    description: str
    event_id: str
    event_slug: str
    event_title: str
    group_title: str
    category: str
    active: bool
    closed: bool
    accepting_orders: bool
    neg_risk: bool
    neg_risk_market_id: str
    tick: Decimal
    min_size: Decimal
    fees: FeeSchedule
    volume_24h: Decimal
    best_bid: Decimal | None
    best_ask: Decimal | None
    last_trade_price: Decimal | None
    one_day_change: Decimal | None
    one_week_change: Decimal | None
    taker_delay_s: int
    tags: tuple[str, ...]
    resolution: Resolution
    start_date: datetime | None
    updated_at: datetime | None
    fetched_at: datetime

    @property
    def tradable(self) -> bool:
        return self.active and not self.closed and self.accepting_orders

    @property
    def fee_free(self) -> bool:
        return self.fees == NO_FEES or not self.fees.rate

    def outcome_of(self, token_id: TokenId) -> Outcome | None:
        return next((outcome for outcome in self.outcomes if outcome.token_id == token_id), None)

    def complement_of(self, token_id: TokenId) -> Outcome | None:
        """The other outcome of the pair."""
        return next((outcome for outcome in self.outcomes if outcome.token_id != token_id), None)
