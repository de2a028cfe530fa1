"""The process that computes: tasks come in on stdin, answers go out on stdout.

Run as `python -m polydesk.gpu.executors.worker TASK_MODULE` by the pool. It ends when its stdin does, whether the pool
closed it or its process was killed, even in the middle of a task.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, BinaryIO

from .execution import TaskRunner
from .frames import Decoder, EndOfStream, encode_value, frame

_CHUNK_BYTES = 1 << 20
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
        self._requests = sys.stdin.fileno()
        self._received = bytearray()
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
        """The next message, once it is there. Raises EndOfStream."""
        while (message := self._decoder.take(self._received)) is None:
            self._read()
        return message

    def arrived(self) -> list[dict[str, Any]]:
        """The messages that are there already. Raises EndOfStream."""
        while select.select([self._requests], [], [], 0)[0]:
            self._read()
        messages = []
        while (message := self._decoder.take(self._received)) is not None:
            messages.append(message)
        return messages

    def await_end(self) -> None:
        """Return once nobody can send any more, without taking anything from who receives."""
        end = select.poll()
        end.register(self._requests, 0)  # the end is told of without being asked for
        end.poll()

    def _read(self) -> None:
        data = os.read(self._requests, _CHUNK_BYTES)
        if not data:
            raise EndOfStream
        self._received += data


class _Inbox:
    """Requests in the order they came; a stop is heard when the task that runs reports."""

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes
        self._ready: deque[dict[str, Any]] = deque()

    def listen(self, runner: TaskRunner) -> None:
        try:
            for message in self._pipes.arrived():
                self._sort(message, runner)
        except EndOfStream:
            runner.close()

    def next(self, runner: TaskRunner) -> dict[str, Any]:
        """Raises EndOfStream."""
        while not self._ready:
            self._sort(self._pipes.receive(), runner)
        return self._ready.popleft()

    def _sort(self, message: dict[str, Any], runner: TaskRunner) -> None:
        if "stop" in message:
            runner.stop(message["stop"])
        else:
            self._ready.append(message)


def main() -> None:
    """Receive and compute on one thread: handing requests over to another took a fifth of what an idle pool costs."""
    pipes = Pipes()
    inbox = _Inbox(pipes)
    runner = TaskRunner(sys.argv[1], pipes.send, lambda: inbox.listen(runner))
    finished = threading.Event()

    def watch() -> None:
        pipes.await_end()
        runner.close()
        if not finished.wait(_LAST_WORDS_S):
            os._exit(1)

    try:
        runner.describe()
        threading.Thread(target=watch, name="end of requests", daemon=True).start()
        while True:
            inbox.listen(runner)
            runner.run(inbox.next(runner))
    except (EndOfStream, BrokenPipeError):
        runner.close()
    finally:
        finished.set()


if __name__ == "__main__":
    main()
