"""Risk figures as the desk sees them: exact amounts, named groups, and errors it can act on."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from polydesk.core.errors import InputRejected
from polydesk.core.identifiers import ConditionId
from polydesk.core.risk.simulation import ComputeUnavailable, Holding, market_risk, portfolio_risk
from polydesk.gpu.executors.inline import InlineExecutor
from polydesk.gpu.executors.process_pool import ProcessPool
from polydesk.gpu.interface import Busy, ComputeError, Executor, PoolStatus, Priority, Progress, TaskTimeout, WorkerLost


@pytest.fixture
async def executor() -> AsyncIterator[Executor]:
    async with InlineExecutor() as executor:
        yield executor


def holding(market: str, probability: str, *, shares: str = "100", cost: str = "50", **more: Any) -> Holding:
    return Holding(ConditionId(market), Decimal(probability), Decimal(shares), Decimal(cost), **more)


async def one_market(executor: Executor, **changes: Any) -> Any:
    arguments = {
        "probability": Decimal("0.4"),
        "price": Decimal("0.35"),
        "shares": Decimal("200"),
        "fee": Decimal("1.25"),
        "days_to_resolution": 20.0,
        "seed": 7,
        **changes,
    }
    return await market_risk(executor, **arguments)


async def test_one_market_gives_exact_dollars_and_a_dated_outlook(executor: Executor) -> None:
    risk = await one_market(executor)
    assert (risk.if_right, risk.if_wrong) == (Decimal("128.75"), Decimal("-71.25"))
    assert risk.expected == Decimal("8.75")
    assert risk.loss_probability == Decimal("0.6")
    assert risk.tails[0].conditional_value_at_risk.value == Decimal("71.25")
    assert abs(risk.simulated_mean.value - risk.expected) < 5 * risk.simulated_mean.standard_error
    assert [point.days for point in risk.outlook] == [5.0, 10.0, 15.0, 18.0]
    assert all(point.quantiles[0].value < Decimal("0.4") < point.quantiles[-1].value for point in risk.outlook)
    assert (risk.paths, risk.seed, risk.engine, risk.touches) == (20_000, 7, "numpy", ())


async def test_stop_and_target_are_answered_by_name(executor: Executor) -> None:
    risk = await one_market(executor, stop=Decimal("0.2"), target=Decimal("0.8"), days_to_resolution=None)
    stop, target = risk.touches
    assert (stop.name, stop.before_resolution) == ("stop", Decimal("0.75"))
    assert (target.name, target.before_resolution) == ("target", Decimal("0.5"))
    assert target.by_horizon[0][1].value < target.before_resolution
    assert risk.outlook[0].days is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"probability": Decimal(1)},
        {"price": Decimal(0)},
        {"shares": Decimal(0)},
        {"fee": Decimal(-1)},
        {"stop": Decimal("0.5")},
        {"target": Decimal("0.3")},
        {"paths": 0},
        {"seed": -1},
    ],
)
async def test_impossible_input_is_refused_with_what_would_do(executor: Executor, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputRejected) as refused:
        await one_market(executor, **wrong)
    assert refused.value.fix


async def test_markets_of_one_event_exclude_each_other(executor: Executor) -> None:
    held = [holding("a", "0.5", event="fed"), holding("b", "0.5", event="fed")]
    risk = await portfolio_risk(executor, holdings=held, seed=1)
    assert risk.worst == risk.best == risk.expected == Decimal(0)
    assert risk.cost == Decimal(100)
    assert risk.overround == {}


async def test_the_other_outcomes_of_an_event_complete_it_and_the_overround_is_reported(executor: Executor) -> None:
    held = [holding("a", "0.6", event="fed", cost="0")]
    risk = await portfolio_risk(
        executor, holdings=held, other_outcomes={"fed": [Decimal("0.4"), Decimal("0.2")]}, seed=1
    )
    assert risk.expected == Decimal(50)
    assert risk.overround == {"fed": Decimal("0.2")}


async def test_both_sides_of_a_market_cancel(executor: Executor) -> None:
    held = [holding("a", "0.3", cost="30"), holding("a", "0.3", cost="68", first_outcome=False)]
    risk = await portfolio_risk(executor, holdings=held, seed=1)
    assert risk.standard_deviation.value == 0
    assert risk.mean.value == Decimal(2)


async def test_correlation_acts_within_a_cluster_only(executor: Executor) -> None:
    def book(*clusters: str) -> list[Holding]:
        return [holding(str(index), "0.5", cluster=cluster) for index, cluster in enumerate(clusters)]

    same = await portfolio_risk(executor, holdings=book("x", "x"), correlation=Decimal("0.8"), seed=3)
    other = await portfolio_risk(executor, holdings=book("x", "y"), correlation=Decimal("0.8"), seed=3)
    # Both even markets agree with probability 1/2 + asin(0.8) / pi; then 100 dollars are won or lost, else nothing.
    together = Decimal(100 * math.sqrt(0.5 + math.asin(0.8) / math.pi))
    assert abs(same.standard_deviation.value - together) < 5 * same.standard_deviation.standard_error
    assert abs(other.standard_deviation.value - Decimal("70.7107")) < 5 * other.standard_deviation.standard_error


async def test_a_portfolio_runs_in_a_worker_process_and_reports_progress() -> None:
    seen: list[float] = []
    async with ProcessPool() as pool:
        risk = await portfolio_risk(pool, holdings=[holding("a", "0.5")], seed=9, progress=seen.append)
        assert pool.describe().kinds[0].engine.startswith("numpy ")
    assert abs(risk.mean.value) < 5 * risk.mean.standard_error
    assert seen[-1] == 1.0
    async with InlineExecutor() as inline:
        assert await portfolio_risk(inline, holdings=[holding("a", "0.5")], seed=9) == risk


@pytest.mark.parametrize(
    "held",
    [
        [],
        [holding("a", "1.5")],
        [holding("a", "0.5", shares="-1")],
        [holding("a", "0.5"), holding("a", "0.6")],
        [holding("a", "0.5", event="e", cluster="x"), holding("b", "0.4", event="e", cluster="y")],
    ],
)
async def test_impossible_books_are_refused(executor: Executor, held: list[Holding]) -> None:
    with pytest.raises(InputRejected):
        await portfolio_risk(executor, holdings=held, seed=1)


class BrokenExecutor:
    def __init__(self, error: ComputeError) -> None:
        self._error = error

    async def submit(
        self,
        task: str,
        payload: Mapping[str, Any],
        *,
        deadline_s: float,
        progress: Progress | None = None,
        priority: Priority = "interactive",
    ) -> Mapping[str, Any]:
        raise self._error

    def describe(self) -> PoolStatus:
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("error", "busy"),
    [
        (Busy(waiting=32, limit=32), True),
        (TaskTimeout(task="market_risk", deadline_s=20), False),
        (WorkerLost(task="market_risk", reason="process 1 was ended by SIGKILL"), False),
    ],
)
async def test_compute_errors_become_one_error_of_the_desk(error: ComputeError, busy: bool) -> None:
    with pytest.raises(ComputeUnavailable, match=str(error)) as failure:
        await one_market(BrokenExecutor(error))
    assert failure.value.busy is busy
    assert failure.value.anything_sent == "no"
