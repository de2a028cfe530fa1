"""The report of a sweep as one HTML page: what was tried, what was chosen, and how much of that is luck.

It is made of the sweep as plain values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .html_page import facts, page, section, table, text
from .svg_charts import bar_chart

_MOST_BARS = 20


def sweep_html(told: Mapping[str, Any]) -> str:
    """The page: what was assumed, what the choice shows, windows one after another, then every run."""
    return page(
        f"{told['strategy']}: {told['tried']} sets of parameters, {told['began'][:10]} to {told['ended'][:10]}",
        [
            *section("What was assumed", [_assumed(told)]),
            *section("What follows from it", [f"<p>{text(each, 600)}</p>" for each in told["conclusion"]]),
            *section("Figures", [_figures(told)]),
            *_windows(told),
            *_chart(told),
            *section("Runs", [_runs(told)]),
        ],
    )


def _assumed(told: Mapping[str, Any]) -> str:
    rows = [
        ("fidelity", told["fidelity"]),
        ("fills", told["assumption"]),
        ("data", told["data"]),
        ("news", told["news"] or "none"),
        ("other parameters", _named(told["fixed"]) or "as they are"),
        ("dollars to begin with", f"{told['starting_balance']:,.2f} in each run"),
        ("seed", told["seed"]),
        ("in sample", "yes: ratios are withheld" if told["in_sample"] else "no"),
    ]
    return facts(rows)


def _figures(told: Mapping[str, Any]) -> str:
    rows = [
        ("sets tried", f"{told['tried']}, of which runs failed: {told['failed']}"),
        ("chosen by", told["chosen_by"]),
        ("best on the whole", _named(told["best"] or {})),
        ("its profit, too good as it was chosen by it", _dollars(told["best_profit"])),
        ("deflated Sharpe: its ratio is above 0", _share(told["deflated_sharpe"])),
        ("overfitting: best in one half, no better than the median after", _share(told["overfitting"])),
        ("out of sample", _dollars(told["out_of_sample_profit"])),
        ("Sharpe out of sample", _ratio(told["out_of_sample_sharpe"])),
        ("deflated Sharpe out of sample: above 0", _share(told["out_of_sample_deflated_sharpe"])),
    ]
    return facts([row for row in rows if row[1]])


def _windows(told: Mapping[str, Any]) -> list[str]:
    rows = [
        (_dates(told["windows"][number + 1]), _named(fold["chosen"]), _dollars(fold["profit_where_chosen"]),
         _dollars(fold["profit_after"]))
        for number, fold in ((fold["window"], fold) for fold in told["folds"])
    ]  # fmt: skip
    if not rows:
        return []
    head = ("judged in", "chosen in the window before", "dollars there", "dollars out of sample")
    return section("Window by window", [table(head, rows)])


def _chart(told: Mapping[str, Any]) -> list[str]:
    if told["folds"]:
        bars = {_dates(told["windows"][fold["window"] + 1]): fold["profit_after"] for fold in told["folds"]}
        title = "Dollars out of sample by window"
    else:
        earned = sorted((run for run in told["runs"] if not run["problem"]), key=lambda run: -run["profit"])
        bars = {_named(run["parameters"]): run["profit"] for run in earned[:_MOST_BARS]}
        title = "Dollars by set" if len(earned) <= _MOST_BARS else f"Dollars of the {_MOST_BARS} sets that earned most"
    return section(title, [f"<figure>{bar_chart(bars, label=title)}</figure>"]) if bars else []


def _runs(told: Mapping[str, Any]) -> str:
    several = len(told["windows"]) > 1
    names = list(told["runs"][0]["parameters"]) if told["runs"] else []
    rows = [
        [
            *([_dates(told["windows"][run["window"]])] if several else []),
            *(f"{value:g}" for value in run["parameters"].values()),
            run["problem"] or _dollars(run["profit"]),
            "" if run["problem"] else run["orders"],
            _ratio(run["sharpe"]),
        ]
        for run in told["runs"]
    ]
    return table([*(["window"] if several else []), *names, "dollars", "orders", "Sharpe"], rows)


def _named(parameters: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in parameters.items())


def _dates(window: tuple[str, str]) -> str:
    begin, end = (each[:16].replace("T", " ") for each in window)
    return f"{begin} to {end}"


def _dollars(value: float | None) -> str:
    return "" if value is None else f"{value:+,.2f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
