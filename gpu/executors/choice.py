"""The executor that a setting names."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence

from .. import devices
from ..worker_kinds import KINDS, WorkerKind
from .executor import LaneExecutor
from .process_pool import ProcessPool, cuda_devices


class NoDevice(Exception):
    """A device was asked for that this machine, or this installation, does not have. The text says which and why."""


def choose_executor(
    compute: str, *, kinds: Sequence[WorkerKind] = KINDS, workers: Mapping[str, int] | None = None
) -> LaneExecutor:
    """`auto` (CUDA where there is a device and torch, else the processor), `cpu`, `cuda`, `inline`, `ray` or
    `ray://HOST:PORT`.

    `workers` says how many a kind has where that is not left to the place. Starts nothing. Raises NoDevice for what is
    not here: `cuda` needs a device and torch, `ray` the package.
    """
    if compute == "inline":
        from .inline import InlineExecutor

        return InlineExecutor(kinds)
    if compute == "ray" or compute.startswith("ray://"):
        if importlib.util.find_spec("ray") is None:
            raise NoDevice("ray is not installed: pip install 'polydesk[cluster]'")
        from .ray_cluster import RayExecutor

        return RayExecutor(kinds, address=None if compute == "ray" else compute, workers=workers)
    found = () if compute == "cpu" or not devices.has_torch() else cuda_devices()
    if compute == "cuda" and not found:
        raise NoDevice(
            "no CUDA device is visible to this process"
            if devices.has_torch()
            else "torch is not installed: pip install 'polydesk[gpu]'"
        )
    return ProcessPool(kinds, cuda_devices=found, workers=workers)
