"""What an equity curve earned for its risk: changes from day to day, Sharpe and Sortino ratios, the deepest fall.

Days are days of simulated time, counted from the first moment of the curve; real time plays no part.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

EquityCurve = Sequence[tuple[datetime, Decimal]]
"""Dollars at moments, oldest first."""

LEAST_DAYS = 10
"""Of fewer days no ratio of mean and deviation says anything."""

_DAY = timedelta(days=1)
_DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall below an earlier height: in dollars, as a share of that height, and when.

    `recovered_at` is when the height was reached again, None if it never was. Without a fall all moments are None.
    """

    dollars: Decimal
    share: float
    peak_at: datetime | None = None
    trough_at: datetime | None = None
    recovered_at: datetime | None = None


def daily_changes(equity: EquityCurve) -> list[float]:
    """Relative changes from one day to the next. Days without news change nothing; a last, begun day counts as one."""
    if not equity:
        return []
    changes, (mark_at, mark), last = [], equity[0], equity[0][1]
    for at, value in equity[1:]:
        while at > mark_at + _DAY:
            changes.append(_change(mark, last))
            mark_at, mark = mark_at + _DAY, last
        last = value
    if equity[-1][0] > mark_at:
        changes.append(_change(mark, last))
    return changes


def sharpe_ratio(changes: Sequence[float]) -> float | None:
    """Mean over standard deviation, per year of 365 days, without a riskless rate (W. Sharpe, 1994).

    None of fewer than LEAST_DAYS changes, or of changes that are all the same.
    """
    daily = daily_sharpe_ratio(changes)
    return None if daily is None else daily * math.sqrt(_DAYS_A_YEAR)


def daily_sharpe_ratio(changes: Sequence[float]) -> float | None:
    """As `sharpe_ratio`, per day."""
    if len(changes) < LEAST_DAYS:
        return None
    deviation = statistics.stdev(changes)
    return statistics.fmean(changes) / deviation if deviation else None


def sortino_ratio(changes: Sequence[float]) -> float | None:
    """Mean over the root mean square of the losses (no loss counts as 0), per year (F. Sortino and L. Price, 1994)."""
    if len(changes) < LEAST_DAYS:
        return None
    downside = math.sqrt(statistics.fmean(min(each, 0.0) ** 2 for each in changes))
    return statistics.fmean(changes) / downside * math.sqrt(_DAYS_A_YEAR) if downside else None


def worst_drawdown(equity: EquityCurve) -> Drawdown:
    """The deepest fall in dollars; of several as deep the first."""
    worst = Drawdown(Decimal(0), 0.0)
    peak_at, peak = equity[0] if equity else (None, Decimal(0))
    for at, value in equity:
        if value >= peak:
            if worst.peak_at is not None and worst.peak_at == peak_at and worst.recovered_at is None:
                worst = Drawdown(worst.dollars, worst.share, worst.peak_at, worst.trough_at, at)
            if value > peak:
                peak_at, peak = at, value
        elif peak - value > worst.dollars:
            worst = Drawdown(peak - value, float((peak - value) / peak) if peak else 0.0, peak_at, at)
    return worst


def falls(equity: EquityCurve) -> list[tuple[datetime, Decimal]]:
    """How far below its earlier height the curve is at each moment, in dollars, 0 or less."""
    fallen, peak = [], equity[0][1] if equity else Decimal(0)
    for at, value in equity:
        peak = max(peak, value)
        fallen.append((at, value - peak))
    return fallen


def _change(before: Decimal, after: Decimal) -> float:
    return float(after / before - 1) if before else 0.0
