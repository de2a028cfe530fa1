"""Tasks that misbehave, for workers under test. Imported in the worker."""

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


def wait_for(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Runs until a file is there."""
    report(0.0)
    while not Path(payload["file"]).exists():
        time.sleep(0.002)
    return {}


def double(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    return {"doubled": 2 * payload["array"], "read_only": not payload["array"].flags.writeable}


def environment(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Dies where it may see a device called `broken`."""
    if os.environ["CUDA_VISIBLE_DEVICES"] == "broken":
        os.kill(os.getpid(), signal.SIGKILL)
    return {name: os.environ.get(name) for name in payload["names"]}


def learn(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """As the first use of a model that is then described."""
    _models.append({"name": payload["name"], "sha256": "ab" * 32})
    return {}


def shout(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Each item in capitals, with how many were computed together, in which process, and when among all."""
    global _turn
    if (gate := payload.get("gate")) is not None:
        wait_for({"file": gate}, report)
    if "poison" in payload["items"]:
        raise ValueError("a poisoned item")
    if "killer" in payload["items"]:
        os.kill(os.getpid(), signal.SIGKILL)
    if "short" in payload["items"]:
        return {"items": []}
    _turn += 1
    size = len(payload["items"])
    items = [{"text": item.upper(), "together": size, "turn": _turn} for item in payload["items"]]
    return {"items": items, "engine": "test tasks", "mark": payload.get("mark")}


_models: list[dict[str, str]] = []
_turn = 0


def describe() -> dict[str, Any]:
    return {"models": list(_models), "dtype": "float32"}


TASKS: Mapping[str, Callable[..., dict[str, Any]]] = {
    task.__name__: task
    for task in (
        echo, pid, count, fail, unserialisable, chatter, listen, ignore, die, die_once,
        wait_for, double, environment, learn, shout,
    )
}  # fmt: skip
BATCHED = {"shout": shout}
