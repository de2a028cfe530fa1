"""The report of a backtest as one picture, drawn with matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..charts.canvas import GAIN, LOSS, PLAIN, bars, finish, picture
from ..untrusted_text import quoted
from .report_contents import falls_of, figure_rows, largest, marks_of, seconds_of

_INCHES = (12.0, 11.0)
_BARS = 8
_LINE = 78


def report_png(told: Mapping[str, Any]) -> bytes:
    """A picture of the summary: what was assumed and what follows, then the charts. Raises ImportError without
    matplotlib, which is part of the extra `plots`."""

    def paint(figure: Any) -> None:
        rows = figure.subplots(4, 2, gridspec_kw={"height_ratios": [0.9, 1, 1, 1]})
        _words(rows[0], told)
        curve = seconds_of(told["equity"])
        _line(rows[1][0], curve, "Equity, dollars")
        _line(rows[1][1], falls_of(curve), "Dollars below the highest so far", filled=True)
        bars(rows[2][0], told["profit"]["by_cause"], "Profit by cause, dollars")
        bars(rows[2][1], largest(told["by_market"], _BARS), "Profit by market, dollars")
        _fills(rows[3][0], told)
        _calibration(rows[3][1], told["calibration"])

    return picture(paint, inches=_INCHES)


def _words(row: Sequence[Any], told: Mapping[str, Any]) -> None:
    left, right = row
    sample = "in sample" if told["in_sample"] else "out of sample for the shipped weights"
    lines = [
        f"{told['strategy']}, {told['began'][:10]} to {told['ended'][:10]}, {sample}",
        *_wrapped(f"Assumed, {told['assumption']}"),
        *(line for warning in told["warnings"][:2] for line in _wrapped(f"Warning: {warning}")),
        "",
        *(line for sentence in told["conclusion"] for line in _wrapped(sentence)),
    ]
    for axes in row:
        axes.axis("off")
    said = [left.text(0, 1, "\n".join(lines[:16]), va="top", fontsize=8.5, transform=left.transAxes)]
    figures = [f"{name}: {value}" for name, value in figure_rows(told)]
    said.append(right.text(-0.15, 1, "\n".join(figures), va="top", fontsize=8.5, transform=right.transAxes))
    for each in said:
        each.set_in_layout(False)  # the charts keep their width, however long a line is


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(quoted(text, 600), _LINE)


def _line(axes: Any, points: Sequence[tuple[float, float]], title: str, *, filled: bool = False) -> None:
    moments = [datetime.fromtimestamp(at, UTC) for at, _ in points]
    values = [value for _, value in points]
    axes.plot(moments, values, color=LOSS if filled else PLAIN, linewidth=1)
    if filled:
        axes.fill_between(moments, values, 0, color=LOSS, alpha=0.25)
    finish(axes, title)


def _fills(axes: Any, told: Mapping[str, Any]) -> None:
    market = next(iter(told["prices"]), None)
    if market is None:
        finish(axes, "No fills")
        return
    prices = told["prices"][market]
    _line(axes, seconds_of(prices["midpoints"]), f"Fills: {quoted(prices['question'], 60)}")
    for mark in marks_of(told, market):
        up = mark.style == "buy"
        at = datetime.fromtimestamp(mark.x, UTC)
        axes.plot([at], [mark.y], marker="^" if up else "v", color=GAIN if up else LOSS, markersize=5)


def _calibration(axes: Any, bins: Sequence[Mapping[str, float]]) -> None:
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--")
    axes.scatter(
        [each["said"] for each in bins],
        [each["came_true"] for each in bins],
        s=[20 + 4 * each["markets"] for each in bins],
        color=PLAIN,
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="said", ylabel="came true")
    finish(axes, "Calibration" if bins else "Calibration: nothing was decided")
