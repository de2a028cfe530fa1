"""Running tasks by name, the same way in a worker process, on a thread and on a cluster."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from .. import devices

Send = Callable[[Mapping[str, Any]], None]


class TaskStopped(Exception):
    """Raised inside a task by its progress report when nobody waits for the answer any more."""


class TaskRunner:
    """Runs the tasks of one module, one at a time, and sends what there is to tell.

    Messages are `{"description": ...}`, and with the request's `number`: `progress`, and at the end one of `answer`,
    `error` (with `kind` and `reason`) and `stopped`. `send` raises TypeError or ValueError for what cannot be sent.
    """

    def __init__(self, module: str, send: Send, listen: Callable[[], None] = lambda: None) -> None:
        """`listen` is called at every report of a task: who hears stops on no other thread takes them in there."""
        self._module: ModuleType = importlib.import_module(module)
        self._tasks: Mapping[str, Callable[..., dict[str, Any]]] = self._module.TASKS
        self._send = send
        self._listen = listen
        self._stopped: set[int] = set()
        self._closed = False
        self._described: Mapping[str, Any] | None = None

    def describe(self) -> None:
        """Tell what computes here, if that is news: models load with their first use."""
        description = {
            "engine": self._module.ENGINE,
            "device": self._module.DEVICE,
            "threads": devices.threads(),
            **(self._module.describe() if hasattr(self._module, "describe") else {}),
        }
        if description != self._described:
            self._described = description
            self._send({"description": description})

    def stop(self, number: int) -> None:
        """End that request at its next report, or do not begin it; from any thread."""
        self._stopped.add(number)

    def close(self) -> None:
        """As `stop`, for every request."""
        self._closed = True

    def run(self, request: Mapping[str, Any]) -> None:
        """Run one request (`number`, `task`, `payload`; `reports` if progress is wanted) to its end.

        Raises what `send` raises for a connection that is gone.
        """
        number: int = request["number"]

        def report(fraction: float) -> None:
            self._listen()
            if self._closed or number in self._stopped:
                raise TaskStopped
            if request["reports"]:
                self._send({"number": number, "progress": fraction})

        outcome = self._outcome(request, report)
        # Requests come in the order of their numbers: nobody can stop an older one any more.
        for each in tuple(self._stopped):
            if each <= number:
                self._stopped.discard(each)
        self.describe()
        try:
            self._send({"number": number, **outcome})
        except (TypeError, ValueError) as error:
            failure = {"kind": type(error).__name__, "reason": f"the answer is not plain data: {error}"}
            self._send({"number": number, "error": failure})

    def _outcome(self, request: Mapping[str, Any], report: Callable[[float], None]) -> Mapping[str, Any]:
        task = request["task"]
        if self._closed or request["number"] in self._stopped:
            return {"stopped": True}
        if "unreadable" in request:
            return {"error": {"kind": "ArrayGone", "reason": request["unreadable"]}}
        if task not in self._tasks:
            return {"error": {"kind": "UnknownTask", "reason": f"there is no task {task!r}"}}
        try:
            return {"answer": self._tasks[task](request["payload"], report)}
        except TaskStopped:
            return {"stopped": True}
        except Exception as error:
            return {"error": {"kind": type(error).__name__, "reason": str(error)}}
