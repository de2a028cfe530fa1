"""A fair value with an interval, and the edge over the price that would be paid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ..models import OrderBook
from ..money import FeeSchedule

Basis = Literal["micro_price", "caller"]

_INTERVAL_Z = 1.645
"""Standard deviations to each side of a 90 % interval."""

_HORIZON_DAYS = 1 / 24
"""A quote this fresh is asked to hold for about an hour of the market's usual movement."""

_UNMEASURED_VOLATILITY = 0.05
"""Dollars a day assumed where the history is too short to measure."""


@dataclass(frozen=True, slots=True)
class FairValue:
    """Probability of the outcome, in [`low`, `high`] with about 90 % confidence, and where it comes from.

    The micro-price holds what is on the book and nothing else: no news, no model.
    """

    value: Decimal
    low: Decimal
    high: Decimal
    basis: Basis

    def complement(self) -> FairValue:
        """The same belief about the other outcome."""
        return FairValue(1 - self.value, 1 - self.high, 1 - self.low, self.basis)


def fair_value(book: OrderBook, daily_volatility: float | None, *, believed: Decimal | None) -> FairValue | None:
    """The micro-price, or the caller's own probability, with half the spread and an hour's movement around it.

    None when one side of the book is empty and the caller gave no probability.
    """
    spread = book.spread
    if believed is not None:
        centre, basis = believed, "caller"
    elif book.micro_price is not None:
        centre, basis = book.micro_price, "micro_price"
    else:
        return None
    movement = _INTERVAL_Z * (_UNMEASURED_VOLATILITY if daily_volatility is None else daily_volatility)
    width = (spread / 2 if spread is not None else Decimal("0.05")) + Decimal(
        str(round(movement * math.sqrt(_HORIZON_DAYS), 6))
    )
    return FairValue(
        value=round(centre, 4),
        low=max(round(centre - width, 4), Decimal(0)),
        high=min(round(centre + width, 4), Decimal(1)),
        basis="caller" if basis == "caller" else "micro_price",
    )


@dataclass(frozen=True, slots=True)
class Edge:
    """Dollars per share. `cost` is price plus fee; `expected` uses the fair value, `sure` its lower bound."""

    price: Decimal
    fee: Decimal
    cost: Decimal
    expected: Decimal
    sure: Decimal

    @property
    def worth_taking(self) -> bool:
        """Only where even the low end of the interval pays more than the cost."""
        return self.sure > 0


def buying_edge(fair: FairValue, price: Decimal, fees: FeeSchedule) -> Edge:
    """What buying one share at `price` is expected to earn if held to resolution."""
    fee = fees.rate * (price * (1 - price)) ** fees.exponent
    cost = price + fee
    return Edge(price=price, fee=round(fee, 6), cost=cost, expected=fair.value - cost, sure=fair.low - cost)


def kelly_fraction(probability: Decimal, cost: Decimal) -> Decimal:
    """Share of the bankroll that maximises expected log wealth for a binary share bought at `cost` (Kelly, 1956).

    f = (q - c) / (1 - c), 0 where there is no edge.
    """
    if cost >= 1 or probability <= cost:
        return Decimal(0)
    return (probability - cost) / (1 - cost)
