"""Values of the common factors, spread evenly: randomly shifted lattices, one for each replicate of a simulation."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from ..normal_distribution import normal_quantile
from ..student_t import chi_square_quantile

Floats = NDArray[np.float64]

LATTICE_DIMENSIONS = 12
"""Factors beyond these, which explain least, are drawn independently."""
_EDGE = 1e-12


def factor_points(
    *, points: int, factors: int, degrees: int | None, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Factors of shape (points, factors), and for a t copula the mixing variable W / degrees, else ones.

    The points of one call are those of a rank-1 lattice moved by a random shift (R. Cranley and T. Patterson, 1976),
    so that each is uniformly distributed by itself and estimates stay unbiased. `points` is a power of 2.
    """
    dimensions = factors + (degrees is not None)
    if not dimensions:
        return np.zeros((points, 0)), np.ones(points)
    placed = min(dimensions, LATTICE_DIMENSIONS)
    steps = np.outer(np.arange(points), lattice_vector(points, placed)) / points
    uniform = np.empty((points, dimensions))
    uniform[:, :placed] = (steps + generator.random(placed)) % 1.0
    uniform[:, placed:] = generator.random((points, dimensions - placed))
    uniform = np.clip(uniform, _EDGE, 1 - _EDGE)
    if degrees is None:
        return normal_quantile(uniform), np.ones(points)
    # The mixing variable takes the first coordinate: it moves every event's tail at once.
    return normal_quantile(uniform[:, 1:]), chi_square_quantile(uniform[:, 0], degrees) / degrees


@functools.cache
def lattice_vector(points: int, dimensions: int) -> tuple[int, ...]:
    """A generating vector built component by component, each chosen to make the lattice's worst-case error least.

    The error is that of the weighted Korobov space of smoothness 1 with weights 1 / j^2 (J. Dick, F. Kuo and
    I. Sloan, "High-dimensional integration: the quasi-Monte Carlo way", 2013, section 5).
    """
    candidates = np.arange(1, points, 2) if points > 2 else np.array([1])
    multiples = np.outer(candidates, np.arange(points)) % points / points
    kernel = 2 * np.pi**2 * (multiples**2 - multiples + 1 / 6)
    product = np.ones(points)
    chosen = []
    for dimension in range(1, dimensions + 1):
        errors = (1 + kernel / dimension**2) @ product
        # Rounded, so that candidates that mirror each other do not win by the last bit of a sum.
        best = int(np.argmin(np.round(errors / points, 9)))
        chosen.append(int(candidates[best]))
        product = product * (1 + kernel[best] / dimension**2)
    return tuple(chosen)
