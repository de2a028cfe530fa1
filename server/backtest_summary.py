"""The result of a backtest as plain values, for a terminal, a file and a report."""

from __future__ import annotations

import dataclasses
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.backtest.verdict import failed_run, verdict

if TYPE_CHECKING:
    from ..core.backtest.capacity import Capacity
    from ..core.backtest.no_skill import NoSkill
    from ..core.backtest.returns import Drawdown
    from ..core.backtest.significance import Interval
    from .backtest import BacktestResult

_REASONS = 10
_MARKETS_IN_TEXT = 10
_CURVE_POINTS = 2_000
_PRICED_MARKETS = 4
"""Markets whose prices are told beside the fills: those with the most fills."""


def summary_of(result: BacktestResult, capacity: Capacity | None = None) -> dict[str, Any]:
    """Plain values: dollars as numbers, times in ISO 8601. Ratios of risk are left out where the run is in sample.

    `capacity` is that of the result where it was measured.
    """
    judged, run = result.performance, result.run
    told: dict[str, Any] = {
        "strategy": result.plan.strategy,
        "parameters": {name: float(value) for name, value in result.parameters.items()},
        "data": str(result.plan.data) if isinstance(result.plan.data, Path) else f"{len(result.plan.data)} rows",
        "news": str(result.plan.news) if result.plan.news else None,
        "seed": result.plan.seed,
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
        "failed_settlements": run.failed_settlements,
        "no_signal_because": dict(run.passed_over.most_common(_REASONS)),
        "starting_balance": float(run.starting_balance),
        "profit": {
            "total": float(judged.profit.total),
            "by_cause": {
                cause.name: float(getattr(judged.profit, cause.name))
                for cause in dataclasses.fields(judged.profit)
                if cause.name != "total"
            },
            "interval_95": _interval(judged.profit_by_markets),
        },
        "doing_nothing": 0.0,
        "no_skill": _no_skill(judged.no_skill),
        "by_market": {question: float(profit) for question, profit in judged.by_market.items()},
        "turnover": float(judged.turnover),
        "capacity": None if capacity is None else _capacity(capacity),
        "max_drawdown": _drawdown(judged.drawdown),
        "days": len(judged.daily_changes),
        "daily": _daily(judged.daily_changes),
        "sharpe": None if result.in_sample else judged.sharpe,
        "sharpe_interval_95": None if result.in_sample else _interval(judged.sharpe_interval),
        "sortino": None if result.in_sample else judged.sortino,
        "hit_rate": judged.hit_rate,
        "markets_decided": judged.markets_decided,
        "brier": judged.brier,
        "market_brier": judged.market_brier,
        "forecasts_scored": judged.scored,
        "calibration": [dataclasses.asdict(each) for each in judged.calibration],
        "fills": [
            {
                "at": fill.trade.timestamp.isoformat(),
                "outcome": fill.trade.outcome,
                "side": fill.trade.side.value,
                "market_id": fill.trade.market_id,
                "shares": float(fill.trade.size),
                "price": float(fill.trade.price),
                "fee": float(fill.fee),
            }
            for fill in run.fills
        ],
        "prices": _prices(result),
        "equity": [[at.isoformat(), float(value)] for at, value in thinned(run.equity, most=_CURVE_POINTS)],
    }
    return {**told, "conclusion": verdict(told)}


