"""The process that computes: tasks come in on stdin, answers go out on stdout.

Run as `python -m polydesk.gpu.executors.worker [TASK_MODULE]` by the pool. It ends when its stdin does,
whether the pool closed it or its process was killed, even in the middle of a task.
"""

from __future__ import annotations

import importlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from .execution import TASK_MODULE, TaskStopped, execute
from .frames import EndOfStream, encode, read_frame_blocking

_LAST_WORDS_S = 1.0
"""How long a task may take to reach its next report once the pool is gone, before the process ends regardless."""


class _Worker:
    """Computes on the main thread while another listens, so that a stop is heard during a task."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers
        self._inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._stopped: int | None = None
        self._orphaned = False
        self._finished = threading.Event()

    def send(self, message: Mapping[str, Any]) -> None:
        self._answers.write(encode(message))
        self._answers.flush()

    def serve(self, tasks: Mapping[str, Callable[..., dict[str, Any]]]) -> None:
        """Answer requests until stdin ends."""
        listener = threading.Thread(target=self._listen, name="requests")
        listener.start()
        try:
            while (request := self._inbox.get()) is not None:
                number = request["number"]
                outcome = execute(tasks, request["task"], request["payload"], self._reporter(number))
                try:
                    self.send({"number": number, **outcome})
                except (TypeError, ValueError) as error:
                    failure = {"kind": type(error).__name__, "reason": f"the answer is not plain data: {error}"}
                    self.send({"number": number, "error": failure})
        except BrokenPipeError:
            self._orphaned = True
        finally:
            self._finished.set()

    def _reporter(self, number: int) -> Callable[[float], None]:
        def report(fraction: float) -> None:
            if self._orphaned or self._stopped == number:
                raise TaskStopped
            self.send({"number": number, "progress": fraction})

        return report

    def _listen(self) -> None:
        try:
            while True:
                message = read_frame_blocking(self._requests)
                if "stop" in message:
                    self._stopped = message["stop"]
                else:
                    self._inbox.put(message)
        except EndOfStream:
            self._orphaned = True
            self._inbox.put(None)
        if not self._finished.wait(_LAST_WORDS_S):
            os._exit(1)


def main() -> None:
    # Ctrl-C in a terminal reaches the whole process group; ending is the pool's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What libraries print must not end up between two answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    module = importlib.import_module(sys.argv[1] if len(sys.argv) > 1 else TASK_MODULE)
    worker = _Worker(sys.stdin.buffer, answers)
    worker.send({"engine": module.ENGINE, "device": module.DEVICE})
    worker.serve(module.TASKS)


if __name__ == "__main__":
    main()
