"""What a strategy that trades should have earned by now: by its latest backtest, or by what its trades cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..core.alerts.run_conditions import RunSeen
from ..core.trading.run_book import Run, RunStatus
from ..core.trading.strategy_runs import KIND, StrategyProgress, StrategyRuns
from ..handlers.context import Backtests

_LATEST = 50
_DAY_S = 86_400.0
_LEAST_DAYS = 5
"""Days of a backtest below which its daily changes tell nothing of how much they vary."""


async def runs_now(strategies: StrategyRuns, backtests: Backtests) -> Sequence[RunSeen]:
    """The runs that go on, each against what can be expected of it. None: nobody is asked."""
    latest = strategies.book.latest(_LATEST)
    going = [run for run in latest if run.kind == KIND and run.status is RunStatus.RUNNING]
    return [
        seen
        for run in going
        if (seen := expectation(await strategies.progress(run), _backtest_of(run, latest, backtests))) is not None
    ]


def expectation(progress: StrategyProgress, backtest: dict[str, Any] | None) -> RunSeen | None:
    """How a run stands against a backtest of the same strategy with the same parameters, or else against fair bets.

    Against a backtest: its mean change of equity a day, for as long as the run has watched, of the dollars that the run
    may tie up; the variance is that of its daily changes, and of their mean, which n days leave uncertain. Against fair
    bets: shares bought at what they are worth earn nothing on average and lose the spread and the fees that they paid;
    the variance of a share bought at p is at most p (1 - p), and shares of one outcome move together.
    """
    days = progress.notes.up_s / _DAY_S
    bets = _bets(progress)
    if backtest is not None:
        scale = float(progress.plan.max_exposure_usd)
        mean, deviation, count = (float(backtest["daily"][name]) for name in ("mean", "deviation", "days"))
        unit = (deviation * scale) ** 2
        return RunSeen(
            run_id=progress.run.run_id,
            strategy=progress.plan.strategy,
            profit=float(progress.profit.total),
            expected=mean * scale * days,
            variance=unit * days * (1 + days / count),
            unit_variance=unit,
            against="its backtest",
            bets=len(bets),
        )
    variance = sum(bets.values())
    if not variance:
        return None
    return RunSeen(
        run_id=progress.run.run_id,
        strategy=progress.plan.strategy,
        profit=float(progress.profit.total),
        expected=float(progress.profit.spread + progress.profit.fees),
        variance=variance,
        unit_variance=variance / len(bets),
        against="fair bets at the prices it paid",
        bets=len(bets),
    )


def _bets(progress: StrategyProgress) -> dict[str, float]:
    """By outcome, the most that the profit of what was bought can vary, in square dollars."""
    shares: dict[str, float] = {}
    spent: dict[str, float] = {}
    for record in progress.orders:
        result, plan = record.result, record.plan
        if result is None or plan is None or record.intent.side.value != "BUY" or not result.taking:
            continue
        token = record.intent.outcome.token_id
        shares[token] = shares.get(token, 0.0) + float(result.taking)
        spent[token] = spent.get(token, 0.0) + float(result.making)
    return {
        token: count**2 * max(price * (1 - price), 0.0)
        for token, count in shares.items()
        for price in (spent[token] / count,)
    }


def _backtest_of(run: Run, latest: Sequence[Run], backtests: Backtests) -> dict[str, Any] | None:
    """The result of the newest backtest of the run's strategy and parameters that is long enough; None without one."""
    document = json.loads(run.document)
    for other in latest:
        if other.kind != "backtest" or other.status is not RunStatus.DONE:
            continue
        progress = backtests.progress(other)
        result = dict(progress.result or {})
        same = progress.request.strategy == document["strategy"] and _same_parameters(result, document["parameters"])
        if same and result.get("daily", {}).get("days", 0) >= _LEAST_DAYS and result["daily"]["deviation"] > 0:
            return result
    return None


def _same_parameters(result: dict[str, Any], parameters: dict[str, Any]) -> bool:
    """Whether a backtest ran with the values that a run was given; what the run leaves out is the default in both."""
    tested = result.get("parameters") or {}
    return all(name in tested and float(tested[name]) == float(value) for name, value in parameters.items())
