"""Worker processes on this machine behind a bounded queue."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from ..interface import Busy, PoolStatus, Progress, TaskFailed, TaskTimeout, WorkerLost
from .execution import TASK_MODULE
from .frames import encode
from .worker_process import WorkerDied, WorkerProcess

_ATTEMPTS = 2
_FIRST_RESTART_DELAY_S = 0.05
_LONGEST_RESTART_DELAY_S = 5.0


@dataclass(eq=False, slots=True)
class _Job:
    number: int
    task: str
    request: bytes
    progress: Progress | None
    answer: asyncio.Future[Mapping[str, Any]]
    worker: WorkerProcess | None = None

    @property
    def wanted(self) -> bool:
        """False once it is answered, or its caller has gone."""
        return not self.answer.done()

    def advance(self, fraction: float) -> None:
        if self.progress is None or not self.wanted:
            return
        try:
            self.progress(fraction)
        except Exception as error:
            # It is the caller's own callback: its failure belongs to the caller, not to the worker.
            self.answer.set_exception(error)


class ProcessPool:
    """Runs tasks in `workers` processes, each started when it is first needed.

    At most `queue_limit` tasks wait for a free worker; one more raises Busy. A task whose caller has gone is asked
    to stop and its worker is killed after `stop_grace_s`. A worker that dies is replaced, after a pause that grows
    with each death in a row, and its task is tried once more.
    """

    def __init__(
        self,
        *,
        workers: int = 1,
        queue_limit: int = 32,
        stop_grace_s: float = 1.0,
        start_timeout_s: float = 30.0,
        task_module: str = TASK_MODULE,
    ) -> None:
        self._queue_limit = queue_limit
        self._stop_grace_s = stop_grace_s
        self._start_timeout_s = start_timeout_s
        self._task_module = task_module
        self._waiting: deque[_Job] = deque()
        self._arrived = asyncio.Semaphore(0)
        self._numbers = itertools.count(1)
        self._workers: list[WorkerProcess | None] = [None] * workers
        self._lanes: list[asyncio.Task[None]] = []
        self._running: set[_Job] = set()
        self._deaths = [0] * workers
        self._restarts = 0
        self._engine = "numpy"
        self._device = "cpu"
        self._closed = False

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
        if self._closed:
            raise WorkerLost(task=task, reason="the pool is closed")
        number = next(self._numbers)
        request = encode({"number": number, "task": task, "payload": payload})
        if len(self._waiting) >= self._queue_limit:
            raise Busy(waiting=len(self._waiting), limit=self._queue_limit)
        job = _Job(number, task, request, progress, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._arrived.release()
        if not self._lanes:
            self._lanes = [asyncio.create_task(self._serve(lane)) for lane in range(len(self._workers))]
        try:
            async with asyncio.timeout(deadline_s):
                return await job.answer
        except TimeoutError:
            raise TaskTimeout(task=task, deadline_s=deadline_s) from None
        finally:
            self._forget(job)

    def describe(self) -> PoolStatus:
        return PoolStatus(
            engine=self._engine,
            device=self._device,
            workers=len(self._workers),
            queue_length=len(self._waiting),
            started=any(worker is not None and worker.alive for worker in self._workers),
            restarts=self._restarts,
        )

    async def aclose(self) -> None:
        """End every worker; returns once no process is left."""
        self._closed = True
        for job in (*self._waiting, *self._running):
            if job.wanted:
                job.answer.set_exception(WorkerLost(task=job.task, reason="the pool was closed"))
        self._waiting.clear()
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        self._lanes.clear()

    def _forget(self, job: _Job) -> None:
        if job in self._waiting:
            self._waiting.remove(job)
        elif job.worker is not None:
            job.worker.stop_task(job.number, grace_s=self._stop_grace_s)

    async def _serve(self, lane: int) -> None:
        """Take one job after another; the lane's worker ends with it."""
        try:
            while True:
                await self._arrived.acquire()
                # A job that was given up in the queue has left its permit behind.
                if self._waiting:
                    job = self._waiting.popleft()
                    self._running.add(job)
                    try:
                        await self._run(lane, job)
                    finally:
                        self._running.discard(job)
        finally:
            if (worker := self._workers[lane]) is not None:
                self._workers[lane] = None
                await worker.end()

    async def _run(self, lane: int, job: _Job) -> None:
        reason = ""
        for _ in range(_ATTEMPTS):
            try:
                worker = await self._live_worker(lane)
                if not job.wanted:
                    return
                job.worker = worker
                message = await worker.ask(job.number, job.request, job.advance)
            except WorkerDied as died:
                self._workers[lane] = None
                self._restarts += 1
                if not job.wanted:
                    return
                self._deaths[lane] += 1
                reason = str(died)
            else:
                self._deaths[lane] = 0
                _settle(job, message)
                return
        job.answer.set_exception(WorkerLost(task=job.task, reason=reason))

    async def _live_worker(self, lane: int) -> WorkerProcess:
        worker = self._workers[lane]
        if worker is not None and not worker.alive:
            self._workers[lane] = None
            self._restarts += 1
            await worker.end(at_once=True)
            worker = None
        if worker is None:
            if self._deaths[lane]:
                delay_s = _FIRST_RESTART_DELAY_S * 2 ** (self._deaths[lane] - 1)
                await asyncio.sleep(min(delay_s, _LONGEST_RESTART_DELAY_S))
            threads = max(1, (os.cpu_count() or 1) // len(self._workers))
            worker = await WorkerProcess.start(
                task_module=self._task_module, threads=threads, timeout_s=self._start_timeout_s
            )
            self._workers[lane] = worker
            self._engine, self._device = worker.engine, worker.device
        return worker


def _settle(job: _Job, message: Mapping[str, Any]) -> None:
    if not job.wanted:
        return
    if "answer" in message:
        job.answer.set_result(message["answer"])
    else:
        job.answer.set_exception(TaskFailed(task=job.task, **message["error"]))
