"""Prices as series of log-odds on a grid of moments, and the few regressions that strategies read off them.

Floats: indicators, never money.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..models import PriceHistory

_CERTAIN = 0.002
"""Nearer to 0 or 1 a tick is a large step in log-odds that tells nothing."""


def log_odds(price: float) -> float:
    """ln(p / (1 - p)) of a price, of one near 0 or 1 that of 0.002 or 0.998."""
    inside = min(max(price, _CERTAIN), 1 - _CERTAIN)
    return math.log(inside / (1 - inside))


def probability(way: float) -> float:
    """The price whose log-odds these are."""
    return 1 / (1 + math.exp(-way))


def on_grid(history: PriceHistory, *, step: timedelta, now: datetime, most: int) -> list[float]:
    """Log-odds at `now` and every `step` before it, oldest first, as far as there are prices."""
    found: list[float] = []
    for number in range(most):
        price = history.price_at(now - number * step)
        if price is None:
            break
        found.append(log_odds(float(price)))
    return found[::-1]


@dataclass(frozen=True, slots=True)
class Slope:
    """y = slope * x with its standard error, from `pairs` observations."""

    slope: float
    error: float
    pairs: int

    @property
    def t(self) -> float:
        """How many standard errors the slope is from 0; infinite where nothing is left over."""
        if not self.error:
            return math.copysign(math.inf, self.slope) if self.slope else 0.0
        return self.slope / self.error


def slope_through_origin(x: Sequence[float], y: Sequence[float]) -> Slope | None:
    """Least squares without a constant; None for fewer than three pairs or an x that is all 0."""
    pairs, squares = len(x), math.fsum(each * each for each in x)
    if pairs < 3 or not squares:
        return None
    slope = math.fsum(a * b for a, b in zip(x, y, strict=True)) / squares
    left = math.fsum((b - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    return Slope(slope, math.sqrt(left / (pairs - 1) / squares), pairs)


@dataclass(frozen=True, slots=True)
class Line:
    """y = constant + slope * x, and what is left over at each observation."""

    constant: float
    slope: float
    left_over: tuple[float, ...]


def line_through(x: Sequence[float], y: Sequence[float]) -> Line | None:
    """Least squares with a constant; None for fewer than three pairs or an x that never moves."""
    pairs = len(x)
    if pairs < 3:
        return None
    mean_x, mean_y = math.fsum(x) / pairs, math.fsum(y) / pairs
    squares = math.fsum((each - mean_x) ** 2 for each in x)
    if squares < 1e-12:
        return None
    slope = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / squares
    constant = mean_y - slope * mean_x
    return Line(constant, slope, tuple(b - constant - slope * a for a, b in zip(x, y, strict=True)))


def deviation(values: Sequence[float]) -> float:
    """The sample's standard deviation; 0 of fewer than two."""
    if len(values) < 2:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((each - mean) ** 2 for each in values) / (len(values) - 1))
