"""What a book may come to once everything has resolved, and how much of that each event decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .canvas import FAINT, GAIN, LOSS, bars, finish, headline, picture

_INCHES = (10.0, 5.2)
_BARS = 9
_STYLES = ("-", "--", ":", "-.")


@dataclass(frozen=True, slots=True)
class ProfitDistribution:
    """Shares of probability in equal bins of profit, in dollars, from `low` to `high`; `marks` are figures by name."""

    low: float
    high: float
    shares: Sequence[float]
    marks: Mapping[str, float]


def risk_png(title: str, note: str, profit: ProfitDistribution, worst_by_event: Mapping[str, float]) -> bytes:
    """The distribution with its marks, and the dollars that can be lost at most by event.

    Raises ImportError without matplotlib.
    """

    def paint(figure: Any) -> None:
        left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1.6, 1]})
        _distribution(left, profit)
        largest = sorted(worst_by_event.items(), key=lambda each: -each[1])[:_BARS]
        bars(right, {name: -loss for name, loss in largest}, "Worst case by event, dollars", longest_name=28)
        headline(figure, title, note)

    return picture(paint, inches=_INCHES)


def _distribution(axes: Any, profit: ProfitDistribution) -> None:
    width = (profit.high - profit.low) / len(profit.shares) or 1.0
    middles = [profit.low + (index + 0.5) * width for index in range(len(profit.shares))]
    colours = [GAIN if middle >= 0 else LOSS for middle in middles]
    axes.bar(middles, [100 * share for share in profit.shares], width=width * 0.92, color=colours, alpha=0.75)
    axes.axvline(0, color="black", linewidth=0.8)
    for style, (name, value) in zip(_STYLES, profit.marks.items(), strict=False):
        axes.axvline(value, color=FAINT, linewidth=1.2, linestyle=style, label=f"{name} {value:+,.2f}")
    axes.legend(fontsize=8, loc="best", framealpha=0.85)
    axes.set_xlabel("profit at resolution, dollars after cost", fontsize=8)
    axes.set_ylabel("probability, %", fontsize=8)
    finish(axes, "Profit if everything is held until it resolves")
