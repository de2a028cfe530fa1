"""Correlations of many windows with many queries at once: unfold, centre, multiply."""

from __future__ import annotations

import importlib.util
from typing import Any, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .. import devices

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

WORTH_TORCH = 50_000_000
"""Pairs of windows and queries for which loading torch pays."""

_ROWS = 8192


class Correlator(Protocol):
    """`name` says what computes."""

    name: str

    def correlations(self, values: Floats, queries: Singles) -> Singles:
        """Pearson correlations of shape (queries, windows), in single precision.

        `values` has no gaps; `queries`, of shape (queries, length), are centred and of norm 1. Constant windows get 0.
        """
        ...


class NumpyCorrelator:
    name = "numpy"

    def correlations(self, values: Floats, queries: Singles) -> Singles:
        length = queries.shape[1]
        found = np.empty((len(queries), values.size - length + 1), dtype=np.float32)
        for first in range(0, found.shape[1], _ROWS):
            last = min(first + _ROWS, found.shape[1])
            # Near zero, single precision has digits to spare for the subtraction of means.
            block = values[first : last + length - 1]
            windows = sliding_window_view((block - block.mean()).astype(np.float32), length)
            centred = windows - windows.mean(axis=1, keepdims=True)
            norms = np.sqrt(np.einsum("ij,ij->i", centred, centred))
            inverse = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
            np.matmul(queries, centred.T, out=found[:, first:last])
            found[:, first:last] *= inverse
        return found


class TorchCorrelator:
    """On a torch device. Loads torch. Windows go in blocks of `rows`, halved for good whenever memory runs out."""

    def __init__(self, device: str = "cpu", *, rows: int = _ROWS) -> None:
        import torch

        self._torch = torch
        self._device = torch.device(device)
        self.rows = rows
        self.name = "torch" if device == "cpu" else f"torch on {device}"

    def correlations(self, values: Floats, queries: Singles) -> Singles:
        found = np.empty((len(queries), values.size - queries.shape[1] + 1), dtype=np.float32)
        first = 0
        while first < found.shape[1]:
            last = min(first + self.rows, found.shape[1])
            try:
                found[:, first:last] = self._block(values[first : last + queries.shape[1] - 1], queries)
            except Exception as error:
                if self.rows == 1 or not devices.is_out_of_memory(error):
                    raise
                self.rows //= 2
            else:
                first = last
                continue
            # Outside of the handler, whose error holds the tensors of the failed attempt.
            devices.release_memory()
        return found

    def _block(self, values: Floats, queries: Singles) -> Any:
        torch = self._torch
        with torch.inference_mode():
            wanted = torch.from_numpy(np.ascontiguousarray(queries)).to(self._device)
            near_zero = torch.from_numpy((values - values.mean()).astype(np.float32)).to(self._device)
            windows = near_zero.unfold(0, queries.shape[1], 1)
            centred = windows - windows.mean(dim=1, keepdim=True)
            norms = centred.norm(dim=1)
            inverse = torch.where(norms > 0, 1 / norms, torch.zeros_like(norms))
            return ((wanted @ centred.T) * inverse).cpu().numpy()


def choose_correlator(wanted: str, *, device: str | None, pairs: int) -> Correlator:
    """`auto` takes torch where it is installed and the work is worth loading it. Raises ValueError.

    torch computes on `device`, or if none is named on the one this process has.
    """
    if wanted not in ("auto", "torch", "numpy"):
        raise ValueError(f"an engine is auto, torch or numpy, not {wanted!r}")
    installed = importlib.util.find_spec("torch") is not None
    if wanted == "torch" and not installed:
        raise ValueError("torch is not installed: it comes with the extra `gpu`")
    if wanted == "torch" or (wanted == "auto" and installed and pairs >= WORTH_TORCH):
        return TorchCorrelator(device or devices.this_device().name)
    return NumpyCorrelator()


def normalised(windows: Floats) -> Floats:
    """Rows centred and of norm 1; rows that are constant become 0."""
    centred = windows - windows.mean(axis=-1, keepdims=True)
    norms = np.linalg.norm(centred, axis=-1, keepdims=True)
    return np.asarray(np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0))
