"""What can go wrong between asking for a computation and getting its answer."""

from __future__ import annotations


class ComputeError(Exception):
    """Root of the compute errors."""


class Busy(ComputeError):
    """The queue is full. `waiting` tasks are ahead of `limit` allowed ones; nothing was started."""

    def __init__(self, *, waiting: int, limit: int) -> None:
        super().__init__(f"the compute queue is full: {waiting} of {limit} tasks are waiting")
        self.waiting = waiting
        self.limit = limit


class TaskTimeout(ComputeError):
    """The deadline passed. The task was taken off the queue or told to stop."""

    def __init__(self, *, task: str, deadline_s: float) -> None:
        super().__init__(f"{task} was not finished within {deadline_s:g} s")
        self.task = task
        self.deadline_s = deadline_s


class TaskFailed(ComputeError):
    """The task ran and raised. `kind` is the name of the exception's class, `reason` its text."""

    def __init__(self, *, task: str, kind: str, reason: str) -> None:
        super().__init__(f"{task} failed: {kind}: {reason}")
        self.task = task
        self.kind = kind
        self.reason = reason


class WorkerLost(ComputeError):
    """The worker process died under the task, and so did its replacement, or it could not be started."""

    def __init__(self, *, task: str, reason: str) -> None:
        super().__init__(f"no worker survived {task}: {reason}")
        self.task = task
        self.reason = reason
