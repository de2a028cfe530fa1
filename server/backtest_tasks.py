"""Backtests as tasks of the compute pool, each a run of its own in a worker; imported there and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..core.backtest.bars import BarAssumptions
from ..core.backtest.conditions import Conditions
from ..core.errors import ConfigurationError
from ..gpu.executors.inline import InlineExecutor
from .backtest import BacktestPlan, SoFar, run_backtest
from .backtest_summary import summary_of

ENGINE = "backtest"
DEVICE = "cpu"
BATCHED: frozenset[str] = frozenset()


def payload_of(plan: BacktestPlan) -> dict[str, Any]:
    """A plan as plain values. Raises ConfigurationError for rows at hand, which are not sent to other processes."""
    if not isinstance(plan.data, Path):
        raise ConfigurationError("Many runs are made of data in a file: write these rows to one.")
    assumed, conditions = plan.assumptions, plan.conditions
    return {
        "strategy": plan.strategy,
        "data": str(plan.data),
        "news": None if plan.news is None else str(plan.news),
        "starting_balance": str(plan.starting_balance),
        "every_s": plan.every.total_seconds(),
        "seed": plan.seed,
        "assumptions": [str(assumed.half_spread), str(assumed.depth_usd), str(assumed.fee_rate)],
        "conditions": [conditions.latency_ms, conditions.mined_after_s, conditions.settlement_failures],
        "parameters": {name: str(value) for name, value in plan.parameters.items()},
        "inference_model": plan.inference_model,
        "reference": {symbol: str(path) for symbol, path in plan.reference.items()},
        "window": None if plan.window is None else list(plan.window),
    }


def plan_of(payload: Mapping[str, Any]) -> BacktestPlan:
    """The plan that was sent."""
    half_spread, depth_usd, fee_rate = map(Decimal, payload["assumptions"])
    latency_ms, mined_after_s, failures = payload["conditions"]
    window = payload["window"]
    return BacktestPlan(
        strategy=payload["strategy"],
        data=Path(payload["data"]),
        news=None if payload["news"] is None else Path(payload["news"]),
        starting_balance=Decimal(payload["starting_balance"]),
        every=timedelta(seconds=payload["every_s"]),
        seed=payload["seed"],
        assumptions=BarAssumptions(half_spread=half_spread, depth_usd=depth_usd, fee_rate=fee_rate),
        conditions=Conditions(latency_ms=latency_ms, mined_after_s=mined_after_s, settlement_failures=failures),
        parameters={name: Decimal(value) for name, value in payload["parameters"].items()},
        inference_model=payload["inference_model"],
        reference={symbol: Path(path) for symbol, path in payload["reference"].items()},
        window=None if window is None else (window[0], window[1]),
    )


def backtest(payload: Mapping[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
    """One run: its summary without curves and fills, and its daily changes. `report` ends it where nobody waits."""
    plan = plan_of(payload)
    span: list[float] = payload["span"]

    def looked(so_far: SoFar) -> None:
        at_s = so_far.at.astimezone(UTC).timestamp()
        report(min(1.0, max(0.0, (at_s - span[0]) / max(span[1] - span[0], 1))))

    async def run() -> dict[str, Any]:
        async with InlineExecutor() as executor:
            result = await run_backtest(plan, executor, report=looked)
        told = summary_of(result)
        for curve in ("equity", "fills", "prices"):
            del told[curve]
        return {"told": told, "daily_changes": list(result.performance.daily_changes)}

    return asyncio.run(run())


TASKS = {"backtest": backtest}
