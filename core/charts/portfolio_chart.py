"""What an account was worth over time, how far it fell, and what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from .canvas import FAINT, LOSS, PLAIN, bars, finish, headline, picture

_INCHES = (10.0, 6.4)
_BARS = 8


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """Dollars at a moment; `settled` is without fills that are not confirmed."""

    at: datetime
    equity: float
    settled: float


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A holding: dollars at present prices, and gained or lost on paper."""

    name: str
    value: float
    unrealized: float


def portfolio_png(title: str, note: str, curve: Sequence[EquityPoint], holdings: Sequence[HeldLine]) -> bytes:
    """The curve with its falls beneath, and the largest holdings. Raises ImportError without matplotlib."""

    def paint(figure: Any) -> None:
        grid = figure.add_gridspec(3, 2, height_ratios=[2.2, 0.9, 1.8])
        _curve(figure.add_subplot(grid[0, :]), figure.add_subplot(grid[1, :]), curve)
        largest = sorted(holdings, key=lambda each: -each.value)[:_BARS]
        left, right = figure.add_subplot(grid[2, 0]), figure.add_subplot(grid[2, 1])
        if largest:
            bars(left, {each.name: each.value for each in largest}, "Largest holdings, dollars now")
            bars(right, {each.name: each.unrealized for each in largest}, "Gained or lost on paper, dollars")
            right.set_yticklabels([])
        else:
            for axes in (left, right):
                axes.axis("off")
            left.text(0, 0.8, "Nothing is held.", fontsize=10, color=FAINT, transform=left.transAxes)
        headline(figure, title, note)

    return picture(paint, inches=_INCHES)


def _curve(upper: Any, lower: Any, curve: Sequence[EquityPoint]) -> None:
    moments = [each.at for each in curve]
    equity = [each.equity for each in curve]
    upper.plot(moments, equity, color=PLAIN, linewidth=1.6, label="equity")
    if any(each.settled != each.equity for each in curve):
        settled = [each.settled for each in curve]
        upper.plot(moments, settled, color=FAINT, linewidth=1, linestyle="--", label="settled only")
        upper.legend(fontsize=8, loc="upper left", framealpha=0.85)
    upper.ticklabel_format(axis="y", useOffset=False)
    upper.tick_params(labelbottom=False)
    finish(upper, "Equity, dollars")
    falls = [worth - peak for worth, peak in zip(equity, accumulate(equity, max), strict=True)]
    lower.fill_between(moments, falls, 0, color=LOSS, alpha=0.3, linewidth=0)
    lower.plot(moments, falls, color=LOSS, linewidth=0.8)
    lower.set_xlim(upper.get_xlim())
    finish(lower, "Dollars below the highest so far")
