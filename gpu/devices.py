"""Which device this process computes on, and with which number format and attention kernels."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import platform
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Dtype = Literal["bfloat16", "float16", "float32"]
AttentionKernel = Literal["flash", "efficient", "math"]

THREADS_VARIABLE = "OMP_NUM_THREADS"
VISIBLE_DEVICES_VARIABLE = "CUDA_VISIBLE_DEVICES"

_SIGNS_OF_NO_MEMORY = (
    "out of memory",
    "failed to allocate memory",
    "can't allocate memory",
    "cublas_status_alloc_failed",
)


@dataclass(frozen=True, slots=True)
class Device:
    """A CUDA device or the processor.

    `name` is what torch calls it (`cuda:0`, `cpu`), `model` what its maker does, `capability` the CUDA compute
    capability (None for a processor), `features` the processor's instruction sets.
    """

    name: str
    model: str
    capability: tuple[int, int] | None = None
    memory_bytes: int | None = None
    features: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_cuda(self) -> bool:
        return self.capability is not None

    @property
    def dtype(self) -> Dtype:
        """The format of weights and activations.

        bfloat16 needs tensor cores of compute capability 8.0, float16 those of 7.0. On a processor bfloat16 pays
        only with its own instructions (measured: 3.5 times float32 with avx512_bf16).
        """
        if self.capability is not None:
            return "bfloat16" if self.capability >= (8, 0) else "float16" if self.capability >= (7, 0) else "float32"
        return "bfloat16" if self.features & {"avx512_bf16", "amx_bf16"} else "float32"

    @property
    def attention(self) -> tuple[AttentionKernel, ...]:
        """Kernels of scaled dot-product attention that run here, fastest first.

        The flash kernel needs compute capability 8.0, the memory-efficient one 5.0; processors have a flash kernel
        of their own.
        """
        if self.capability is None:
            return ("flash", "math")
        if self.capability >= (8, 0):
            return ("flash", "efficient", "math")
        return ("efficient", "math") if self.capability >= (5, 0) else ("math",)


def this_device(torch: Any = None) -> Device:
    """The device of this process: the first CUDA device it may see, else the processor.

    Workers see one CUDA device or none. torch is imported only where a CUDA device may be there; tests pass
    their own in its place.
    """
    if torch is None and cuda_expected():
        torch = importlib.import_module("torch")
    if torch is None or not torch.cuda.is_available():
        return processor()
    properties = torch.cuda.get_device_properties(0)
    return Device(
        name="cuda:0",
        model=properties.name,
        capability=tuple(torch.cuda.get_device_capability(0)),
        memory_bytes=properties.total_memory,
    )


def processor() -> Device:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return Device(
        name="cpu",
        model=facts.get("model name") or platform.processor() or platform.machine(),
        features=frozenset(facts.get("flags", "").split()),
    )


def cuda_expected() -> bool:
    """Whether this process may see a CUDA device, and has torch to use it; found without loading anything."""
    return os.environ.get(VISIBLE_DEVICES_VARIABLE) != "" and cuda_driver_present() and has_torch()


@functools.cache
def has_torch() -> bool:
    """Whether torch is installed, without importing it."""
    return importlib.util.find_spec("torch") is not None


def cuda_driver_present(proc: Path = Path("/proc/driver/nvidia/gpus")) -> bool:
    """Whether a CUDA device may be there; on Linux the driver's own list decides, elsewhere torch must be asked."""
    return proc.is_dir() if sys.platform == "linux" else sys.platform == "win32"


def threads() -> int:
    """How many threads this process may compute with: what the pool gave it, else every core it may run on."""
    given = os.environ.get(THREADS_VARIABLE, "")
    return int(given) if given.isdecimal() and int(given) > 0 else cores()


def cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device's memory is used up, by torch, ONNX Runtime or Python."""
    if isinstance(error, MemoryError) or any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError | ArithmeticError) and any(sign in text for sign in _SIGNS_OF_NO_MEMORY)


def release_memory() -> None:
    """Give back what torch's allocator keeps of a failed attempt. Does nothing where torch is not loaded."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
