"""What a strategy wants: signals to take what is offered, orders that rest, trades that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..identifiers import ConditionId, TokenId
from ..models import OrderSide, TradingSignal


@dataclass(frozen=True, slots=True)
class Quote:
    """An order that is to rest, never to take: `price` dollars a share, `size` shares."""

    token_id: TokenId
    outcome: str
    side: OrderSide
    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class TargetQuotes:
    """All that is to rest in a market from now on; without any, nothing. `fair_value` is the first outcome's."""

    market_id: ConditionId
    quotes: tuple[Quote, ...]
    fair_value: Decimal | None
    reason: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Basket:
    """Signals to be executed together, hardest to fill first, each for the same number of shares.

    All legs cost `cost` a share with fees, and pay at least `payout` together however things end.
    """

    legs: tuple[TradingSignal, ...]
    cost: Decimal
    payout: Decimal
    reason: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A parameter that a strategy moved by itself, inside its declared range, and why."""

    parameter: str
    before: Decimal
    after: Decimal
    reason: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything a strategy wants at one moment."""

    signals: Sequence[TradingSignal] = ()
    quotes: Sequence[TargetQuotes] = ()
    baskets: Sequence[Basket] = ()
    adjustments: Sequence[Adjustment] = ()
