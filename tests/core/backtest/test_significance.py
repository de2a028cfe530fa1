"""Resampling and deflation against published numbers, closed forms and planted luck."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from polydesk.core.backtest.returns import sharpe_ratio
from polydesk.core.backtest.significance import (
    block_bootstrap,
    deflated_sharpe,
    expected_best_sharpe,
    kurtosis_of,
    overfitting_probability,
    probabilistic_sharpe,
    skewness_of,
)


def test_the_published_example_of_a_deflated_ratio() -> None:
    """Five years of 250 days, a ratio of 2.5 a year, the best of 100 sets whose ratios vary by 1/2 a year, with a
    skewness of -3 and a kurtosis of 10: the authors find a benchmark of 0.1132 a day and a probability of 0.9004."""
    ratio, deviation = 2.5 / math.sqrt(250), math.sqrt(0.5 / 250)
    assert expected_best_sharpe(100, deviation) == pytest.approx(0.1132, abs=1e-4)
    found = deflated_sharpe(ratio, tried=100, deviation=deviation, observations=1250, skewness=-3, kurtosis=10)
    assert found == pytest.approx(0.9004, abs=1e-4)
    # Had the ratio been the best of 46 sets only, the same authors accept it at 95 %.
    few = deflated_sharpe(ratio, tried=46, deviation=deviation, observations=1250, skewness=-3, kurtosis=10)
    assert few == pytest.approx(0.9505, abs=1e-3)


def test_one_set_is_judged_by_the_plain_probability() -> None:
    assert expected_best_sharpe(1, 0.3) == 0
    # 0.1 * sqrt(100) / sqrt(1 + 0.1^2 / 2) = 0.99751; the normal probability of that is 0.84074.
    assert deflated_sharpe(0.1, tried=1, deviation=0.3, observations=101) == pytest.approx(0.84074, abs=1e-5)
    assert probabilistic_sharpe(0.5, 0.5, observations=30) == pytest.approx(0.5)
    assert probabilistic_sharpe(2.0, 0.0, observations=30, skewness=3.0, kurtosis=1.0) == 1.0
    with pytest.raises(ValueError, match="two observations"):
        probabilistic_sharpe(0.5, 0.0, observations=1)


def test_the_best_of_many_lucky_sets_is_what_the_formula_expects() -> None:
    rng = random.Random(5)
    best = [max(rng.gauss(0, 1) for _ in range(50)) for _ in range(4000)]
    assert statistics.fmean(best) == pytest.approx(expected_best_sharpe(50, 1), abs=0.03)


def test_moments() -> None:
    values = [1.0, 1.0, 1.0, 5.0]
    # Mean 2, variance 3: third moment 6 / 3^1.5, fourth 21 / 9.
    assert skewness_of(values) == pytest.approx(6 / 3**1.5)
    assert kurtosis_of(values) == pytest.approx(21 / 9)
    assert (skewness_of([2.0, 2.0]), kurtosis_of([2.0])) == (0.0, 3.0)


def test_the_interval_of_independent_values_is_that_of_the_normal_law() -> None:
    rng = random.Random(3)
    values = [rng.gauss(1, 2) for _ in range(400)]
    found = block_bootstrap(values, statistics.fmean, seed=1, block=1)
    assert found is not None
    half = 1.96 * statistics.pstdev(values) / 20
    centre = statistics.fmean(values)
    assert (found.low, found.high) == pytest.approx((centre - half, centre + half), abs=0.03)
    assert found == block_bootstrap(values, statistics.fmean, seed=1, block=1)


def test_blocks_keep_the_dependence_that_single_values_lose() -> None:
    rng = random.Random(8)
    values = [0.0]
    for _ in range(999):
        values.append(0.9 * values[-1] + rng.gauss(0, 1))
    single = block_bootstrap(values, statistics.fmean, seed=2, block=1, resamples=400)
    blocks = block_bootstrap(values, statistics.fmean, seed=2, block=50, resamples=400)
    assert single is not None and blocks is not None
    assert blocks.high - blocks.low > 2.5 * (single.high - single.low)


def test_too_little_has_no_interval() -> None:
    assert block_bootstrap([1.0], statistics.fmean, seed=1) is None
    assert block_bootstrap([0.1] * 5, sharpe_ratio, seed=1) is None


def test_overfitting_is_likely_among_lucky_sets_and_not_where_one_is_better() -> None:
    rng = random.Random(11)
    noise = [[rng.gauss(0, 1) for _ in range(160)] for _ in range(20)]
    lucky = overfitting_probability(noise)
    assert lucky is not None and lucky > 0.3
    skilled = [*noise[:-1], [rng.gauss(1, 1) for _ in range(160)]]
    assert overfitting_probability(skilled) == 0
    assert overfitting_probability(noise[:1]) is None
    assert overfitting_probability([[0.0] * 8] * 3) is None
    with pytest.raises(ValueError, match="even number"):
        overfitting_probability(noise, blocks=5)
