"""The simulation's inner loop in torch, on whatever device it is given.

It draws from torch's own generator, one for each replicate, begun from the replicate's first key: the same seed gives
the same profits on the same kind of device, for any number of threads, but not those of the other engines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import numpy_kernel
from .random_lanes import Words

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_SIGN_BIT = np.uint32(1 << 31)


class TorchKernel:
    """The functions of `numpy_kernel` on a torch device. Loads torch."""

    def __init__(self, device: str = "cpu") -> None:
        import torch

        self._torch = torch
        self._device = torch.device(device)
        if self._device.type == "cpu":
            # Its generator has a lock and its arrays here are small: replicates side by side use the cores better.
            torch.set_num_threads(1)
        # Apple's devices know no double precision.
        self._real = torch.float32 if self._device.type == "mps" else torch.float64

    def profits(
        self,
        thresholds: NDArray[np.uint32],
        first_step: Counts,
        steps: Floats,
        certain: float,
        keys: Words,
        out: Floats,
    ) -> None:
        total = self._torch.full(out.shape, certain, dtype=self._real, device=self._device)
        for step, paid in self._draws(thresholds, first_step, keys, out.shape[1]):
            total.add_(paid, alpha=float(steps[step]))
        out[:] = total.cpu().numpy()

    def tail_counts(
        self,
        thresholds: NDArray[np.uint32],
        first_step: Counts,
        steps: Floats,
        certain: float,
        keys: Words,
        paths: int,
        cutoff: float,
        tolerance: float,
        counts: Counts,
    ) -> None:
        total = self._torch.full((len(keys), paths), certain, dtype=self._real, device=self._device)
        all_paid = self._torch.empty((steps.size, len(keys), paths), dtype=self._torch.bool, device=self._device)
        for step, paid in self._draws(thresholds, first_step, keys, paths):
            all_paid[step] = paid
            total.add_(paid, alpha=float(steps[step]))
        below = total < cutoff - tolerance
        at = ~below & (total <= cutoff + tolerance)
        for row, chosen in enumerate((below, at)):
            counts[row, :-1] += all_paid[:, chosen].sum(dim=1).cpu().numpy()
            counts[row, -1] += int(chosen.sum())

    def threshold_words(self, places: Floats, table: Floats, slopes: Floats, out: NDArray[np.uint32]) -> None:
        numpy_kernel.threshold_words(places, table, slopes, out)

    def _draws(
        self, thresholds: NDArray[np.uint32], first_step: Counts, keys: Words, paths: int
    ) -> Iterator[tuple[int, Any]]:
        """Each step with the paths on which it is paid, as ones and zeros of shape (strata, paths)."""
        torch = self._torch
        generator = torch.Generator(device=self._device)
        generator.manual_seed(int(keys[0] >> np.uint64(1)))
        # Torch has no comparison of unsigned words: turning the sign bit keeps their order.
        signed = torch.from_numpy((thresholds ^ _SIGN_BIT).view(np.int32)).to(self._device)
        words = torch.empty((len(keys) * paths + 1) // 2, dtype=torch.int64, device=self._device)
        for event in range(first_step.size - 1):
            words.random_(-(2**63), None, generator=generator)
            drawn = words.view(torch.int32)[: len(keys) * paths].view(len(keys), paths)
            for step in range(first_step[event], first_step[event + 1]):
                yield int(step), drawn < signed[:, step, None]
