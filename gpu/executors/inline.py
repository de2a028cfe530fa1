"""Tasks in this very process, on a thread: for tests and one-off commands."""

from __future__ import annotations

import asyncio
import importlib
import json
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from ..interface import PoolStatus, Progress, TaskFailed, TaskTimeout, WorkerLost
from .execution import TASK_MODULE, TaskStopped, execute


class InlineExecutor:
    """Runs each task on a thread of its own and loads numpy into this process.

    A thread cannot be killed: a task whose caller has gone runs on until its next progress report.
    """

    def __init__(self, *, task_module: str = TASK_MODULE) -> None:
        self._task_module = task_module
        self._used = False
        self._closing = threading.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def submit(
        self, task: str, payload: Mapping[str, Any], *, deadline_s: float, progress: Progress | None = None
    ) -> Mapping[str, Any]:
        """See Executor.submit."""
        if self._closing.is_set():
            raise WorkerLost(task=task, reason="the executor is closed")
        plain = json.loads(json.dumps(payload, allow_nan=False))
        tasks = importlib.import_module(self._task_module).TASKS
        loop = asyncio.get_running_loop()
        gone = threading.Event()

        def report(fraction: float) -> None:
            if gone.is_set() or self._closing.is_set():
                raise TaskStopped
            if progress is not None:
                loop.call_soon_threadsafe(progress, fraction)

        self._used = True
        try:
            async with asyncio.timeout(deadline_s):
                outcome = await asyncio.to_thread(execute, tasks, task, plain, report)
        except TimeoutError:
            raise TaskTimeout(task=task, deadline_s=deadline_s) from None
        finally:
            gone.set()
        if "error" in outcome:
            raise TaskFailed(task=task, **outcome["error"])
        if "stopped" in outcome:
            raise WorkerLost(task=task, reason="the executor was closed")
        answer: Mapping[str, Any] = json.loads(json.dumps(outcome["answer"], allow_nan=False))
        return answer

    def describe(self) -> PoolStatus:
        return PoolStatus(engine="numpy", device="cpu", workers=1, queue_length=0, started=self._used)

    async def aclose(self) -> None:
        """Tell running tasks to stop at their next report."""
        self._closing.set()
