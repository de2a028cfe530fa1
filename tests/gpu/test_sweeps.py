"""Parameter sweeps: order, shared data, problems, early stops and cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from polydesk.gpu.errors import Busy, TaskFailed
from polydesk.gpu.executors.process_pool import ProcessPool
from polydesk.gpu.interface import PoolStatus, Priority, Progress
from polydesk.gpu.sweeps import Sweep, SweepPoint, sweep
from tests.support.executors import KIND, LONG_S, eventually


class Scripted:
    """Answers `{"value": v}` in an order of its own: the later sets first, where `backwards`."""

    def __init__(self, *, backwards: bool = False, busy: int = 0) -> None:
        self.calls: list[Mapping[str, Any]] = []
        self.running = self.most = self.cancelled = 0
        self._backwards, self._busy = backwards, busy

    async def submit(
        self,
        task: str,
        payload: Mapping[str, Any],
        *,
        deadline_s: float,
        progress: Progress | None = None,
        priority: Priority = "interactive",
    ) -> Mapping[str, Any]:
        if self._busy:
            self._busy -= 1
            raise Busy(waiting=1, limit=1)
        self.calls.append(payload)
        assert priority == "bulk"
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            for _ in range(50 - payload["value"] if self._backwards else 1):
                await asyncio.sleep(0)
            if payload.get("hang"):
                await asyncio.Event().wait()
            if payload["value"] == 13:
                raise TaskFailed(task=task, kind="ValueError", reason="thirteen")
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        return {"value": payload["value"]}

    def describe(self) -> PoolStatus:
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError


def values(found: Sweep) -> list[int | None]:
    return [None if point.answer is None else point.answer["value"] for point in found.points]


async def test_answers_come_in_the_order_of_their_parameters_with_progress() -> None:
    seen: list[float] = []
    executor = Scripted(backwards=True)
    sets = [{"value": value} for value in range(20)]
    found = await sweep(executor, "t", sets, at_once=5, deadline_s=LONG_S, progress=seen.append)
    assert values(found) == [None if value == 13 else value for value in range(20)]
    assert found.points[13].problem == "t failed: ValueError: thirteen"
    assert not found.stopped
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) == 20
    assert executor.most == 5


@pytest.mark.parametrize("at_once", [1, 3, 20])
@pytest.mark.parametrize("backwards", [False, True])
async def test_an_early_stop_depends_on_the_points_and_not_on_who_was_first(at_once: int, backwards: bool) -> None:
    def enough(points: Sequence[SweepPoint]) -> bool:
        return sum(int(point.answer["value"]) for point in points if point.answer) >= 15

    sets = [{"value": value} for value in range(20)]
    found = await sweep(Scripted(backwards=backwards), "t", sets, at_once=at_once, deadline_s=LONG_S, stop=enough)
    assert values(found) == [0, 1, 2, 3, 4, 5]
    assert found.stopped


async def test_what_still_runs_when_it_is_stopped_or_cancelled_is_ended() -> None:
    executor = Scripted()
    sets = [{"value": 0}, {"value": 1, "hang": True}]
    found = await sweep(executor, "t", sets, deadline_s=LONG_S, stop=lambda points: True)
    assert values(found) == [0] and executor.cancelled == 1
    waiting = asyncio.create_task(sweep(executor, "t", [{"value": 2, "hang": True}], deadline_s=LONG_S))
    await eventually(lambda: len(executor.calls) == 3)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert executor.cancelled == 2


async def test_a_full_queue_is_waited_for_and_nothing_to_do_is_done() -> None:
    executor = Scripted(busy=2)
    assert values(await sweep(executor, "t", [{"value": 1}], deadline_s=LONG_S)) == [1]
    assert (await sweep(executor, "t", [], deadline_s=LONG_S)).points == ()
    with pytest.raises(ValueError, match="at least one"):
        await sweep(executor, "t", [], at_once=0, deadline_s=LONG_S)


async def test_a_progress_that_fails_is_the_callers_own() -> None:
    def broken(fraction: float) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await sweep(Scripted(), "t", [{"value": 1}], deadline_s=LONG_S, progress=broken)


async def test_workers_map_one_shared_array_and_get_parameters_of_their_own() -> None:
    data = np.arange(1000.0)
    async with ProcessPool((KIND,), workers={"test": 2}) as pool:
        found = await sweep(
            pool, "double", [{"number": number} for number in range(6)], arrays={"array": data}, deadline_s=LONG_S
        )
    assert [point.problem for point in found.points] == [""] * 6
    for point in found.points:
        assert point.answer is not None
        assert point.answer["read_only"] is True
        assert point.answer["doubled"].tolist() == (2 * data).tolist()
