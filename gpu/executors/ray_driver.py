"""The process that talks to Ray: one actor for each worker, which it makes, asks, watches and ends.

Run as `python -m polydesk.gpu.executors.ray_driver OPTIONS` by `RayExecutor`; OPTIONS is JSON, the arguments of
`ray.init`. Messages are those between a pool and a worker, with the worker's `actor` number. It ends when its stdin
does, and a Ray that it started ends with it.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import numpy as np
import ray
from ray.exceptions import RayActorError

from ..shared_arrays import Mappings, SharedArray
from .execution import TaskRunner
from .frames import Decoder, EndOfStream, encode_value, frame
from .worker import Pipes

_POLL_S = 1.0
_SHUTDOWN_S = 10.0
_MOST_STORED = 4


class TaskActor:
    """Runs the tasks of one kind, one at a time, while other threads listen for a stop and hand out reports."""

    def __init__(self, module: str) -> None:
        self._messages: list[bytes] = []
        self._reports: dict[int, queue.SimpleQueue[float | None]] = {}
        self._runner = TaskRunner(module, self._keep)
        self._runner.describe()

    def run(self, request: dict[str, Any]) -> list[bytes]:
        """The encoded messages that end a request, its answer last."""
        number = request["number"]
        reports = self._queue(number) if request["reports"] else None
        try:
            self._runner.run({**request, "payload": _fetched(request["payload"])})
        finally:
            if reports is not None:
                reports.put(None)
        return self.messages()

    def messages(self) -> list[bytes]:
        """What is to be told beside reports, once."""
        told, self._messages = self._messages, []
        return told

    @ray.method(concurrency_group="reports")
    def reports(self, number: int) -> tuple[list[float], bool]:
        """The next progress of a request, and whether there will be no more; waits a while for some."""
        waiting, told = self._queue(number), []
        try:
            report = waiting.get(timeout=_POLL_S)
            while report is not None:
                told.append(report)
                report = waiting.get_nowait()
        except queue.Empty:
            return told, False
        del self._reports[number]
        return told, True

    @ray.method(concurrency_group="control")
    def stop(self, number: int) -> None:
        self._runner.stop(number)

    @ray.method(concurrency_group="life")
    def live(self) -> None:
        """Never answers: its failure tells of the actor's death."""
        threading.Event().wait()

    def _queue(self, number: int) -> queue.SimpleQueue[float | None]:
        return self._reports.setdefault(number, queue.SimpleQueue())

    def _keep(self, message: Mapping[str, Any]) -> None:
        if "progress" in message:
            self._queue(message["number"]).put(message["progress"])
        else:
            self._messages.append(b"".join(frame(encode_value(message))))


class _Driver:
    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes
        self._decoder = Decoder()
        self._actors: dict[int, Any] = {}

    def handle(self, message: dict[str, Any]) -> None:
        number = message.pop("actor")
        if "open" in message:
            self._open(number, message["open"])
        elif "close" in message:
            if (actor := self._actors.pop(number, None)) is not None:
                ray.kill(actor)
        elif (actor := self._actors.get(number)) is None:
            return
        elif "kill" in message:
            ray.kill(actor)
        elif "stop" in message:
            actor.stop.remote(message["stop"])
        else:
            self._run(number, actor, message)

    def _open(self, number: int, wanted: Mapping[str, Any]) -> None:
        placed = ray.remote(
            num_cpus=wanted["cpus"],
            num_gpus=wanted["gpus"],
            runtime_env={"env_vars": wanted["environment"]},
            concurrency_groups={"reports": 2, "control": 1, "life": 1},
            max_restarts=0,
        )
        actor = placed(TaskActor).remote(wanted["module"])
        self._actors[number] = actor
        actor.messages.remote().future().add_done_callback(lambda told: self._tell(number, told))
        life = actor.live.remote()
        life.future().add_done_callback(lambda ended: self._died(number, ended))

    def _run(self, number: int, actor: Any, request: dict[str, Any]) -> None:
        answer = actor.run.remote(request).future()
        if not request["reports"]:
            answer.add_done_callback(lambda told: self._tell(number, told, request["number"]))
            return

        def follow() -> None:
            ended = False
            while not ended:
                try:
                    polled = actor.reports.remote(request["number"])
                    fractions, ended = ray.get(polled)
                except RayActorError:
                    return
                for fraction in fractions:
                    self._pipes.send({"actor": number, "number": request["number"], "progress": fraction})
            self._tell(number, answer, request["number"])

        threading.Thread(target=follow, name="reports", daemon=True).start()

    def _tell(self, number: int, told: Future[list[bytes]], request: int | None = None) -> None:
        try:
            messages = [self._decoder.decode_parts([each]) for each in told.result()]
        except RayActorError:
            return  # `live` tells of that
        except Exception as error:
            failure = {"kind": type(error).__name__, "reason": str(error)}
            messages = [{"number": request, "error": failure}]
        for message in messages:
            self._pipes.send({"actor": number, **message})

    def _died(self, number: int, ended: Future[None]) -> None:
        if number in self._actors:
            error = ended.exception()
            reason = str(error).strip().splitlines()
            self._pipes.send({"actor": number, "died": f"its actor ended: {reason[0] if reason else 'unknown'}"})


class _ObjectStore:
    """Shared arrays in Ray's store, the latest few of them: each is sent to a machine once."""

    def __init__(self) -> None:
        self._stored: OrderedDict[str, Any] = OrderedDict()
        self._mappings = Mappings()

    def reference(self, shared: SharedArray) -> Any:
        stored = self._stored.get(shared.path)
        if stored is None:
            stored = self._stored[shared.path] = ray.put(np.asarray(self._mappings.array(shared)))
            if len(self._stored) > _MOST_STORED:
                self._stored.popitem(last=False)
        self._stored.move_to_end(shared.path)
        return stored


def _fetched(value: Any) -> Any:
    """A payload with the arrays that it refers to, and all of them read-only."""
    if isinstance(value, ray.ObjectRef):
        value = ray.get(value)
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    if isinstance(value, dict):
        return {name: _fetched(each) for name, each in value.items()}
    return [_fetched(each) for each in value] if isinstance(value, list) else value


def main() -> None:
    """Connect or start Ray, then pass messages on until stdin ends."""
    pipes = Pipes(Decoder(_ObjectStore().reference))
    ray.init(**json.loads(sys.argv[1]), include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        pipes.send({"resources": ray.cluster_resources()})
        driver = _Driver(pipes)
        while True:
            driver.handle(pipes.receive())
    except (EndOfStream, BrokenPipeError):
        # A Ray that does not answer must not keep this process: what it started ends with its parent.
        watchdog = threading.Timer(_SHUTDOWN_S, os._exit, (1,))
        watchdog.daemon = True
        watchdog.start()
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main()
