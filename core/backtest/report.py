"""The report of a backtest: one HTML file that needs nothing else, a picture that an agent can show, and the figures.

All are made of the summary, a mapping of plain values; texts of markets are strangers' and are shown as text alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import Any

from ..untrusted_text import quoted
from .svg_charts import Mark, bar_chart, calibration_chart, line_chart

_MOST_ROWS = 200
_MOST_BARS = 20

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --dim: #66717d; --page: #fff; --rule: #d9dee3; --line: #1f6fb2;
  --gain: #1a7f4b; --loss: #b3372f; }
@media (prefers-color-scheme: dark) { :root { --ink: #dfe5ea; --dim: #95a1ac; --page: #14191e; --rule: #323b44;
  --line: #6cb0ea; --gain: #4fc088; --loss: #e88078; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .2rem .6rem .2rem 0;
  border-bottom: 1px solid var(--rule); vertical-align: top; } th { font-weight: 600; }
td.number { text-align: right; font-variant-numeric: tabular-nums; } .dim { color: var(--dim); }
.warning { border-left: 4px solid var(--loss); padding-left: .7rem; }
svg { width: 100%; height: auto; } svg text { fill: var(--dim); font-size: 11px; }
svg .line { fill: none; stroke: var(--line); stroke-width: 1.5; } svg .area { fill: var(--loss); opacity: .25; }
svg .grid, svg .rule { stroke: var(--rule); fill: none; } svg .gain, svg .buy { fill: var(--gain); }
svg .loss, svg .sell { fill: var(--loss); }
"""


def write_report(told: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write report.html, report.json and, where matplotlib is installed, report.png; the paths of what was written.

    Raises OSError for a folder that cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page, figures, picture = (folder / f"report.{kind}" for kind in ("html", "json", "png"))
    page.write_text(report_html(told), encoding="utf-8")
    figures.write_text(json.dumps(told, indent=1), encoding="utf-8")
    try:
        from .report_picture import report_png

        picture.write_bytes(report_png(told))
    except ImportError:
        return [page, figures]
    return [page, figures, picture]


def report_html(told: Mapping[str, Any]) -> str:
    """The page: what was assumed comes first, then what follows, then the figures and the charts."""
    title = _text(f"{told['strategy']}: backtest {told['began'][:10]} to {told['ended'][:10]}")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{title}</h1>",
            *_section("What was assumed", [_assumed(told), *_warnings(told)]),
            *_section("What follows from it", [f"<p>{_text(each, 600)}</p>" for each in told["conclusion"]]),
            *_section("Figures", [_figures(told)]),
            *_charts(told),
            *_section("Markets", [_table(("market", "dollars"), _by_market(told))]),
            *_section("Fills", [_fills(told)]),
            "</body></html>",
        ]
    )


def _assumed(told: Mapping[str, Any]) -> str:
    in_sample = f"yes, with {', '.join(told['in_sample_with'])}" if told["in_sample"] else "no"
    rows = [
        ("fidelity", told["fidelity"]),
        ("fills", told["assumption"]),
        ("data", told["data"]),
        ("news", told["news"] or "none"),
        ("parameters", ", ".join(f"{name}={value:g}" for name, value in told["parameters"].items()) or "as they are"),
        ("seed", told["seed"]),
        ("in sample", in_sample),
    ]
    return _table(("", ""), rows)


def _warnings(told: Mapping[str, Any]) -> list[str]:
    return [f'<p class="warning">{_text(each, 400)}.</p>' for each in told["warnings"]]


def _figures(told: Mapping[str, Any]) -> str:
    return _table(("", ""), figure_rows(told))


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
        ("Brier score", _plain(told["brier"], "")),
        ("Brier score of prices", _plain(told["market_brier"], "")),
        ("looks, signals, fills", f"{told['looks']}, {told['signals']}, {told['orders']}"),
        ("refused", ", ".join(f"{count} x {code}" for code, count in told["refused"].items())),
    ]
    return [(name, value) for name, value in rows if value]


def _charts(told: Mapping[str, Any]) -> list[str]:
    curve = seconds_of(told["equity"])
    charts = [("Equity in dollars", line_chart(curve, label="Equity"))]
    charts.append(("Dollars below the highest so far", line_chart(falls_of(curve), label="Drawdown", filled=True)))
    if told["orders"]:
        charts.append(("Profit by cause, dollars", bar_chart(told["profit"]["by_cause"], label="Profit by cause")))
        charts.append(("Profit by market, dollars", bar_chart(largest(told["by_market"]), label="Profit by market")))
    for market, prices in told["prices"].items():
        points = seconds_of(prices["midpoints"])
        name = f"Fills on the price of: {quoted(prices['question'])}"
        charts.append((name, line_chart(points, label="Fills on price", marks=marks_of(told, market))))
    if told["calibration"]:
        charts.append(("Calibration: said and came true", calibration_chart(told["calibration"], label="Calibration")))
    return [f"<h2>{escape(name)}</h2><figure>{chart}</figure>" for name, chart in charts]


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


def _by_market(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    ordered = sorted(told["by_market"].items(), key=lambda each: -abs(each[1]))[:_MOST_ROWS]
    return [(name, f"{dollars:+,.2f}") for name, dollars in ordered]


def _fills(told: Mapping[str, Any]) -> str:
    rows = [
        (each["at"][:19], each["side"], each["outcome"], f"{each['shares']:,.6g}", f"{each['price']:.4g}",
         f"{each['fee']:.5g}")
        for each in told["fills"][:_MOST_ROWS]
    ]  # fmt: skip
    cut = (
        f'<p class="dim">The first {_MOST_ROWS} of {len(told["fills"])}.</p>' if len(told["fills"]) > len(rows) else ""
    )
    return _table(("at", "side", "outcome", "shares", "price", "fee"), rows) + cut


def _section(title: str, parts: Sequence[str]) -> list[str]:
    return [f"<section><h2>{escape(title)}</h2>", *parts, "</section>"]


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    named = f"<tr>{''.join(f'<th>{escape(each)}</th>' for each in head)}</tr>" if any(head) else ""
    lines = (f"<tr>{''.join(_cell(value, first=number == 0) for number, value in enumerate(row))}</tr>" for row in rows)
    return f"<table>{named}{''.join(lines)}</table>"


def _cell(value: Any, *, first: bool) -> str:
    text = str(value)
    figure = not first and text[:1] in "+-0123456789" and len(text) < 24
    return f"<td{' class=number' if figure else ''}>{_text(text, 400)}</td>"


def _text(text: Any, most: int = 200) -> str:
    return escape(quoted(str(text), most))


def _plain(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else f"{value:.4g}"


def _within(interval: Sequence[float] | None) -> str:
    return f" (95 %: {interval[0]:+,.2f} to {interval[1]:+,.2f})" if interval else ""


def _dates(fall: Mapping[str, Any]) -> str:
    if fall["peak_at"] is None:
        return ""
    recovered = fall["recovered_at"][:10] if fall["recovered_at"] else "not yet"
    return f", {fall['peak_at'][:10]} to {fall['trough_at'][:10]}, recovered {recovered}"
