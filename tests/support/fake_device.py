"""A device without hardware: it reports a capability and runs out of memory when a batch is too large."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


class FakeCuda:
    """Takes the place of torch in `this_device`; `run` takes batches of at most `tokens` padded tokens."""

    def __init__(self, *, capability: tuple[int, int] = (8, 0), tokens: int = 1_000, available: bool = True) -> None:
        self.cuda = self
        self._capability = capability
        self._tokens = tokens
        self._available = available
        self.batches: list[list[int]] = []
        self.emptied = 0

    def is_available(self) -> bool:
        return self._available

    def get_device_capability(self, index: int) -> tuple[int, int]:
        return self._capability

    def get_device_properties(self, index: int) -> SimpleNamespace:
        return SimpleNamespace(name="Fake 1000", total_memory=8 << 30)

    def empty_cache(self) -> None:
        self.emptied += 1

    def run(self, lengths: Sequence[int]) -> list[int]:
        """The lengths doubled."""
        if max(lengths) * len(lengths) > self._tokens:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.batches.append(list(lengths))
        return [2 * length for length in lengths]
