"""Workers on a Ray cluster, or on a Ray of this machine that begins and ends with the executor."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ..worker_kinds import KINDS, WorkerKind
from .executor import LaneExecutor
from .frames import Encoded, encode_value
from .lane import Ears, Place, WorkerDied
from .worker_process import WorkerProcess, compute_environment

_THREADS = 1
"""Of each worker, which takes one of the cluster's cores: many narrow workers do more together than few wide ones."""

_THIS_MACHINE_ONLY = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Has a new Ray listen on the loopback address, as it does by default on Windows and macOS only."""


class RayExecutor(LaneExecutor):
    """Runs tasks in Ray actors, which a driver in a process of its own asks for.

    `address` is `ray://HOST:PORT`, or None for the cluster that RAY_ADDRESS names, else a new one on this machine;
    `options` are further arguments of `ray.init`. The machines of a cluster need polydesk installed. Each kind has
    as many workers as its share of the cluster's cores allows, one per GPU if it uses CUDA and there are any, unless
    `workers` says how many.
    """

    backend = "ray"

    def __init__(
        self,
        kinds: Sequence[WorkerKind] = KINDS,
        *,
        address: str | None = None,
        workers: Mapping[str, int] | None = None,
        options: Mapping[str, Any] | None = None,
        stop_grace_s: float = 1.0,
        start_timeout_s: float = 120.0,
    ) -> None:
        super().__init__(kinds, stop_grace_s=stop_grace_s)
        self._new = address is None and not os.environ.get("RAY_ADDRESS")
        self._options = {**({"address": address} if address else {}), **(options or {})}
        self._wanted = workers or {}
        self._start_timeout_s = start_timeout_s
        self._resources: Mapping[str, float] = {}
        self._driver: WorkerProcess | None = None
        self._connecting = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._workers: dict[int, _RayWorker] = {}
        self._endings: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """See Executor.aclose; ends the driver too, and a Ray that it has started."""
        await super().aclose()
        async with self._connecting:
            if self._driver is not None:
                driver, self._driver = self._driver, None
                await driver.aclose()
            await asyncio.gather(*self._endings)

    def _threads(self, kind: WorkerKind) -> int:
        return _THREADS

    def _places(self, kind: WorkerKind) -> Sequence[Place]:
        count = int(self._resources.get("CPU", 0)) // len(self._kinds) // _THREADS
        if kind.uses_cuda and self._resources.get("GPU"):
            count = int(self._resources["GPU"])
        return [Place(partial(self._start, kind))] * self._wanted.get(kind.name, max(1, count))

    async def _start(self, kind: WorkerKind, ears: Ears) -> _RayWorker:
        driver = await self._connected()
        worker = _RayWorker(next(self._numbers), driver, ears, forget=self._workers.pop)
        self._workers[worker.number] = worker
        # Kinds share each device: two that wanted one alone would wait for each other for ever.
        sharing = sum(each.uses_cuda for each in self._kinds)
        gpus = 1 / sharing if kind.uses_cuda and self._resources.get("GPU") else 0
        environment = compute_environment(threads=_THREADS, cuda_device="")
        if gpus:
            # Ray says which device it is.
            del environment["CUDA_VISIBLE_DEVICES"]
        if self._new:
            environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
        wanted = {"module": kind.module, "cpus": _THREADS, "gpus": gpus, "environment": environment}
        driver.send(encode_value({"actor": worker.number, "open": wanted}))
        try:
            async with asyncio.timeout(self._start_timeout_s):
                await worker.ready
        except TimeoutError:
            await worker.aclose()
            raise WorkerDied(f"the cluster had no place for it within {self._start_timeout_s:g} s") from None
        except BaseException:
            await worker.aclose()
            raise
        return worker

    async def _connected(self) -> WorkerProcess:
        async with self._connecting:
            if self._driver is None:
                self._driver = await WorkerProcess.start(
                    Ears(self._heard, self._lost),
                    [f"{__package__}.ray_driver", json.dumps(self._options)],
                    environment={"RAY_USAGE_STATS_ENABLED": "0", **(_THIS_MACHINE_ONLY if self._new else {})},
                    timeout_s=self._start_timeout_s,
                )
                for kind in self._kinds:
                    if (lane := self._lanes.get(kind.name)) is not None:
                        lane.extend(self._places(kind))
            return self._driver

    def _heard(self, message: Mapping[str, Any]) -> None:
        if "resources" in message:
            self._resources = message["resources"]
        elif (worker := self._workers.get(message["actor"])) is not None:
            worker.hear(message)

    def _lost(self, reason: str) -> None:
        """The driver has ended, and every worker with it."""
        driver, self._driver = self._driver, None
        if driver is not None:
            ending = asyncio.create_task(driver.aclose())
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
        for worker in list(self._workers.values()):
            worker.hear({"died": f"the driver of Ray ended: {reason}"})


class _RayWorker:
    """One actor, as `Link` has it."""

    def __init__(
        self, number: int, driver: WorkerProcess, ears: Ears, *, forget: Callable[[int, None], object]
    ) -> None:
        self.number = number
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._driver = driver
        self._ears = ears
        self._forget = forget
        self._closed = False

    def hear(self, message: Mapping[str, Any]) -> None:
        if self._closed:
            return
        if "died" not in message:
            self._ears.message(message)
            if not self.ready.done():
                self.ready.set_result(None)
        elif self.ready.done():
            self._closed = True
            self._ears.died(message["died"])
        else:
            self.ready.set_exception(WorkerDied(f"it did not start: {message['died']}"))

    def send(self, request: Encoded) -> None:
        """See Link.send."""
        self._driver.send(Encoded(b'{"actor":%d,%b' % (self.number, request.json[1:]), request.arrays))

    def stop(self, number: int) -> None:
        """See Link.stop."""
        self.send(encode_value({"stop": number}))

    def kill(self) -> None:
        self.send(encode_value({"kill": True}))

    async def aclose(self) -> None:
        self._closed = True
        self._forget(self.number, None)
        self.send(encode_value({"close": True}))
