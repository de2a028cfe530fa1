"""One worker process, seen from the process that uses it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from typing import Any

from ..interface import Progress
from .frames import EndOfStream, encode, read_frame

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_END_TIMEOUT_S = 3.0


class WorkerDied(Exception):
    """The process ended, or never became ready. The text says how."""


class WorkerProcess:
    """A running worker that takes one request at a time."""

    def __init__(self, process: Process, *, engine: str, device: str) -> None:
        self._process = process
        self._current: int | None = None
        self.engine = engine
        self.device = device

    @classmethod
    async def start(cls, *, task_module: str, threads: int, timeout_s: float) -> WorkerProcess:
        """Start one and wait until it has loaded its tasks. Raises WorkerDied."""
        environment = dict(os.environ)
        # The same import path, as multiprocessing gives its children; -P keeps the working directory out of it.
        environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
        for variable in _THREAD_VARIABLES:
            environment.setdefault(variable, str(threads))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", f"{__package__}.worker", task_module, stdin=PIPE, stdout=PIPE, env=environment
        )
        worker = cls(process, engine="", device="")
        try:
            async with asyncio.timeout(timeout_s):
                ready = await read_frame(worker._stdout)
        except TimeoutError:
            await worker.end(at_once=True)
            raise WorkerDied(f"it was not ready within {timeout_s:g} s") from None
        except EndOfStream as error:
            await worker.end()
            raise WorkerDied(f"it did not start: {worker._obituary()}") from error
        except BaseException:
            await worker.end(at_once=True)
            raise
        worker.engine, worker.device = ready["engine"], ready["device"]
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, number: int, request: bytes, on_progress: Progress) -> Mapping[str, Any]:
        """Send an encoded request and wait for its answer. Raises WorkerDied as soon as the pipe ends."""
        self._current = number
        try:
            self._stdin.write(request)
            await self._stdin.drain()
            while True:
                message = await read_frame(self._stdout)
                if "progress" not in message:
                    return message
                on_progress(message["progress"])
        except (EndOfStream, ConnectionError) as error:
            await self.end()
            raise WorkerDied(self._obituary()) from error
        finally:
            self._current = None

    def stop_task(self, number: int, *, grace_s: float) -> None:
        """Ask a task that nobody waits for to stop, and kill the process if it has not within `grace_s`."""
        if self._current != number or self._stdin.is_closing():
            return
        self._stdin.write(encode({"stop": number}))
        asyncio.get_running_loop().call_later(grace_s, self._kill_if_running, number)

    async def end(self, *, at_once: bool = False) -> None:
        """Let the process end by closing its stdin, or kill it; returns once it is gone and reaped."""
        self._stdin.close()
        if at_once:
            self._kill()
        try:
            async with asyncio.timeout(_END_TIMEOUT_S):
                await self._wait()
        except TimeoutError:
            self._kill()
            await self._wait()

    async def _wait(self) -> None:
        # Unread output would keep the pipe open, and the transport with it.
        while await self._stdout.read(65_536):
            pass
        await self._process.wait()

    def _kill_if_running(self, number: int) -> None:
        if self._current == number:
            self._kill()

    def _kill(self) -> None:
        if self.alive:
            self._process.kill()

    def _obituary(self) -> str:
        code = self._process.returncode
        if code is not None and code < 0:
            return f"process {self.pid} was ended by {signal.Signals(-code).name}"
        return f"process {self.pid} ended with code {code}"

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _stdout(self) -> asyncio.StreamReader:
        assert self._process.stdout is not None
        return self._process.stdout
