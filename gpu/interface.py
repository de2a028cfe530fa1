"""The one way to ask for a computation, whatever runs it: this process, worker processes or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from .errors import Busy, ComputeError, TaskFailed, TaskTimeout, WorkerLost
from .shared_arrays import SharedArray, share

__all__ = [
    "Busy",
    "ComputeError",
    "Executor",
    "KindStatus",
    "Model",
    "PoolStatus",
    "Priority",
    "Progress",
    "SharedArray",
    "TaskFailed",
    "TaskTimeout",
    "WorkerLost",
    "share",
]

Progress = Callable[[float], None]
"""Receives the finished fraction of a task, 0 to 1, never less than before."""

Priority = Literal["interactive", "bulk"]
"""Somebody waits for the answer, or nobody does: what is interactive goes first."""


@dataclass(frozen=True, slots=True)
class Model:
    """The weights behind an engine; `sha256` is that of the file they were read from."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class KindStatus:
    """The workers of one kind, which run the same tasks.

    At most `workers` of them, of which `running` are there now; each computes with `threads` threads. `engine`,
    `device`, `dtype`, `models` and `engines` (engine by task, where they differ) are what a worker told of itself:
    empty before the first has started. `interactive` and `bulk` calls wait, `restarts` counts workers that died or
    would not stop, and `degraded` says why they do not run on the device that was chosen.
    """

    kind: str
    workers: int
    threads: int
    running: int = 0
    interactive: int = 0
    bulk: int = 0
    restarts: int = 0
    engine: str = ""
    device: str = ""
    dtype: str = ""
    models: tuple[Model, ...] = ()
    engines: Mapping[str, str] = field(default_factory=dict)
    degraded: str = ""

    @property
    def queue_length(self) -> int:
        return self.interactive + self.bulk


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """What computes, and how busy it is. `backend` is `processes`, `inline` or `ray`."""

    backend: str
    kinds: tuple[KindStatus, ...]

    @property
    def queue_length(self) -> int:
        return sum(kind.queue_length for kind in self.kinds)

    @property
    def running(self) -> int:
        """Workers that run now."""
        return sum(kind.running for kind in self.kinds)

    @property
    def started(self) -> bool:
        """Whether any worker runs now."""
        return self.running > 0

    @property
    def degraded(self) -> str:
        """What computes less well than it could, by kind, and why; empty where all is as it should be."""
        return "; ".join(f"{kind.kind}: {kind.degraded}" for kind in self.kinds if kind.degraded)

    @property
    def restarts(self) -> int:
        return sum(kind.restarts for kind in self.kinds)


class Executor(Protocol):
    """Runs registered tasks on plain values: None, bool, int, float, str, numpy arrays, and lists and dicts of them.

    Arrays arrive read-only. One that many calls need is passed as a `SharedArray`, which each worker maps once.
    """

    async def submit(
        self,
        task: str,
        payload: Mapping[str, Any],
        *,
        deadline_s: float,
        progress: Progress | None = None,
        priority: Priority = "interactive",
    ) -> Mapping[str, Any]:
        """The task's answer. Cancelling the call stops the task.

        A batched task takes `{"items": [...], **options}` and answers `{"items": [...], **rest}`, item by item;
        calls with equal options may be computed together, and long ones in pieces.

        Raises Busy, TaskTimeout, TaskFailed or WorkerLost, and TypeError or ValueError for a payload that is
        not made of plain, finite values.
        """
        ...

    def describe(self) -> PoolStatus: ...

    async def aclose(self) -> None:
        """Stop everything that runs. Calls that wait for an answer get WorkerLost."""
        ...
