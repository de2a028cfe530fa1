"""Worker processes on this machine: one for each CUDA device where a kind uses them, else on the processor."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from .. import devices
from ..worker_kinds import KINDS, WorkerKind
from .executor import LaneExecutor
from .lane import Ears, Opener, Place
from .worker_process import WorkerProcess, compute_environment

_DRIVER_DEVICES = Path("/proc/driver/nvidia/gpus")


class ProcessPool(LaneExecutor):
    """Runs tasks in processes, each started when it is first needed.

    A worker of the processor computes with its share of the `cores`, so that all of them together have each core
    once. `workers` says how many a kind has there (one unless told otherwise); a kind that uses CUDA has one per
    device of `cuda_devices` instead, and continues on the processor if that one fails again and again.
    """

    backend = "processes"

    def __init__(
        self,
        kinds: Sequence[WorkerKind] = KINDS,
        *,
        cuda_devices: Sequence[str] = (),
        workers: Mapping[str, int] | None = None,
        cores: int | None = None,
        stop_grace_s: float = 1.0,
        start_timeout_s: float = 60.0,
    ) -> None:
        super().__init__(kinds, stop_grace_s=stop_grace_s)
        self._cuda_devices = tuple(cuda_devices)
        self._workers = workers or {}
        self._cores = cores or devices.cores()
        self._start_timeout_s = start_timeout_s

    def _threads(self, kind: WorkerKind) -> int:
        return max(1, self._cores // sum(len(self._places(each)) for each in self._kinds))

    def _places(self, kind: WorkerKind) -> Sequence[Place]:
        on_processor = self._opener(kind, "")
        if kind.uses_cuda and self._cuda_devices:
            return [
                Place(self._opener(kind, device), fallback=on_processor, fallback_reason=f"CUDA device {device} failed")
                for device in self._cuda_devices
            ]
        return [Place(on_processor)] * self._workers.get(kind.name, 1)

    def _opener(self, kind: WorkerKind, cuda_device: str) -> Opener:
        return partial(self._start, kind, cuda_device)

    async def _start(self, kind: WorkerKind, cuda_device: str, ears: Ears) -> WorkerProcess:
        return await WorkerProcess.start(
            ears,
            [f"{__package__}.worker", kind.module],
            environment=compute_environment(threads=self._threads(kind), cuda_device=cuda_device),
            timeout_s=self._start_timeout_s,
        )


def cuda_devices(listing: Path = _DRIVER_DEVICES) -> tuple[str, ...]:
    """The CUDA devices that this process may use, as CUDA_VISIBLE_DEVICES names them; found without loading CUDA."""
    allowed = os.environ.get(devices.VISIBLE_DEVICES_VARIABLE)
    if allowed is not None:
        return tuple(part.strip() for part in allowed.split(",") if part.strip() and part.strip() != "-1")
    return tuple(str(number) for number in range(len(list(listing.iterdir())))) if listing.is_dir() else ()
