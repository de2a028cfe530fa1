"""The report of a backtest as one HTML page, made of its summary."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ..untrusted_text import quoted
from .html_page import facts, page, section, table, text
from .report_contents import falls_of, figure_rows, largest, marks_of, seconds_of
from .svg_charts import bar_chart, calibration_chart, line_chart
from .verdict import failed_run

_MOST_ROWS = 200


def report_html(told: Mapping[str, Any]) -> str:
    """The page: what was assumed comes first, then what follows, then the figures and the charts."""
    return page(
        f"{told['strategy']}: backtest {told['began'][:10]} to {told['ended'][:10]}",
        [
            *section("What was assumed", [_assumed(told), *_warnings(told)]),
            *section("What follows from it", [f"<p>{text(each, 600)}</p>" for each in told["conclusion"]]),
            *section("Figures", [_figures(told)]),
            *_charts(told),
            *_capacity(told),
            *section("Markets", [table(("market", "dollars"), _by_market(told))]),
            *section("Fills", [_fills(told)]),
        ],
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
    return facts(rows)


def _warnings(told: Mapping[str, Any]) -> list[str]:
    return [f'<p class="warning">{text(each, 400)}.</p>' for each in told["warnings"]]


def _figures(told: Mapping[str, Any]) -> str:
    return facts(figure_rows(told))


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
    capacity = told["capacity"] or {}
    curve = capacity.get("curve")
    if not curve:
        return []
    failed = [f"<p>{escape(failed_run(capacity))}</p>"] if capacity["failed"] else []
    rows = [
        (f"{each['balance']:,.0f}", f"{each['profit']:+,.2f}", f"{each['earned_per_dollar']:+.3%}",
         f"{each['turnover']:,.0f}")
        for each in curve
    ]  # fmt: skip
    told_by = "The same past with larger stakes; what is taken stays gone, and nobody answers to it."
    rows_told = table(("dollars to begin with", "earned", "per dollar", "traded"), rows)
    return section("Capacity", [f'<p class="dim">{told_by}</p>', rows_told, *failed])


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
    return table(("at", "side", "outcome", "shares", "price", "fee"), rows) + cut
