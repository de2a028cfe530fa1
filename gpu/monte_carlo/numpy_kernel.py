"""The simulation's inner loop in numpy: the same draws as the compiled one, and so the same profits to the bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .random_lanes import LANES, Lanes, Words

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_STRATA_AT_ONCE = 512
"""Arrays of 16,384 words stay in the processor's second cache."""


def profits(
    thresholds: NDArray[np.uint32],
    first_step: Counts,
    steps: Floats,
    certain: float,
    keys: Words,
    out: Floats,
) -> None:
    """Fill `out`, of shape (strata, paths in each), with profits in dollars.

    `thresholds` has shape (strata, steps): step j is paid where the draw of its event is below it.
    """
    for first in range(0, len(keys), _STRATA_AT_ONCE):
        group = slice(first, first + _STRATA_AT_ONCE)
        lanes = Lanes(keys[group])
        for start in range(0, out.shape[1], LANES):
            total = np.full((len(keys[group]), LANES), certain)
            for event in range(first_step.size - 1):
                drawn = lanes.draw()
                for step in range(first_step[event], first_step[event + 1]):
                    total += (drawn < thresholds[group, step, None]) * steps[step]
            columns = out[group, start : start + LANES]
            columns[:] = total[:, : columns.shape[1]]


def tail_counts(
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
    """Draw the same paths again and count, among those near or below `cutoff`, how often each step was paid.

    `counts` has shape (2, steps + 1): the first row is for paths that end below the cutoff by more than `tolerance`,
    the second for those at it; the last column counts the paths themselves.
    """
    for first in range(0, len(keys), _STRATA_AT_ONCE):
        group = slice(first, first + _STRATA_AT_ONCE)
        lanes = Lanes(keys[group])
        for start in range(0, paths, LANES):
            total = np.full((len(keys[group]), LANES), certain)
            paid = np.empty((steps.size, *total.shape), dtype=np.bool_)
            for event in range(first_step.size - 1):
                drawn = lanes.draw()
                for step in range(first_step[event], first_step[event + 1]):
                    np.less(drawn, thresholds[group, step, None], out=paid[step])
                    total += paid[step] * steps[step]
            width = min(LANES, paths - start)
            below = total[:, :width] < cutoff - tolerance
            at = ~below & (total[:, :width] <= cutoff + tolerance)
            for row, chosen in enumerate((below, at)):
                counts[row, :-1] += np.count_nonzero(paid[:, :, :width][:, chosen], axis=1)
                counts[row, -1] += np.count_nonzero(chosen)


def threshold_words(places: Floats, table: Floats, slopes: Floats, out: NDArray[np.uint32]) -> None:
    """Fill `out` with a table's values, straight between its nodes; `places` count nodes and are cut to the table."""
    cut = np.clip(places, 0.0, table.size - 1.0)
    node = cut.astype(np.int64)
    out[:] = (table[node] + (cut - node) * slopes[node]).astype(np.int64)
