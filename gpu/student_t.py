"""Student's t and the chi-square distribution for whole degrees of freedom, whose functions are finite sums.

M. Abramowitz and I. Stegun, Handbook of Mathematical Functions (1964), 26.7.3, 26.7.4, 26.4.4 and 26.4.5.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .normal_distribution import normal_cdf

Floats = NDArray[np.float64]

_HALVINGS = 60


def t_cdf(x: ArrayLike, degrees: int) -> Floats:
    """P(T <= x) for `degrees` degrees of freedom. Absolute error below 1e-14."""
    return _t_cdf_of_angle(np.arctan(np.asarray(x, dtype=np.float64) / math.sqrt(degrees)), degrees)


def t_quantile(p: ArrayLike, degrees: int) -> Floats:
    """The x with P(T <= x) = p, for p strictly between 0 and 1."""
    wanted = np.asarray(p, dtype=np.float64)
    low, high = np.full(wanted.shape, -np.pi / 2), np.full(wanted.shape, np.pi / 2)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = _t_cdf_of_angle(middle, degrees) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    found: Floats = np.tan((low + high) / 2) * math.sqrt(degrees)
    return found


def chi_square_cdf(x: ArrayLike, degrees: int) -> Floats:
    """P(X <= x) for the sum of `degrees` squared standard normals."""
    half = np.asarray(x, dtype=np.float64) / 2
    first = 0.5 if degrees % 2 else 0.0
    total = np.zeros(half.shape)
    for term in range(degrees // 2):
        power = first + term
        total += half**power / math.gamma(power + 1)
    start = 2 * normal_cdf(np.sqrt(2 * half)) - 1 if degrees % 2 else np.ones(half.shape)
    found: Floats = start - np.exp(-half) * total
    return found


def chi_square_quantile(p: ArrayLike, degrees: int) -> Floats:
    """The x with P(X <= x) = p, for p strictly between 0 and 1."""
    wanted = np.asarray(p, dtype=np.float64)
    low, high = np.zeros(wanted.shape), np.full(wanted.shape, degrees + 20 * math.sqrt(degrees) + 60.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = chi_square_cdf(middle, degrees) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)


def _t_cdf_of_angle(angle: Floats, degrees: int) -> Floats:
    """The distribution function at sqrt(degrees) tan(angle)."""
    sine, cosine = np.sin(angle), np.cos(angle)
    total, term = np.zeros(angle.shape), np.ones(angle.shape)
    if degrees % 2:
        term = cosine.copy()
        for power in range(1, degrees - 1, 2):
            total += term
            term = term * cosine**2 * (power + 1) / (power + 2)
        inside = (angle + sine * total) * 2 / np.pi
    else:
        for power in range(0, degrees - 1, 2):
            total += term
            term = term * cosine**2 * (power + 1) / (power + 2)
        inside = sine * total
    found: Floats = (1 + inside) / 2
    return found
