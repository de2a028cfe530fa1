"""What tests of executors share: a kind of worker whose tasks can misbehave, and ways to watch processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from polydesk.gpu.interface import Executor
from polydesk.gpu.worker_kinds import WorkerKind
from tests.support import executor_tasks

LONG_S = 60.0
"""A deadline that only a failing test meets."""

KIND = WorkerKind(
    name="test",
    module="tests.support.executor_tasks",
    tasks=frozenset(executor_tasks.TASKS) | {"nowhere"},
    batched=frozenset(executor_tasks.BATCHED),
    queue_limit=2_000,
)


def exists(pid: int) -> bool:
    """Whether the process runs; one that has ended but was not reaped yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    try:
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def eventually(condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """For what sends no notice, such as the death of an idle process."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def running_task(executor: Executor, task: str, **payload: Any) -> asyncio.Task[Mapping[str, Any]]:
    """A call whose task has made its first report, and so runs."""
    running = asyncio.Event()
    call = asyncio.create_task(executor.submit(task, payload, deadline_s=LONG_S, progress=lambda _: running.set()))
    await running.wait()
    return call


async def worker_pid(executor: Executor) -> int:
    answer = await executor.submit("pid", {}, deadline_s=LONG_S)
    return int(answer["pid"])
