"""Latent Brownian paths of a book, compiled: 64 paths side by side, normal variates and prices read from tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .numba_kernel import _begin, _draw
from .random_lanes import LANES, Words

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Counts = NDArray[np.int64]

PATHS_AT_ONCE = 2 * LANES

_SIGN, _REST = np.uint32(1 << 31), np.uint32((1 << 31) - 1)
_MANTISSA = np.int32((1 << 17) - 1)
_PART = np.float32(2.0**-17)


@compiled
def walk(
    first_step: Counts,
    boundaries: Singles,
    steps: Floats,
    certain: float,
    start_value: float,
    loadings: Singles,
    own: Singles,
    spreads: Singles,
    sharpness: Singles,
    keys: Words,
    quantiles: Singles,
    quantile_slopes: Singles,
    chances: Singles,
    chance_slopes: Singles,
    farthest: float,
    nodes_per_unit: float,
    profit: Floats,
    drawdown: Floats,
) -> None:
    """Fill `profit` and `drawdown`, whose size is PATHS_AT_ONCE for every two `keys`.

    Value = certain + the sum of steps[j] x P(the event's motion ends below boundaries[j]). `spreads` and `sharpness`,
    of shape (times, events), are how far a motion moves in a step, and 1 / the root of what remains after it; 0 says
    that the event has resolved.
    """
    a, b = np.empty(PATHS_AT_ONCE, np.uint32), np.empty(PATHS_AT_ONCE, np.uint32)
    c, d = np.empty(PATHS_AT_ONCE, np.uint32), np.empty(PATHS_AT_ONCE, np.uint32)
    drawn, single = np.empty(PATHS_AT_ONCE, np.uint32), np.empty(PATHS_AT_ONCE, np.float32)
    bits = single.view(np.int32)
    normal = np.empty(PATHS_AT_ONCE, np.float32)
    value, peak, fall = np.empty(PATHS_AT_ONCE), np.empty(PATHS_AT_ONCE), np.empty(PATHS_AT_ONCE)
    events, factors = loadings.shape
    common = np.empty((factors, PATHS_AT_ONCE), np.float32)
    places = np.empty((events, PATHS_AT_ONCE), np.float32)
    last_node = np.float32(chances.size - 1)
    middle, scale = np.float32(farthest * nodes_per_unit), np.float32(nodes_per_unit)
    for block in range(0, keys.size, 2):
        _begin(keys[block], 0, a, b, c, d)
        _begin(keys[block + 1], LANES, a, b, c, d)
        places[:] = 0.0
        for lane in range(PATHS_AT_ONCE):
            value[lane] = peak[lane] = start_value
            fall[lane] = 0.0
        for time in range(spreads.shape[0]):
            for factor in range(factors):
                _draw(a, b, c, d, drawn)
                _normals(drawn, single, bits, quantiles, quantile_slopes, normal)
                for lane in range(PATHS_AT_ONCE):
                    common[factor, lane] = normal[lane]
            for lane in range(PATHS_AT_ONCE):
                value[lane] = certain
            for event in range(events):
                _draw(a, b, c, d, drawn)
                _normals(drawn, single, bits, quantiles, quantile_slopes, normal)
                alone = own[event]
                for lane in range(PATHS_AT_ONCE):
                    normal[lane] *= alone
                for factor in range(factors):
                    loading = loadings[event, factor]
                    if loading != 0.0:
                        for lane in range(PATHS_AT_ONCE):
                            normal[lane] += loading * common[factor, lane]
                spread, sharp = spreads[time, event], sharpness[time, event]
                for lane in range(PATHS_AT_ONCE):
                    places[event, lane] += spread * normal[lane]
                for step in range(first_step[event], first_step[event + 1]):
                    boundary, dollars = boundaries[step], steps[step]
                    if sharp == 0.0:
                        for lane in range(PATHS_AT_ONCE):
                            value[lane] += dollars if places[event, lane] < boundary else 0.0
                    else:
                        stretch = sharp * scale
                        for lane in range(PATHS_AT_ONCE):
                            node = (boundary - places[event, lane]) * stretch + middle
                            node = min(max(node, np.float32(0.0)), last_node)
                            below = np.int32(node)
                            chance = chances[below] + (node - np.float32(below)) * chance_slopes[below]
                            value[lane] += dollars * chance
            for lane in range(PATHS_AT_ONCE):
                peak[lane] = max(peak[lane], value[lane])
                fall[lane] = max(fall[lane], peak[lane] - value[lane])
        first = block // 2 * PATHS_AT_ONCE
        for lane in range(PATHS_AT_ONCE):
            profit[first + lane] = value[lane]
            drawdown[first + lane] = fall[lane]


@compiled
def _normals(
    drawn: NDArray[np.uint32],
    single: Singles,
    bits: NDArray[np.int32],
    quantiles: Singles,
    slopes: Singles,
    normal: Singles,
) -> None:
    """Standard normal variates: 31 bits give the size, by the bits of their logarithm, and one the sign."""
    for lane in range(PATHS_AT_ONCE):
        single[lane] = np.float32(np.int32(drawn[lane] & _REST) | np.int32(1))
    for lane in range(PATHS_AT_ONCE):
        node = (bits[lane] >> np.int32(17)) - np.int32(127 << 6)
        size = quantiles[node] + np.float32(bits[lane] & _MANTISSA) * _PART * slopes[node]
        normal[lane] = -size if drawn[lane] & _SIGN else size
