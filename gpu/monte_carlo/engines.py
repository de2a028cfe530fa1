"""Which library runs the inner loop: compiled code where numba is installed, else torch, else numpy."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..compiled import numba_installed

Floats = NDArray[np.float64]
ENGINES = ("auto", "numba", "torch", "numpy")


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
    """`threads` replicates may run at once; 1 on a device that takes one after the other."""

    name: str
    kernel: Kernel
    threads: int


def choose_engine(wanted: str = "auto", *, device: str = "cpu") -> Engine:
    """The engine of that name, or for "auto" the fastest one installed. Raises ValueError.

    torch is taken by itself only where numba is missing: it is slower on a processor, and slow to load.
    """
    if wanted not in ENGINES:
        raise ValueError(f"an engine is one of {', '.join(ENGINES)}, not {wanted!r}")
    if wanted == "auto":
        wanted = fastest_engine()
    if wanted == "numba":
        if not numba_installed():
            raise ValueError("numba is not installed: it comes with the extra `compute`")
        from . import numba_kernel

        return Engine("numba", numba_kernel, available_threads())
    if wanted == "torch":
        if not _installed("torch"):
            raise ValueError("torch is not installed: it comes with the extra `gpu`")
        from .torch_kernel import TorchKernel

        on_processor = device == "cpu"
        return Engine(
            "torch" if on_processor else f"torch on {device}",
            TorchKernel(device),
            available_threads() if on_processor else 1,
        )
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
