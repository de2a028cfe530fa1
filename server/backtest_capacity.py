"""Measures the capacity of a backtest that has been run: the same one with larger stakes, over the compute pool."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ..core.backtest.capacity import SCALES, Capacity, FailedRun, ScaledRun, capacity_of, scaled, sizes_of
from ..core.strategies.registry import strategy_class
from ..gpu.interface import Executor
from ..gpu.sweeps import sweep
from .backtest import BacktestResult
from .backtest_tasks import payload_of

_DEADLINE_S = 4 * 3600.0


async def measure_capacity(
    result: BacktestResult, executor: Executor, *, at_once: int, progress: Callable[[float], None] | None = None
) -> Capacity:
    """Run the plan again with its balance and its strategy's sizes multiplied, as far as their ranges go.

    Nothing is claimed, and nothing run, where no depth was recorded, nothing was earned or there is no size to
    multiply. A run that fails ends the curve before it, and is told with its problem.
    """
    plan, earned = result.plan, result.performance.profit.total
    declaration = strategy_class(plan.strategy).declaration
    if result.fidelity != "l2":
        return Capacity(None, because=f"{result.fidelity} tell nothing of depth")
    if earned <= 0:
        return Capacity(None, because="the run earned nothing")
    if not sizes_of(declaration):
        return Capacity(None, because=f"{plan.strategy} declares no size in dollars or shares to multiply")
    parameters = declaration.read_parameters(plan.parameters)
    plans = {
        scale: dataclasses.replace(plan, starting_balance=plan.starting_balance * scale, parameters=larger)
        for scale in SCALES
        if (larger := scaled(declaration, parameters, scale)) is not None
    }
    span = [result.began.timestamp(), result.ended.timestamp()]
    swept = await sweep(
        executor,
        "backtest",
        [{**payload_of(each), "span": span} for each in plans.values()],
        at_once=at_once,
        deadline_s=_DEADLINE_S,
        progress=progress,
    )
    failed = None
    curve = [ScaledRun(1, plan.starting_balance, earned, result.performance.turnover)]
    for (scale, each), point in zip(plans.items(), swept.points, strict=True):
        if point.answer is None:
            failed = FailedRun(scale, each.starting_balance, point.problem)
            break
        told: dict[str, Any] = point.answer["told"]
        profit, turnover = (Decimal(str(value)) for value in (told["profit"]["total"], told["turnover"]))
        curve.append(ScaledRun(scale, each.starting_balance, profit, turnover))
    if len(curve) == 1:
        return Capacity(None, because="no larger run could be made", curve=tuple(curve), failed=failed)
    return capacity_of(curve, failed=failed)
