"""The simulation's inner loop, compiled: two strata side by side, no array but the profits ever leaves the cache.

Two, because the next word of a lane hangs on the one before: with 64 lanes the processor always has another to work on.

Importing this module compiles nothing; the first call does, or reads what an earlier process compiled.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .random_lanes import FIRST_MULTIPLIER, GOLDEN, LANES, SECOND_MULTIPLIER, Words

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Words32 = NDArray[np.uint32]

_BOTH = 2 * LANES

_GOLDEN, _FIRST, _SECOND = np.uint64(GOLDEN), np.uint64(FIRST_MULTIPLIER), np.uint64(SECOND_MULTIPLIER)
_S27, _S30, _S31, _S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_L7, _L9, _L11, _R21, _R25 = np.uint32(7), np.uint32(9), np.uint32(11), np.uint32(21), np.uint32(25)


@compiled
def _mixed(x: np.uint64) -> np.uint64:
    x = (x ^ (x >> _S30)) * _FIRST
    x = (x ^ (x >> _S27)) * _SECOND
    return x ^ (x >> _S31)


@compiled
def _begin(key: np.uint64, first: int, a: Words32, b: Words32, c: Words32, d: Words32) -> None:
    for lane in range(first, first + LANES):
        key += _GOLDEN
        word = _mixed(key)
        a[lane] = np.uint32(word & np.uint64(0xFFFFFFFF))
        b[lane] = np.uint32(word >> _S32)
        key += _GOLDEN
        word = _mixed(key)
        c[lane] = np.uint32(word & np.uint64(0xFFFFFFFF))
        d[lane] = np.uint32(word >> _S32)


@partial(compiled, inline=True)
def _draw(a: Words32, b: Words32, c: Words32, d: Words32, drawn: Words32) -> None:
    for lane in range(_BOTH):
        w, x, y, z = a[lane], b[lane], c[lane], d[lane]
        total = np.uint32(w + z)
        drawn[lane] = np.uint32(np.uint32(np.uint32(total << _L7) | np.uint32(total >> _R25)) + w)
        y ^= w
        z ^= x
        a[lane] = w ^ z
        b[lane] = x ^ y
        c[lane] = y ^ np.uint32(x << _L9)
        d[lane] = np.uint32(np.uint32(z << _L11) | np.uint32(z >> _R21))


@compiled
def profits(
    thresholds: NDArray[np.uint32],
    first_step: Counts,
    steps: Floats,
    certain: float,
    keys: Words,
    out: Floats,
) -> None:
    """As `numpy_kernel.profits`."""
    a, b = np.zeros(_BOTH, np.uint32), np.zeros(_BOTH, np.uint32)
    c, d = np.zeros(_BOTH, np.uint32), np.zeros(_BOTH, np.uint32)
    drawn, total = np.empty(_BOTH, np.uint32), np.empty(_BOTH, np.float64)
    for pair in range(0, keys.size, 2):
        # A last stratum without a partner is its own.
        other = min(pair + 1, keys.size - 1)
        _begin(keys[pair], 0, a, b, c, d)
        _begin(keys[other], LANES, a, b, c, d)
        for start in range(0, out.shape[1], LANES):
            for lane in range(_BOTH):
                total[lane] = certain
            for event in range(first_step.size - 1):
                _draw(a, b, c, d, drawn)
                for step in range(first_step[event], first_step[event + 1]):
                    dollars = steps[step]
                    one, two = thresholds[pair, step], thresholds[other, step]
                    # One loop for both strata: a loop of LANES is unrolled before it can become vector instructions.
                    for lane in range(_BOTH):
                        below = one if lane < LANES else two
                        total[lane] += dollars if drawn[lane] < below else 0.0
            for lane in range(min(LANES, out.shape[1] - start)):
                out[pair, start + lane] = total[lane]
                out[other, start + lane] = total[LANES + lane]


@compiled
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
    """As `numpy_kernel.tail_counts`."""
    a, b = np.zeros(_BOTH, np.uint32), np.zeros(_BOTH, np.uint32)
    c, d = np.zeros(_BOTH, np.uint32), np.zeros(_BOTH, np.uint32)
    drawn, total = np.empty(_BOTH, np.uint32), np.empty(_BOTH, np.float64)
    paid = np.empty((steps.size, _BOTH), np.bool_)
    for pair in range(0, keys.size, 2):
        # A last stratum without a partner is its own.
        other = min(pair + 1, keys.size - 1)
        _begin(keys[pair], 0, a, b, c, d)
        _begin(keys[other], LANES, a, b, c, d)
        for start in range(0, paths, LANES):
            for lane in range(_BOTH):
                total[lane] = certain
            for event in range(first_step.size - 1):
                _draw(a, b, c, d, drawn)
                for step in range(first_step[event], first_step[event + 1]):
                    dollars = steps[step]
                    one, two = thresholds[pair, step], thresholds[other, step]
                    for lane in range(_BOTH):
                        below = one if lane < LANES else two
                        paid[step, lane] = drawn[lane] < below
                        total[lane] += dollars if drawn[lane] < below else 0.0
            for half in range(other - pair + 1):
                for lane in range(half * LANES, half * LANES + min(LANES, paths - start)):
                    if total[lane] <= cutoff + tolerance:
                        row = 0 if total[lane] < cutoff - tolerance else 1
                        counts[row, steps.size] += 1
                        for step in range(steps.size):
                            if paid[step, lane]:
                                counts[row, step] += 1


@compiled
def threshold_words(places: Floats, table: Floats, slopes: Floats, out: Words32) -> None:
    """As `thresholds.threshold_words` of numpy."""
    for row in range(places.shape[0]):
        for column in range(places.shape[1]):
            place = min(max(places[row, column], 0.0), table.size - 1.0)
            node = np.int64(place)
            out[row, column] = np.uint32(np.int64(table[node] + (place - node) * slopes[node]))
