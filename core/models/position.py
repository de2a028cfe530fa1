"""What an account holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..identifiers import ConditionId, TokenId


@dataclass(frozen=True, slots=True)
class Position:
    """Shares of one outcome. Prices in dollars per share, the rest in dollars.

    `cost` excludes `fees`; `unrealized` is value minus cost, before fees already paid.
    """

    token_id: TokenId
    condition_id: ConditionId
    title: str
    outcome: str
    size: Decimal
    average_price: Decimal
    cost: Decimal
    fees: Decimal
    current_price: Decimal | None
    value: Decimal | None
    realized: Decimal
    unrealized: Decimal | None
    status: str
    neg_risk: bool
    slug: str
    event_slug: str


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """Spendable collateral in dollars, as the venue knows it. `allowance` is the smallest one it needs."""

    collateral: Decimal
    allowance: Decimal
    as_of: datetime
