"""The same task over many sets of parameters, such as backtests of one strategy: a map over an executor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import Busy, ComputeError
from .interface import Executor, Progress
from .shared_arrays import share

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One set of parameters with its `answer`, or the `problem` that it met."""

    parameters: Mapping[str, Any]
    answer: Mapping[str, Any] | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Points in the order of their parameters; fewer than those where the sweep was `stopped` early."""

    points: tuple[SweepPoint, ...]
    stopped: bool


StopRule = Callable[[Sequence[SweepPoint]], bool]
"""Sees the points so far, in order and without holes, after each one; True ends the sweep with the last of them."""


async def sweep(
    executor: Executor,
    task: str,
    parameter_sets: Sequence[Mapping[str, Any]],
    *,
    arrays: Mapping[str, NDArray[Any]] | None = None,
    at_once: int = 8,
    deadline_s: float,
    progress: Progress | None = None,
    stop: StopRule | None = None,
) -> Sweep:
    """Run `task` for each set of parameters, `at_once` at a time, each within `deadline_s`.

    `arrays` are added to every payload; they are written once and mapped read-only by each worker. Calls go as bulk, so
    that interactive ones pass them, and wait where the queue is full. A point that fails is told with its problem and
    ends nothing. What `stop` decides depends on the points alone, not on which finished first, so that a sweep's result
    is the same for any number of workers. Cancelling the call stops what runs. Raises ValueError for an `at_once`
    below 1.
    """
    if at_once < 1:
        raise ValueError(f"at least one call runs at once, not {at_once}")
    async with AsyncExitStack() as shared:
        common = {name: await shared.enter_async_context(share(array)) for name, array in (arrays or {}).items()}
        running = _Running(executor, task, parameter_sets, common, deadline_s, progress, stop)
        callers = [asyncio.create_task(running.work()) for _ in range(min(at_once, len(parameter_sets)))]
        try:
            await running.finished(callers)
        finally:
            for caller in callers:
                caller.cancel()
            await asyncio.gather(*callers, return_exceptions=True)
        return running.result()


class _Running:
    """The points of a sweep while it goes on."""

    def __init__(
        self,
        executor: Executor,
        task: str,
        parameter_sets: Sequence[Mapping[str, Any]],
        common: Mapping[str, Any],
        deadline_s: float,
        progress: Progress | None,
        stop: StopRule | None,
    ) -> None:
        self._executor = executor
        self._task = task
        self._parameter_sets = parameter_sets
        self._common = common
        self._deadline_s = deadline_s
        self._progress = progress
        self._stop = stop
        self._next = iter(range(len(parameter_sets)))
        self._points: list[SweepPoint | None] = [None] * len(parameter_sets)
        self._done = 0
        self._in_order: list[SweepPoint] = []
        self._stopped = asyncio.Event()

    async def work(self) -> None:
        """Take one set of parameters after another."""
        for index in self._next:
            self._points[index] = await self._point(self._parameter_sets[index])
            self._done += 1
            if self._progress is not None:
                self._progress(self._done / len(self._points))
            self._settle()

    async def finished(self, callers: Sequence[asyncio.Task[None]]) -> None:
        """Wait until all is done or the rule has stopped it. Raises what a progress or rule of the caller raised."""
        if not callers:
            return
        stopped = asyncio.create_task(self._stopped.wait())
        everything = asyncio.gather(*callers)
        try:
            either: set[asyncio.Future[Any]] = {stopped, everything}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if everything.done():
                await everything
        finally:
            stopped.cancel()
            everything.cancel()

    def result(self) -> Sweep:
        return Sweep(tuple(self._in_order), self._stopped.is_set())

    async def _point(self, parameters: Mapping[str, Any]) -> SweepPoint:
        while True:
            try:
                answer = await self._executor.submit(
                    self._task, {**parameters, **self._common}, deadline_s=self._deadline_s, priority="bulk"
                )
            except Busy:
                await asyncio.sleep(_PAUSE_S)
            except ComputeError as error:
                return SweepPoint(parameters, None, str(error))
            else:
                return SweepPoint(parameters, answer)

    def _settle(self) -> None:
        while not self._stopped.is_set() and len(self._in_order) < len(self._points):
            point = self._points[len(self._in_order)]
            if point is None:
                return
            self._in_order.append(point)
            if self._stop is not None and self._stop(tuple(self._in_order)):
                self._stopped.set()
