"""Runs every strategy on every recorded set that carries what it needs: `python -m tools.study_strategies DATA [OUT]`.

DATA is a folder with `history`, `l2` and `news` as they lie beside the repository. A page a set is written to OUT
(docs/studies), with what each strategy earned, why, and whether that is more than luck.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from polydesk.core.backtest.conditions import Conditions
from polydesk.core.strategies.declaration import Declaration, Need
from polydesk.core.strategies.registry import strategy_class, strategy_names
from polydesk.gpu.executors.inline import InlineExecutor
from polydesk.server.backtest import BacktestPlan, run_backtest
from polydesk.server.backtest_summary import summary_of

D = Decimal


@dataclass(frozen=True, kw_only=True)
class RecordedSet:
    """A set, how often strategies look at it, what it carries beside books, and parameters that fit its length."""

    name: str
    title: str
    source: str
    path: str
    every: timedelta
    carries: frozenset[Need]
    news: str | None = None
    reference: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


_PRICES = frozenset({Need.BOOKS, Need.HISTORY, Need.EVENTS})
_HOURS = {name: {"window_hours": D("0.5")} for name in ("momentum", "mean_reversion", "market_neutral")}

SETS = (
    RecordedSet(
        name="btc_daily_bands",
        title="Daily bands of the Bitcoin price, by the minute",
        source="441 resolved markets of 50 days from November 2025 on, the last day of each",
        path="history/btc_daily_bands_minute",
        every=timedelta(minutes=30),
        carries=_PRICES | {Need.REFERENCE_PRICES},
        reference={"BTC": "history/btcusdt_binance_hourly_2025-09_2026-01.csv.gz"},
        parameters={
            **_HOURS,
            "statistical_arbitrage": {"step_minutes": D(10)},
            "ensemble": {"horizon_hours": D("0.5")},
        },
        remarks=(
            "Only the last 24 hours of each market were recorded, so windows are half an hour long.",
            "The recording does not say that the bands of a day exclude each other; no strategy is told.",
        ),
    ),
    RecordedSet(
        name="world_cup",
        title="The World Cup of 2026: who advances, who wins",
        source="96 resolved markets, 58 snapshots with quotes from June 12 to July 20, 2026",
        path="history/world_cup_2026",
        every=timedelta(hours=6),
        carries=_PRICES | {Need.NEWS},
        news="news/rss_headlines_2026-06-27_2026-07-31.csv.gz",
        parameters={
            **{name: {"window_hours": D(24)} for name in ("momentum", "mean_reversion", "market_neutral")},
            "statistical_arbitrage": {"step_minutes": D(720)},
            "ensemble": {"horizon_hours": D(24)},
        },
        remarks=(
            "News are general financial headlines: few are about football.",
            "A snapshot every sixteen hours is less than most strategies ask to have watched.",
        ),
    ),
    RecordedSet(
        name="geopolitics",
        title="Iran, the Fed, nominees: by the hour",
        source="18 markets by the hour from February 10 to March 10, 2026, four of them resolved",
        path="history/geopolitics_hourly_2026-02_03",
        every=timedelta(hours=1),
        carries=_PRICES,
    ),
    RecordedSet(
        name="israel_prime_minister",
        title="Who will be Israel's prime minister: by the hour",
        source="18 outcomes of one event by the hour from June 14 to 21, 2026, unresolved",
        path="history/israel_pm_negrisk_hourly_2026-06.csv.gz",
        every=timedelta(hours=1),
        carries=_PRICES,
        parameters={name: {"window_hours": D(3)} for name in ("momentum", "mean_reversion", "market_neutral")},
    ),
    RecordedSet(
        name="btc_15_minutes",
        title="Bitcoin up or down in fifteen minutes: whole books by the second",
        source="10 settled markets of September 28, 2026, twenty levels a side (CC BY 4.0)",
        path="l2/btc_updown_15m_2026-09-28",
        every=timedelta(seconds=5),
        carries=_PRICES,
        parameters={
            **{name: {"window_hours": D("0.05"), "least_windows": D(10)} for name in ("momentum", "mean_reversion")},
            "market_neutral": {"window_hours": D("0.05"), "least_markets": D(4)},
            "statistical_arbitrage": {"step_minutes": D(1), "least_steps": D(30)},
            "market_maker": {"hours_to_end": D(0), "half_spread": D("0.01")},
            "ensemble": {"horizon_hours": D("0.05")},
        },
        remarks=(
            "Trades were not recorded: a resting order fills only when the other side offers at its price or better.",
            "Their fees were not recorded either: takers pay none here, where the venue takes 0.07 x p x (1 - p).",
        ),
    ),
)


def lacking(each: RecordedSet, declaration: Declaration) -> str:
    """What a set does not carry that a strategy needs, or nothing."""
    return " and ".join(sorted(need.value.replace("_", " ") for need in declaration.needs - each.carries))


async def study(each: RecordedSet, name: str, data: Path) -> dict[str, Any]:
    """The summary of one run."""
    needs = strategy_class(name).declaration.needs
    plan = BacktestPlan(
        strategy=name,
        data=data / each.path,
        news=data / each.news if each.news is not None and Need.NEWS in needs else None,
        every=each.every,
        conditions=Conditions(latency_ms=250),
        parameters=each.parameters.get(name, {}),
        reference={symbol: data / path for symbol, path in each.reference.items()}
        if Need.REFERENCE_PRICES in needs
        else {},
    )
    async with InlineExecutor() as executor:
        return summary_of(await run_backtest(plan, executor))


def page(each: RecordedSet, told: Mapping[str, dict[str, Any]], left_out: Mapping[str, str]) -> str:
    """The page of one set."""
    first = next(iter(told.values()))
    lines = [
        f"# {each.title}",
        "",
        f"{each.source[0].upper()}{each.source[1:]}. Strategies look every {_span(each.every)}, begin with 1,000 "
        "dollars, and their orders take a quarter of a second. Written by `python -m tools.study_strategies`: the same "
        "data give the same page.",
        "",
        f"Assumed: {first['assumption']}.",
        "",
        *(f"- {remark}" for remark in each.remarks),
        *([""] if each.remarks else []),
        "| strategy | profit | orders | markets traded | without skill: mean, share that earned as much | deepest fall "
        "| Brier: its own, the market's |",
        "|---|---|---|---|---|---|---|",
        *(_row(name, summary) for name, summary in told.items()),
        "",
        "## What follows",
        "",
    ]
    for name, summary in told.items():
        lines.append(f"- **{name}**: {' '.join(summary['conclusion'])}{_scope(summary)}")
    for name, why in left_out.items():
        lines.append(f"- **{name}** was not run: the set has no {why}.")
    return "\n".join(lines) + "\n"


def _row(name: str, told: Mapping[str, Any]) -> str:
    skill, fall = told["no_skill"], told["max_drawdown"]
    chance = f"{skill['mean']:+.2f}, {skill['beaten_by']:.0%}" if skill else ""
    brier = f"{told['brier']:.4f}, {told['market_brier']:.4f}" if told["brier"] is not None else ""
    deepest = f"{fall['dollars']:.2f}" if fall else "0.00"
    traded = len(told["by_market"])
    return f"| {name} | {told['profit']['total']:+.2f} | {told['orders']} | {traded} | {chance} | {deepest} | {brier} |"


def _scope(told: Mapping[str, Any]) -> str:
    causes = [(cause, dollars) for cause, dollars in told["profit"]["by_cause"].items() if abs(dollars) >= 0.01]
    by_cause = ", ".join(f"{cause} {dollars:+.2f}" for cause, dollars in causes)
    refused = ", ".join(f"{count} x {code}" for code, count in sorted(told["refused"].items()))
    return f"{f' By cause: {by_cause}.' if by_cause else ''}{f' Refused: {refused}.' if refused else ''}"


def _span(every: timedelta) -> str:
    seconds = every.total_seconds()
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= length:
            return f"{seconds / length:g} {unit}" if seconds > length else unit[:-1]
    return f"{seconds:g} seconds"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=Path("docs/studies"))
    parser.add_argument("--only", nargs="*", default=[], metavar="SET", help="these sets alone")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for each in SETS:
        if options.only and each.name not in options.only:
            continue
        told, left_out = {}, {}
        for name in strategy_names():
            if why := lacking(each, strategy_class(name).declaration):
                left_out[name] = why
                continue
            told[name] = asyncio.run(study(each, name, options.data))
            print(f"{each.name}: {name} {told[name]['profit']['total']:+.2f}", flush=True)
        (options.out / f"{each.name}.md").write_text(page(each, told, left_out), encoding="utf-8")


if __name__ == "__main__":
    main()
