"""Tasks in this very process, on a thread: for tests and one-off commands."""

from __future__ import annotations

import asyncio
import importlib
import queue
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from .. import devices
from ..worker_kinds import KINDS, WorkerKind
from .execution import TaskRunner
from .executor import LaneExecutor
from .frames import Decoder, Encoded, encode_value, frame
from .lane import Ears, Link, Place, WorkerDied


class InlineExecutor(LaneExecutor):
    """Runs the tasks of each kind on a thread and loads what they need into this process.

    A thread cannot be killed: a task that will not stop is left to itself, and ends with the process at the latest.
    """

    backend = "inline"

    def __init__(self, kinds: Sequence[WorkerKind] = KINDS, *, stop_grace_s: float = 1.0) -> None:
        super().__init__(kinds, stop_grace_s=stop_grace_s)

    def _threads(self, kind: WorkerKind) -> int:
        return devices.threads()

    def _places(self, kind: WorkerKind) -> Sequence[Place]:
        return [Place(partial(_start, kind))]


async def _start(kind: WorkerKind, ears: Ears) -> Link:
    try:
        await asyncio.to_thread(importlib.import_module, kind.module)
    except Exception as error:
        raise WorkerDied(f"it did not start: {type(error).__name__}: {error}") from error
    return _WorkerThread(kind, ears)


class _WorkerThread:
    def __init__(self, kind: WorkerKind, ears: Ears) -> None:
        self._ears = ears
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder()
        self._inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._open = True
        self._runner = TaskRunner(kind.module, self._tell)
        # A daemon, because the process must be able to end during a task.
        threading.Thread(target=self._serve, name=f"{kind.name} tasks", daemon=True).start()

    def send(self, request: Encoded) -> None:
        """See Link.send."""
        self._inbox.put(self._decoder.decode_parts(frame(request)))

    def stop(self, number: int) -> None:
        """See Link.stop."""
        self._runner.stop(number)

    def kill(self) -> None:
        if self._open:
            self._close()
            self._loop.call_soon(self._ears.died, "its thread was given up")

    async def aclose(self) -> None:
        self._close()

    def _close(self) -> None:
        self._open = False
        self._runner.close()
        self._inbox.put(None)

    def _serve(self) -> None:
        self._runner.describe()
        while (request := self._inbox.get()) is not None:
            self._runner.run(request)

    def _tell(self, message: Mapping[str, Any]) -> None:
        # Through the same bytes as everywhere, so that nothing is shared that could be changed.
        copied = self._decoder.decode_parts(frame(encode_value(message)))
        # The event loop may have ended before the thread.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._hear, copied)

    def _hear(self, message: Mapping[str, Any]) -> None:
        if self._open:
            self._ears.message(message)
