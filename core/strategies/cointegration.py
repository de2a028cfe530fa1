"""Whether two series of log-odds return to each other, by the two steps of Engle and Granger (1987).

Floats: indicators, never money.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from .time_series import deviation, line_through

_CRITICAL = (-3.3377, -5.967, -8.98)
"""The 5 % point of the test's statistic for two series with a constant: b0 + b1 / T + b2 / T^2.

J. MacKinnon, "Critical Values for Cointegration Tests" (1991, table 1).
"""


@dataclass(frozen=True, slots=True)
class Tie:
    """y = constant + slope * x + gap, where the gap comes back by half within `half_life` steps.

    `statistic` is below `critical` where that is no chance; `deviation` is the gap's, `gap` the one of now.
    """

    constant: float
    slope: float
    gap: float
    deviation: float
    half_life: float
    statistic: float
    critical: float

    @property
    def holds(self) -> bool:
        return self.statistic < self.critical

    @property
    def z(self) -> float:
        """The gap of now in its standard deviations."""
        return self.gap / self.deviation if self.deviation else 0.0


def tie_between(x: Sequence[float], y: Sequence[float]) -> Tie | None:
    """Measured on series of one length, oldest first; None of fewer than 30 steps or of a series that stands still."""
    steps = len(x)
    line = line_through(x, y) if steps >= 30 else None
    if line is None:
        return None
    gaps = line.left_over
    returning = _returning(gaps)
    if returning is None:
        return None
    pull, statistic = returning
    half_life = math.log(2) / -math.log1p(pull) if -1 < pull < 0 else math.inf
    critical = _CRITICAL[0] + _CRITICAL[1] / steps + _CRITICAL[2] / steps**2
    return Tie(line.constant, line.slope, gaps[-1], deviation(gaps), half_life, statistic, critical)


def _returning(gaps: Sequence[float]) -> tuple[float, float] | None:
    """The pull of a gap on its own next step, with one lagged step beside it, and that pull's t (Dickey and Fuller)."""
    steps = [later - earlier for earlier, later in itertools.pairwise(gaps)]
    y, level, lagged = steps[1:], gaps[1:-1], steps[:-1]
    ll = math.fsum(each * each for each in level)
    gg = math.fsum(each * each for each in lagged)
    lg = math.fsum(a * b for a, b in zip(level, lagged, strict=True))
    ly = math.fsum(a * b for a, b in zip(level, y, strict=True))
    gy = math.fsum(a * b for a, b in zip(lagged, y, strict=True))
    determinant = ll * gg - lg * lg
    if determinant < 1e-18:
        return None
    pull, drag = (ly * gg - gy * lg) / determinant, (gy * ll - ly * lg) / determinant
    left = math.fsum((c - pull * a - drag * b) ** 2 for a, b, c in zip(level, lagged, y, strict=True))
    error = math.sqrt(left / (len(y) - 2) * gg / determinant)
    return (pull, pull / error) if error else None