def thinned(
    curve: Sequence[tuple[datetime, Decimal]], *, most: int = _CURVE_POINTS
) -> Sequence[tuple[datetime, Decimal]]:
    """Of so many stretches of a curve the lowest and the highest point, so that no fall is lost; its first and last."""
    if len(curve) <= most:
        return curve
    step = -(-2 * len(curve) // most)
    kept = {0, len(curve) - 1}
    for start in range(0, len(curve), step):
        stretch = range(start, min(start + step, len(curve)))
        kept |= {min(stretch, key=lambda at: curve[at][1]), max(stretch, key=lambda at: curve[at][1])}
    return [curve[at] for at in sorted(kept)]


def text_of(told: Mapping[str, Any]) -> str:
    """A summary in lines."""
    profit = told["profit"]
    lines = [
        f"{told['strategy']} on {told['data']}, {_day(told['began'])} to {_day(told['ended'])}",
        f"{told['markets']} markets, {told['looks']} looks, {told['signals']} signals, {told['orders']} orders filled",
        f"Assumed, {told['assumption']}.",
        *(f"Warning: {warning}." for warning in told["warnings"]),
        "",
        f"Profit        {profit['total']:+.2f} dollars of {told['starting_balance']:.2f} (doing nothing: 0)",
        *(f"  {cause:12}{dollars:+.2f}" for cause, dollars in profit["by_cause"].items()),
    ]
    if within := profit["interval_95"]:
        lines.append(f"  95 % of resampled markets: {within[0]:+.2f} to {within[1]:+.2f}")
    if luck := told["no_skill"]:
        low, high = luck["interval_95"]
        lines.append(
            f"No skill      {luck['mean']:+.2f} on average, 95 % {low:+.2f} to {high:+.2f}: "
            f"the same trades at random moments on random sides; {luck['beaten_by']:.1%} of them earned as much"
        )
    lines.append(f"Drawdown      {told['max_drawdown']['dollars']:.2f} at most{_dates(told['max_drawdown'])}")
    lines += _carried(told["capacity"])
    if told["sharpe"] is not None:
        lines.append(f"Sharpe        {told['sharpe']:.2f} a year, of {told['days']} daily changes{_within(told)}")
    elif told["in_sample"]:
        lines.append("Sharpe        withheld: in sample")
    if told["brier"] is not None:
        lines.append(
            f"Brier score   {told['brier']:.4f}, the market's own prices {told['market_brier']:.4f} "
            f"({told['forecasts_scored']} markets)"
        )
    if told["failed_settlements"]:
        lines.append(f"Lost          {told['failed_settlements']} fills whose trades never settled")
    lines += [f"Refused       {count} x {code}" for code, count in told["refused"].items()]
    lines += [f"{amount:+10.2f}  {question}" for question, amount in _largest(told["by_market"])]
    return "\n".join([*lines, "", *told["conclusion"]])


def _carried(capacity: Mapping[str, Any] | None) -> list[str]:
    if capacity is None:
        return []
    failed = [f"  {failed_run(capacity)}"] if capacity["failed"] else []
    if capacity["dollars"] is None:
        return [f"Capacity      none is told: {capacity['because']}", *failed]
    lines = [f"Capacity      {'at least ' if capacity['more'] else ''}{capacity['dollars']:,.0f} dollars"]
    for each in capacity["curve"]:
        lines.append(
            f"  x{each['scale']:<4}{each['balance']:>13,.0f} dollars: {each['profit']:+,.2f}, "
            f"{each['earned_per_dollar']:+.2%}, {each['turnover']:,.0f} traded"
        )
    return lines + failed


def _largest(by_market: Mapping[str, float]) -> Sequence[tuple[str, float]]:
    return sorted(by_market.items(), key=lambda each: -abs(each[1]))[:_MARKETS_IN_TEXT]


def _within(told: Mapping[str, Any]) -> str:
    within = told["sharpe_interval_95"]
    return f", 95 % {within[0]:.2f} to {within[1]:.2f}" if within else ""


def _dates(fall: Mapping[str, Any]) -> str:
    if fall["peak_at"] is None:
        return ""
    recovered = f"recovered {_day(fall['recovered_at'])}" if fall["recovered_at"] else "not recovered"
    return f" ({fall['share']:.1%}, {_day(fall['peak_at'])} to {_day(fall['trough_at'])}, {recovered})"


def _day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M}"


def _prices(result: BacktestResult) -> dict[str, Any]:
    """Midpoints of the first outcome of the markets with the most fills, to show these beside."""
    often = Counter(fill.trade.market_id for fill in result.run.fills).most_common(_PRICED_MARKETS)
    return {
        market: {
            "question": result.traded[market].question,
            "first_outcome": result.traded[market].outcomes[0].label,
            "midpoints": [[at.isoformat(), round((bid + ask) / 2, 5)] for at, bid, ask in result.quotes.of(market)],
        }
        for market, _ in often
    }


def _daily(changes: Sequence[float]) -> dict[str, float]:
    """Mean and deviation of the relative changes of equity from day to day."""
    return {
        "days": len(changes),
        "mean": statistics.fmean(changes) if changes else 0.0,
        "deviation": statistics.stdev(changes) if len(changes) > 1 else 0.0,
    }


def _interval(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def _drawdown(fall: Drawdown) -> dict[str, Any]:
    moments = {"peak_at": fall.peak_at, "trough_at": fall.trough_at, "recovered_at": fall.recovered_at}
    return {
        "dollars": float(fall.dollars),
        "share": fall.share,
        **{name: None if at is None else at.isoformat() for name, at in moments.items()},
    }


def _capacity(measured: Capacity) -> dict[str, Any]:
    return {
        "dollars": None if measured.dollars is None else float(measured.dollars),
        "more": measured.more,
        "because": measured.because,
        "curve": [
            {
                "scale": each.scale,
                "balance": float(each.balance),
                "profit": float(each.profit),
                "turnover": float(each.turnover),
                "earned_per_dollar": float(each.earned_per_dollar),
            }
            for each in measured.curve
        ],
        "failed": None
        if measured.failed is None
        else {
            "scale": measured.failed.scale,
            "balance": float(measured.failed.balance),
            "problem": measured.failed.problem,
        },
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
