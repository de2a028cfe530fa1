"""The one way to ask for a computation, whatever runs it: this process, worker processes or a device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import Busy, ComputeError, TaskFailed, TaskTimeout, WorkerLost

__all__ = [
    "Busy",
    "ComputeError",
    "Executor",
    "PoolStatus",
    "Progress",
    "TaskFailed",
    "TaskTimeout",
    "WorkerLost",
]

Progress = Callable[[float], None]
"""Receives the finished fraction of a task, 0 to 1."""


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """What computes, and how busy it is.

    `engine` names the library behind the numbers and `device` where it runs. `workers` processes may run at
    once, `queue_length` tasks wait for one. `started` says whether any is running now. `restarts` counts
    workers that were replaced because they died or would not stop.
    """

    engine: str
    device: str
    workers: int
    queue_length: int
    started: bool
    restarts: int = 0


class Executor(Protocol):
    """Runs registered tasks on plain values: None, bool, int, float, str, and lists and dicts with text keys."""

    async def submit(
        self, task: str, payload: Mapping[str, Any], *, deadline_s: float, progress: Progress | None = None
    ) -> Mapping[str, Any]:
        """The task's answer. Cancelling the call stops the task.

        Raises Busy, TaskTimeout, TaskFailed or WorkerLost, and TypeError or ValueError for a payload that is
        not made of plain, finite values.
        """
        ...

    def describe(self) -> PoolStatus: ...

    async def aclose(self) -> None:
        """Stop everything that runs. Calls that wait for an answer get WorkerLost."""
        ...
