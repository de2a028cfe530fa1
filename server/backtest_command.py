"""`polydesk backtest`: what a strategy would have done on recorded prices and news, on a terminal."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigurationError

if TYPE_CHECKING:
    from ..core.backtest.no_skill import NoSkill
    from ..core.backtest.returns import Drawdown
    from ..core.backtest.significance import Interval
    from .backtest import BacktestPlan, BacktestResult

_SHOWN = 10
_LARGEST = 1_000_000_000


def add_backtest_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    backtest = commands.add_parser("backtest", help="replay recorded prices and news under a strategy")
    backtest.add_argument("--strategy", required=True, metavar="NAME", help="which one, e.g. news_sentiment")
    backtest.add_argument("--data", type=Path, required=True, metavar="PATH", help="recorded prices or books")
    backtest.add_argument("--news", type=Path, metavar="FILE", help="recorded news (JSON lines or CSV)")
    backtest.add_argument("--params", nargs="*", default=[], metavar="NAME=VALUE", help="the strategy's parameters")
    for option, default, meaning in (
        ("--cash", "1000", "dollars to begin with"),
        ("--every", "60", "minutes between looks"),
        ("--half-spread", "0.01", "dollars, of bars without recorded quotes"),
        ("--depth", "500", "dollars at the best price, of bars"),
        ("--fee-rate", "0", "of takers, of bars"),
    ):
        backtest.add_argument(option, type=_number_of, default=Decimal(default), help=f"{meaning} (default: {default})")
    backtest.add_argument("--model", help="folder or pinned hub model that judges stance")
    backtest.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    backtest.add_argument("--json", action="store_true", help="print the result as JSON")
    backtest.set_defaults(run=_backtest)


def _backtest(options: argparse.Namespace) -> int:
    from ..core.backtest.bars import BarAssumptions
    from .backtest import BacktestPlan

    plan = BacktestPlan(
        strategy=options.strategy,
        data=options.data,
        news=options.news,
        starting_balance=options.cash,
        every=timedelta(minutes=float(options.every)),
        seed=options.seed,
        assumptions=BarAssumptions(half_spread=options.half_spread, depth_usd=options.depth, fee_rate=options.fee_rate),
        parameters=dict(_parameter(each) for each in options.params),
        inference_model=options.model,
    )
    if not plan.data.exists():
        raise ConfigurationError(f"There is nothing at {plan.data}.")
    result = asyncio.run(_run(plan))
    if options.json:
        print(json.dumps(as_json(result), indent=2))
    else:
        print(as_text(result))
    return 0


def _parameter(text: str) -> tuple[str, Decimal]:
    name, separator, value = text.partition("=")
    try:
        if separator:
            return name, _number_of(value)
    except argparse.ArgumentTypeError:
        pass
    raise ConfigurationError(f"{text!r} is not a parameter: write NAME=NUMBER.")


def _number_of(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
    if not number.is_finite() or abs(number) > _LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number that can be used")
    return number


async def _run(plan: BacktestPlan) -> BacktestResult:
    from ..core.settings import load_settings
    from ..gpu.executors.choice import choose_executor
    from .backtest import run_backtest

    told: datetime | None = None

    def report(at: datetime) -> None:
        nonlocal told
        if sys.stderr.isatty() and (told is None or at.date() != told.date()):
            print(f"\r{at:%Y-%m-%d}", end="", file=sys.stderr, flush=True)
            told = at

    async with choose_executor(load_settings().compute) as executor:
        result = await run_backtest(plan, executor, report=report)
    if told is not None:
        print("\r", end="", file=sys.stderr)
    return result


def as_json(result: BacktestResult) -> dict[str, Any]:
    """Plain values: dollars as numbers, times in ISO 8601. Ratios of risk are left out where the run is in sample."""
    judged, run = result.performance, result.run
    return {
        "strategy": result.plan.strategy,
        "data": str(result.plan.data),
        "news": str(result.plan.news) if result.plan.news else None,
        "fidelity": result.fidelity,
        "assumption": result.assumption,
        "in_sample": bool(result.in_sample),
        "in_sample_with": list(result.in_sample),
        "warnings": list(result.warnings),
        "began": result.began.isoformat(),
        "ended": result.ended.isoformat(),
        "markets": result.markets,
        "looks": run.looks,
        "signals": run.signals,
        "orders": judged.orders,
        "refused": dict(run.refused),
        "no_signal_because": dict(run.passed_over.most_common(_SHOWN)),
        "starting_balance": float(run.starting_balance),
        "profit": {
            "total": float(judged.profit.total),
            "prices": float(judged.profit.prices),
            "spread": float(judged.profit.spread),
            "fees": float(judged.profit.fees),
            "interval_95": _interval(judged.profit_by_markets),
        },
        "doing_nothing": 0.0,
        "no_skill": _no_skill(judged.no_skill),
        "by_market": {question: float(profit) for question, profit in judged.by_market.items()},
        "turnover": float(judged.turnover),
        "max_drawdown": _drawdown(judged.drawdown),
        "days": len(judged.daily_changes),
        "sharpe": None if result.in_sample else judged.sharpe,
        "sharpe_interval_95": None if result.in_sample else _interval(judged.sharpe_interval),
        "sortino": None if result.in_sample else judged.sortino,
        "hit_rate": judged.hit_rate,
        "brier": judged.brier,
        "market_brier": judged.market_brier,
        "forecasts_scored": judged.scored,
        "fills": [
            {
                "at": fill.trade.timestamp.isoformat(),
                "outcome": fill.trade.outcome,
                "market_id": fill.trade.market_id,
                "shares": float(fill.trade.size),
                "price": float(fill.trade.price),
                "fee": float(fill.fee),
            }
            for fill in run.fills
        ],
        "equity": [[at.isoformat(), float(value)] for at, value in run.equity],
    }


def as_text(result: BacktestResult) -> str:
    judged, run = result.performance, result.run
    profit = judged.profit
    lines = [
        f"{result.plan.strategy} on {result.plan.data}, {result.began:%Y-%m-%d} to {result.ended:%Y-%m-%d}",
        f"{result.markets} markets, {run.looks} looks, {run.signals} signals, {judged.orders} orders filled",
        f"Assumed, {result.assumption}.",
        *(f"Warning: {warning}." for warning in result.warnings),
        *_in_sample(result),
        "",
        f"Profit        {profit.total:+.2f} dollars of {run.starting_balance} (doing nothing: 0)",
        f"  prices      {profit.prices:+.2f}",
        f"  spread      {profit.spread:+.2f}",
        f"  fees        {profit.fees:+.2f}",
    ]
    if (within := judged.profit_by_markets) is not None:
        lines.append(f"  95 % of resampled markets: {within.low:+.2f} to {within.high:+.2f}")
    if (luck := judged.no_skill) is not None:
        lines.append(
            f"No skill      {luck.mean:+.2f} on average, 95 % {luck.interval.low:+.2f} to {luck.interval.high:+.2f}: "
            f"the same trades at random moments on random sides; {luck.beaten_by:.1%} of them earned as much"
        )
    fall = judged.drawdown
    lines.append(f"Drawdown      {fall.dollars:.2f} at most{_dates(fall)}")
    if judged.sharpe is not None and result.in_sample:
        lines.append("Sharpe        withheld: in sample")
    elif judged.sharpe is not None:
        lines.append(f"Sharpe        {judged.sharpe:.2f} a year, of daily changes")
    if judged.brier is not None and judged.market_brier is not None:
        lines.append(
            f"Brier score   {judged.brier:.4f}, the market's own prices {judged.market_brier:.4f} "
            f"({judged.scored} markets)"
        )
    lines += [f"Refused       {count} x {code}" for code, count in run.refused.items()]
    if not run.signals and run.passed_over:
        reason, count = run.passed_over.most_common(1)[0]
        lines.append(f"No signal, {count} times because {reason}.")
    lines += [f"{amount:+10.2f}  {question}" for question, amount in list(judged.by_market.items())[:_SHOWN]]
    return "\n".join(lines)


def _in_sample(result: BacktestResult) -> list[str]:
    known = ", ".join(result.in_sample)
    return [f"In sample: the weights of the fair value were fitted on {known}."] if known else []


def _dates(fall: Drawdown) -> str:
    if fall.peak_at is None or fall.trough_at is None:
        return ""
    recovered = f"recovered {fall.recovered_at:%Y-%m-%d %H:%M}" if fall.recovered_at else "not recovered"
    return f" ({fall.share:.1%}, {fall.peak_at:%Y-%m-%d %H:%M} to {fall.trough_at:%Y-%m-%d %H:%M}, {recovered})"


def _interval(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def _drawdown(fall: Drawdown) -> dict[str, Any]:
    moments = {"peak_at": fall.peak_at, "trough_at": fall.trough_at, "recovered_at": fall.recovered_at}
    return {
        "dollars": float(fall.dollars),
        "share": fall.share,
        **{name: None if at is None else at.isoformat() for name, at in moments.items()},
    }


def _no_skill(luck: NoSkill | None) -> dict[str, Any] | None:
    if luck is None:
        return None
    return {
        "draws": luck.draws,
        "mean": luck.mean,
        "interval_95": _interval(luck.interval),
        "beaten_by": luck.beaten_by,
    }
