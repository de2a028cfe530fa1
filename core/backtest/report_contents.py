"""What the page and the picture of a report share: figures as they are read, and series as they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

from ..untrusted_text import quoted
from .svg_charts import Mark

_MOST_BARS = 20


def figure_rows(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values of the figures, as they are read."""
    profit, fall, luck = told["profit"], told["max_drawdown"], told["no_skill"]
    withheld = "withheld: in sample" if told["in_sample"] else f"not told of {told['days']} days"
    rows = [
        (
            "profit",
            f"{profit['total']:+,.2f} dollars of {told['starting_balance']:,.2f}{_within(profit['interval_95'])}",
        ),
        ("doing nothing", f"{told['doing_nothing']:+,.2f} dollars"),
        ("no skill", "" if luck is None else f"{luck['mean']:+,.2f} dollars{_within(luck['interval_95'])}"),
        ("no skill earned as much", "" if luck is None else f"{luck['beaten_by']:.1%} of {luck['draws']} draws"),
        ("deepest fall", f"{fall['dollars']:,.2f} dollars ({fall['share']:.1%}){_dates(fall)}"),
        ("Sharpe", _plain(told["sharpe"], withheld) + _within(told["sharpe_interval_95"])),
        ("Sortino", _plain(told["sortino"], withheld)),
        ("markets that earned", "" if told["hit_rate"] is None else f"{told['hit_rate']:.0%}"),
        ("turnover", f"{told['turnover']:,.2f} dollars"),
        ("capacity", _carried(told["capacity"])),
        ("Brier score", _plain(told["brier"], "")),
        ("Brier score of prices", _plain(told["market_brier"], "")),
        ("looks, signals, fills", f"{told['looks']}, {told['signals']}, {told['orders']}"),
        ("refused", ", ".join(f"{count} x {code}" for code, count in told["refused"].items())),
    ]
    return [(name, value) for name, value in rows if value]


def marks_of(told: Mapping[str, Any], market: str) -> list[Mark]:
    """The fills of a market, at prices of its first outcome."""
    marks = []
    for fill in told["fills"]:
        if fill["market_id"] == market:
            first = fill["outcome"] == told["prices"][market]["first_outcome"]
            price, up = fill["price"] if first else 1 - fill["price"], (fill["side"] == "BUY") == first
            said = f"{fill['side']} {fill['shares']:g} {quoted(fill['outcome'], 40)} at {fill['price']:g}"
            marks.append(Mark(datetime.fromisoformat(fill["at"]).timestamp(), price, "buy" if up else "sell", said))
    return marks


def seconds_of(series: Sequence[Sequence[Any]]) -> list[tuple[float, float]]:
    """Points in unix seconds of points in ISO 8601."""
    return [(datetime.fromisoformat(at).timestamp(), float(value)) for at, value in series]


def falls_of(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """How far each point is below the highest before it, 0 or less."""
    heights = accumulate((value for _, value in curve), max)
    return [(at, value - height) for (at, value), height in zip(curve, heights, strict=True)]


def largest(by_market: Mapping[str, float], most: int = _MOST_BARS) -> dict[str, float]:
    """The markets that earned or lost the most, as one may show them; the others together."""
    ordered = sorted(by_market.items(), key=lambda each: -abs(each[1]))
    shown = {quoted(name): value for name, value in ordered[:most]}
    if others := ordered[most:]:
        shown[f"{len(others)} others"] = sum(value for _, value in others)
    return dict(sorted(shown.items(), key=lambda each: -each[1]))


def _carried(capacity: Mapping[str, Any] | None) -> str:
    if capacity is None:
        return ""
    if capacity["dollars"] is None:
        return f"none is told: {capacity['because']}"
    return f"{'at least ' if capacity['more'] else ''}{capacity['dollars']:,.0f} dollars"


def _plain(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else f"{value:.4g}"


def _within(interval: Sequence[float] | None) -> str:
    return f" (95 %: {interval[0]:+,.2f} to {interval[1]:+,.2f})" if interval else ""


def _dates(fall: Mapping[str, Any]) -> str:
    if fall["peak_at"] is None:
        return ""
    recovered = fall["recovered_at"][:10] if fall["recovered_at"] else "not yet"
    return f", {fall['peak_at'][:10]} to {fall['trough_at'][:10]}, recovered {recovered}"
