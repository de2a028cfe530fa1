"""Which library runs the inner loop: torch on CUDA for much work, else compiled code, else torch, else numpy."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .. import devices
from ..compiled import numba_installed

Floats = NDArray[np.float64]
ENGINES = ("auto", "numba", "torch", "numpy")

WORTH_CUDA = 200_000_000
"""Draws, of all paths and events together, for which a device is taken by itself: compiled code on a processor needs a
fifth of a second for them, and a device that long to begin. Reckoned, not measured on CUDA."""


class Kernel(Protocol):
    """`numpy_kernel` says what the functions do."""

    def profits(
        self, thresholds: Any, first_step: Any, steps: Floats, certain: float, keys: Any, out: Floats
    ) -> None: ...

    def tail_counts(
        self,
        thresholds: Any,
        first_step: Any,
        steps: Floats,
        certain: float,
        keys: Any,
        paths: int,
        cutoff: float,
        tolerance: float,
        counts: Any,
    ) -> None: ...

    def threshold_words(self, places: Floats, table: Floats, slopes: Floats, out: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """`threads` replicates may run at once; 1 on a `device` that takes one after the other."""

    name: str
    kernel: Kernel
    threads: int
    device: str = "cpu"


def choose_engine(wanted: str = "auto", *, device: str | None = None, draws: int = 0) -> Engine:
    """The engine of that name, or for "auto" the fastest one here for so many `draws`. Raises ValueError.

    torch computes on `device`, or if none is named on the one this process has. It is taken by itself for a device
    that was named, where the work is worth CUDA, and where numba is missing: on a processor it is slower, and slow to
    load.
    """
    if wanted not in ENGINES:
        raise ValueError(f"an engine is one of {', '.join(ENGINES)}, not {wanted!r}")
    if wanted == "torch" and device is None:
        device = devices.this_device().name
    if wanted == "auto" and device is None and draws >= WORTH_CUDA and devices.cuda_expected():
        device = devices.this_device().name
    on_processor = device in (None, "cpu")
    if wanted == "auto":
        wanted = fastest_engine() if on_processor else "torch"
    if wanted == "numba":
        if not numba_installed():
            raise ValueError("numba is not installed: it comes with the extra `compute`")
        from . import numba_kernel

        return Engine("numba", numba_kernel, available_threads())
    if wanted == "torch":
        if not _installed("torch"):
            raise ValueError("torch is not installed: it comes with the extra `gpu`")
        from .torch_kernel import TorchKernel

        if device is None or on_processor:
            return Engine("torch", TorchKernel("cpu"), available_threads())
        return Engine(f"torch on {device}", TorchKernel(device), 1, device)
    from . import numpy_kernel

    return Engine("numpy", numpy_kernel, available_threads())


def fastest_engine() -> str:
    """What "auto" stands for here; found without loading it."""
    return "numba" if numba_installed() else "torch" if _installed("torch") else "numpy"


def available_threads() -> int:
    """Threads this process may use: what its pool has told the libraries, else one for each core."""
    return max(1, int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
