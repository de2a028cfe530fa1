"""Running one task by name, the same way in a worker and inline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

TASK_MODULE = "polydesk.gpu.tasks"
"""Where executors look up tasks unless told otherwise. Such a module has TASKS, ENGINE and DEVICE."""


class TaskStopped(Exception):
    """Raised inside a task by its progress report when nobody waits for the answer any more."""


def execute(
    tasks: Mapping[str, Callable[..., dict[str, Any]]],
    name: str,
    payload: Mapping[str, Any],
    report: Callable[[float], None],
) -> dict[str, Any]:
    """`{"answer": ...}`, `{"error": {"kind", "reason"}}` or `{"stopped": True}`; never raises for a task's fault."""
    if name not in tasks:
        return {"error": {"kind": "UnknownTask", "reason": f"there is no task {name!r}"}}
    try:
        return {"answer": tasks[name](payload, report)}
    except TaskStopped:
        return {"stopped": True}
    except Exception as error:
        return {"error": {"kind": type(error).__name__, "reason": str(error)}}
