"""Tasks that misbehave, for workers of the pool tests. Imported in the worker."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Report = Callable[[float], None]

ENGINE = "test tasks"
DEVICE = "cpu"


def echo(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    return dict(payload)


def pid(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    return {"pid": os.getpid()}


def count(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    for step in range(1, 5):
        report(step / 4)
    return {"steps": 4}


def fail(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    raise LookupError("nothing there")


def unserialisable(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    return {"value": float("nan")}


def chatter(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    print("a library prints to stdout")
    sys.stdout.flush()
    return {"said": True}


def listen(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Runs until told to stop, reporting all the time."""
    while True:
        report(0.5)
        time.sleep(0.005)


def ignore(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Runs on and never reports, as one long call into a library would."""
    report(0.0)
    while True:
        time.sleep(0.01)


def die(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def die_once(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Dies unless the file is there from the time before."""
    mark = Path(payload["mark"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"pid": os.getpid()}


TASKS: Mapping[str, Callable[..., dict[str, Any]]] = {
    task.__name__: task for task in (echo, pid, count, fail, unserialisable, chatter, listen, ignore, die, die_once)
}
