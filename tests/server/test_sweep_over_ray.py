"""A sweep over Ray: the same result as in this process."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from pathlib import Path

import pytest

from polydesk.core.backtest.bars import BarAssumptions
from polydesk.gpu.executors.inline import InlineExecutor
from polydesk.server.backtest import BacktestPlan
from polydesk.server.backtest_sweep import BACKTESTS, run_sweep
from polydesk.server.backtest_sweep_summary import sweep_as_json

D = Decimal


@pytest.mark.cluster
async def test_a_sweep_over_ray_gives_what_it_gives_here(ray_address: str, tmp_path: Path) -> None:
    from polydesk.gpu.executors.ray_cluster import RayExecutor

    lines = ["t,market_id,price,yes_won"]
    rng = random.Random(1)
    for hour in range(240):
        odds = -1.0 + 0.0105 * hour + rng.gauss(0, 0.005)
        lines.append(f"{1_950_000_000 + 3600 * hour},m,{1 / (1 + math.exp(-odds)):.3f},1")
    data = tmp_path / "prices.csv"
    data.write_text("\n".join(lines))
    plan = BacktestPlan(strategy="momentum", data=data, assumptions=BarAssumptions(half_spread=D("0.005")))
    choices = {"window_hours": [D(2), D(6)]}
    async with InlineExecutor([BACKTESTS]) as here:
        expected = await run_sweep(plan, choices, here, at_once=1)
    async with RayExecutor([BACKTESTS], address=ray_address, workers={BACKTESTS.name: 2}) as ray:
        found = await run_sweep(plan, choices, ray, at_once=4)
    assert sweep_as_json(found) == sweep_as_json(expected)
    assert any(run.told["orders"] for run in found.runs if not run.problem)
