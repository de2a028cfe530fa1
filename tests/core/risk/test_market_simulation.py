"""Risk figures as the desk sees them: exact amounts, named groups, and errors it can act on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from polydesk.core.errors import InputRejected
from polydesk.core.risk.computing import ComputeUnavailable
from polydesk.core.risk.market_simulation import market_risk
from polydesk.gpu.executors.inline import InlineExecutor
from polydesk.gpu.interface import Busy, ComputeError, Executor, PoolStatus, Priority, Progress, TaskTimeout, WorkerLost


@pytest.fixture
async def executor() -> AsyncIterator[Executor]:
    async with InlineExecutor() as executor:
        yield executor


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
