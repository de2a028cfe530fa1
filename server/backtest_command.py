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
    from .backtest import BacktestPlan, BacktestResult

_SHOWN = 10


def add_backtest_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    backtest = commands.add_parser("backtest", help="replay recorded prices and news under a strategy")
    backtest.add_argument("--strategy", required=True, metavar="NAME", help="which one, e.g. news_sentiment")
    backtest.add_argument("--data", type=Path, required=True, metavar="PATH", help="recorded prices or books")
    backtest.add_argument("--news", type=Path, metavar="FILE", help="recorded news (JSON lines or CSV)")
    backtest.add_argument("--params", nargs="*", default=[], metavar="NAME=VALUE", help="the strategy's parameters")
    backtest.add_argument("--cash", type=Decimal, default=Decimal(1000), help="dollars to begin with (default: 1000)")
    backtest.add_argument("--every", type=float, default=60.0, metavar="MINUTES", help="between looks (default: 60)")
    backtest.add_argument("--half-spread", type=Decimal, default=Decimal("0.01"), help="where no quotes were recorded")
    backtest.add_argument("--depth", type=Decimal, default=Decimal(500), help="dollars at the best price, of bars")
    backtest.add_argument("--fee-rate", type=Decimal, default=Decimal(0), help="of takers, of bars (default: 0)")
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
        every=timedelta(minutes=options.every),
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
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not separator or not number.is_finite():
        raise ConfigurationError(f"{text!r} is not a parameter: write NAME=NUMBER.")
    return name, number


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
    """Plain values: dollars as numbers, times in ISO 8601."""
    judged, run = result.performance, result.run
    return {
        "strategy": result.plan.strategy,
        "data": str(result.plan.data),
        "news": str(result.plan.news) if result.plan.news else None,
        "fidelity": result.fidelity,
        "assumption": result.assumption,
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
            "low_95": _number(judged.profit_low),
            "high_95": _number(judged.profit_high),
        },
        "doing_nothing": 0.0,
        "by_market": {question: float(profit) for question, profit in judged.by_market.items()},
        "turnover": float(judged.turnover),
        "max_drawdown": float(judged.max_drawdown),
        "sharpe": judged.sharpe,
        "sortino": judged.sortino,
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
        "",
        f"Profit        {profit.total:+.2f} dollars of {run.starting_balance} (doing nothing: 0)",
        f"  prices      {profit.prices:+.2f}",
        f"  spread      {profit.spread:+.2f}",
        f"  fees        {profit.fees:+.2f}",
    ]
    if judged.profit_low is not None and judged.profit_high is not None:
        lines.append(f"  95 % of resampled markets: {judged.profit_low:+.2f} to {judged.profit_high:+.2f}")
    lines.append(f"Drawdown      {judged.max_drawdown:.2f} at most")
    if judged.sharpe is not None:
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


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
