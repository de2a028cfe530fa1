"""What all executors share: a call finds its kind's lane, waits there, and is forgotten when its caller goes."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from ..errors import TaskFailed, TaskTimeout, WorkerLost
from ..interface import KindStatus, PoolStatus, Priority, Progress
from ..worker_kinds import WorkerKind
from .calls import Call
from .lane import Lane, Place


class LaneExecutor(ABC):
    """An executor with one lane for each kind of worker; where the workers are is what subclasses know."""

    backend: str

    def __init__(self, kinds: Sequence[WorkerKind], *, stop_grace_s: float) -> None:
        self._kinds = kinds
        self._kind_of = {task: kind for kind in kinds for task in kind.tasks}
        self._stop_grace_s = stop_grace_s
        self._lanes: dict[str, Lane] = {}
        self._closed = False

    @abstractmethod
    def _threads(self, kind: WorkerKind) -> int:
        """Threads of each worker of a kind."""

    @abstractmethod
    def _places(self, kind: WorkerKind) -> Sequence[Place]:
        """Where the workers of a kind run."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def submit(
        self,
        task: str,
        payload: Mapping[str, Any],
        *,
        deadline_s: float,
        progress: Progress | None = None,
        priority: Priority = "interactive",
    ) -> Mapping[str, Any]:
        """See Executor.submit."""
        if self._closed:
            raise WorkerLost(task=task, reason="the executor is closed")
        if (kind := self._kind_of.get(task)) is None:
            raise TaskFailed(task=task, kind="UnknownTask", reason=f"there is no task {task!r}")
        call = Call.of(
            task,
            payload,
            batched=task in kind.batched,
            priority=priority,
            progress=progress,
            now_s=asyncio.get_running_loop().time(),
        )
        lane = self._lane(kind)
        lane.add(call)
        try:
            async with asyncio.timeout(deadline_s):
                return await call.answer
        except TimeoutError:
            raise TaskTimeout(task=task, deadline_s=deadline_s) from None
        finally:
            lane.forget(call)

    async def start(self) -> None:
        """Start every worker now instead of with its first task. What does not start shows in `describe`."""
        await asyncio.gather(*(self._lane(kind).start() for kind in self._kinds))

    def describe(self) -> PoolStatus:
        return PoolStatus(self.backend, tuple(self._status(kind) for kind in self._kinds))

    async def aclose(self) -> None:
        """End every worker; returns once no process is left."""
        self._closed = True
        await asyncio.gather(*(lane.aclose("the executor was closed") for lane in self._lanes.values()))

    def _lane(self, kind: WorkerKind) -> Lane:
        lane = self._lanes.get(kind.name)
        if lane is None:
            lane = Lane(kind, self._places(kind), threads=self._threads(kind), stop_grace_s=self._stop_grace_s)
            self._lanes[kind.name] = lane
        return lane

    def _status(self, kind: WorkerKind) -> KindStatus:
        if (lane := self._lanes.get(kind.name)) is not None:
            return lane.describe()
        return KindStatus(kind.name, workers=len(self._places(kind)), threads=self._threads(kind))
