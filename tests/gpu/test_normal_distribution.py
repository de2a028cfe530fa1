"""Phi and its inverse against the standard library's scalar versions."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from polydesk.gpu.normal_distribution import normal_cdf, normal_quantile


def test_the_distribution_function_agrees_with_erfc_everywhere() -> None:
    points = np.linspace(-39, 39, 20_001)
    exact = np.array([math.erfc(-x / math.sqrt(2)) / 2 for x in points])
    assert np.max(np.abs(normal_cdf(points) - exact)) < 1e-15
    tail = points < -8
    assert np.allclose(normal_cdf(points)[tail & (exact > 1e-300)], exact[tail & (exact > 1e-300)], rtol=1e-8, atol=0)


def test_the_quantile_agrees_with_the_standard_library_and_inverts_the_distribution() -> None:
    probabilities = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 20_001), 10.0 ** -np.arange(1, 300)])
    exact = np.array([NormalDist().inv_cdf(p) for p in probabilities])
    assert np.allclose(normal_quantile(probabilities), exact, rtol=1e-14, atol=1e-15)
    assert np.allclose(normal_cdf(normal_quantile(probabilities)), probabilities, rtol=1e-7, atol=1e-15)


def test_certainty_lies_at_infinity() -> None:
    assert normal_quantile([0.0, 0.5, 1.0]).tolist() == [-math.inf, 0.0, math.inf]


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan])
def test_what_is_no_probability_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        normal_quantile([0.5, bad])
