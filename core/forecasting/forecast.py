"""A probability that somebody stated of a market, before it was decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..identifiers import ConditionId, Slug

MODEL_AUTHOR = "polydesk"
"""The author of fair values that the desk works out by itself."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """`probability` is of `outcome`, the market's first; so is `market_price`, the midpoint at the same moment.

    `deliberate` ones were recorded on purpose, the others come with analyses. At most one market of an `event` comes
    true; `ends_at` is when the market was then said to end. `sources` are those of the news that moved it.
    """

    forecast_id: str
    author: str
    deliberate: bool
    at: datetime
    condition_id: ConditionId
    slug: Slug
    event: str
    category: str
    outcome: str
    ends_at: datetime | None
    probability: Decimal
    market_price: Decimal | None
    reasons: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """How a market ended: 1 when its first outcome came true, 0 when it did not, None when the payout was split."""

    at: datetime
    first_came_true: bool | None
