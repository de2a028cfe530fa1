"""The process that computes: tasks come in on stdin, answers go out on stdout.

Run as `python -m polydesk.gpu.executors.worker TASK_MODULE` by the pool. It ends when its stdin does, whether the pool
closed it or its process was killed, even in the middle of a task.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO

from .execution import TaskRunner
from .frames import Decoder, EndOfStream, encode_value, frame

_LAST_WORDS_S = 1.0
"""How long a task may take to reach its next report once the pool is gone, before the process ends regardless."""


class Pipes:
    """stdin and stdout as ways of messages, safe from what libraries print."""

    def __init__(self, decoder: Decoder | None = None) -> None:
        # Ctrl-C in a terminal reaches the whole process group; ending is the pool's decision.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._answers: BinaryIO = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        # What libraries print must not end up between two answers.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._decoder = decoder or Decoder()
        self._sending = threading.Lock()

    def send(self, message: Mapping[str, Any]) -> None:
        """Raises TypeError and ValueError for a message that is not plain, BrokenPipeError once the pool is gone."""
        parts = frame(encode_value(message))
        with self._sending:
            for part in parts:
                self._answers.write(part)
            self._answers.flush()

    def receive(self) -> dict[str, Any]:
        """Raises EndOfStream."""
        return self._decoder.read_blocking(sys.stdin.buffer)


def main() -> None:
    """Compute on the main thread while another listens, so that a stop is heard during a task."""
    pipes = Pipes()
    runner = TaskRunner(sys.argv[1], pipes.send)
    inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    finished = threading.Event()

    def listen() -> None:
        try:
            while True:
                message = pipes.receive()
                if "stop" in message:
                    runner.stop(message["stop"])
                else:
                    inbox.put(message)
        except EndOfStream:
            runner.close()
            inbox.put(None)
        if not finished.wait(_LAST_WORDS_S):
            os._exit(1)

    try:
        runner.describe()
        threading.Thread(target=listen, name="requests").start()
        while (request := inbox.get()) is not None:
            runner.run(request)
    except BrokenPipeError:
        runner.close()
    finally:
        finished.set()


if __name__ == "__main__":
    main()
