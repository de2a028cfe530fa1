"""A fair value with an interval, and the edge over the price that would be paid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ..models import OrderBook
from ..money import FeeSchedule

Basis = Literal["micro_price", "micro_price_and_news", "caller"]

_INTERVAL_Z = 1.645
"""Standard deviations to each side of a 90 % interval."""

_HORIZON_DAYS = 1 / 24
"""A quote this fresh is asked to hold for about an hour of the market's usual movement."""

_UNMEASURED_VOLATILITY = 0.05
"""Dollars a day assumed where the history is too short to measure."""


CALLERS_MARGIN = Decimal("0.03")
"""What a caller's own probability is allowed to be wrong by before it counts as an edge."""


@dataclass(frozen=True, slots=True)
class FairValue:
    """Probability of the outcome, in [`low`, `high`] with about 90 % confidence, and where it comes from.

    The micro-price holds what is on the book and nothing else; `micro_price_and_news` was moved by judged news.
    """

    value: Decimal
    low: Decimal
    high: Decimal
    basis: Basis

    def complement(self) -> FairValue:
        """The same belief about the other outcome."""
        return FairValue(1 - self.value, 1 - self.high, 1 - self.low, self.basis)


def fair_value(book: OrderBook, daily_volatility: float | None, *, believed: Decimal | None) -> FairValue | None:
    """The micro-price with half the spread and an hour's usual movement to each side, or the caller's own probability
    with three points to each side, because how sure a caller is cannot be measured here.

    None when one side of the book is empty and the caller gave no probability.
    """
    if believed is not None:
        return _interval(believed, CALLERS_MARGIN, "caller")
    centre, spread = book.micro_price, book.spread
    if centre is None or spread is None:
        return None
    # A price cannot move further than between 0 and 1: its deviation is at most sqrt(p (1 - p)).
    most = math.sqrt(float(centre * (1 - centre)))
    movement = _INTERVAL_Z * min(_UNMEASURED_VOLATILITY if daily_volatility is None else daily_volatility, most)
    width = spread / 2 + Decimal(str(round(movement * math.sqrt(_HORIZON_DAYS), 6)))
    return _interval(centre, width, "micro_price")


def _interval(centre: Decimal, width: Decimal, basis: Basis) -> FairValue:
    low, high = max(centre - width, Decimal(0)), min(centre + width, Decimal(1))
    return FairValue(value=round(centre, 4), low=round(low, 4), high=round(high, 4), basis=basis)


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
