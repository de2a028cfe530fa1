"""The report of a backtest as one HTML file that fetches nothing, for light and dark.

Texts of markets are strangers' and are shown as text alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..untrusted_text import quoted
from .report_contents import falls_of, figure_rows, largest, marks_of, seconds_of
from .svg_charts import bar_chart, calibration_chart, line_chart

_MOST_ROWS = 200

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
            *_capacity(told),
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


def _capacity(told: Mapping[str, Any]) -> list[str]:
    curve = (told["capacity"] or {}).get("curve")
    if not curve:
        return []
    rows = [
        (f"{each['balance']:,.0f}", f"{each['profit']:+,.2f}", f"{each['earned_per_dollar']:+.3%}",
         f"{each['turnover']:,.0f}")
        for each in curve
    ]  # fmt: skip
    told_by = "The same past with larger stakes; what is taken stays gone, and nobody answers to it."
    table = _table(("dollars to begin with", "earned", "per dollar", "traded"), rows)
    return _section("Capacity", [f'<p class="dim">{told_by}</p>', table])


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
