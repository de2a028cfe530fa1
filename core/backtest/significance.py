"""Whether a result is more than luck: resampled intervals, and Sharpe ratios deflated for how many were tried."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_NORMAL = statistics.NormalDist()
_EULER_MASCHERONI = 0.5772156649015329
_RESAMPLES = 2_000
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds that hold 95 % of the resampled values."""

    low: float
    high: float


def block_length(observations: int) -> int:
    """The cube root of the number of observations: the rate at which blocks should grow (P. Hall, J. Horowitz and
    B.-Y. Jing, 1995)."""
    return max(1, round(math.cbrt(observations)))


def block_bootstrap(
    values: Sequence[float],
    statistic: Callable[[Sequence[float]], float | None],
    *,
    seed: int,
    block: int | None = None,
    resamples: int = _RESAMPLES,
) -> Interval | None:
    """The interval of a statistic of values in their order, by the circular block bootstrap (D. Politis and J. Romano,
    1992): blocks that wrap around the end are drawn with replacement, so that dependence within a block is kept.

    `block` is `block_length` unless given; 1 resamples independent values. None of fewer than two values, or where the
    statistic is None of most samples.
    """
    count = len(values)
    if count < 2:
        return None
    rng = random.Random(seed)
    length = min(block or block_length(count), count)
    ring = [*values, *values[: length - 1]]
    found: list[float] = []
    for _ in range(resamples):
        sample: list[float] = []
        while len(sample) < count:
            start = rng.randrange(count)
            sample += ring[start : start + length]
        value = statistic(sample[:count])
        if value is not None:
            found.append(value)
    if len(found) <= resamples // 2:
        return None
    return middle_of(found)


def middle_of(values: Sequence[float]) -> Interval:
    """The bounds of the middle 95 % of values."""
    ordered = sorted(values)
    tail = (1 - _CONFIDENCE) / 2
    last = len(ordered) - 1
    return Interval(ordered[round(tail * last)], ordered[round((1 - tail) * last)])


def expected_best_sharpe(tried: int, deviation: float) -> float:
    """The Sharpe ratio that the best of so many sets of parameters is expected to have by luck alone, where the ratios
    of all of them deviate by `deviation` around 0.

    By the formula for the expected maximum of independent normal values in D. Bailey and M. Lopez de Prado, The
    Deflated Sharpe Ratio (2014): deviation * ((1 - g) * Z(1 - 1/N) + g * Z(1 - 1/(N * e))), with g the Euler-Mascheroni
    constant, Z the normal quantile and N sets. 0 for a single set.
    """
    if tried < 2:
        return 0.0
    return deviation * (
        (1 - _EULER_MASCHERONI) * _NORMAL.inv_cdf(1 - 1 / tried)
        + _EULER_MASCHERONI * _NORMAL.inv_cdf(1 - 1 / (tried * math.e))
    )


def probabilistic_sharpe(
    ratio: float, benchmark: float, *, observations: int, skewness: float = 0.0, kurtosis: float = 3.0
) -> float:
    """The probability that the true Sharpe ratio is above a benchmark; both per observation, not per year.

    From D. Bailey and M. Lopez de Prado, The Sharpe Ratio Efficient Frontier (2012): the normal probability of
    (ratio - benchmark) * sqrt(observations - 1) / sqrt(1 - skewness * ratio + (kurtosis - 1) / 4 * ratio^2).
    `kurtosis` is 3 for normal values. Raises ValueError for fewer than two observations.
    """
    if observations < 2:
        raise ValueError(f"a Sharpe ratio needs two observations at least, not {observations}")
    variance = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
    if variance <= 0:
        return 1.0 if ratio > benchmark else 0.0
    return _NORMAL.cdf((ratio - benchmark) * math.sqrt(observations - 1) / math.sqrt(variance))


def deflated_sharpe(
    ratio: float, *, tried: int, deviation: float, observations: int, skewness: float = 0.0, kurtosis: float = 3.0
) -> float:
    """The probability that the best of `tried` sets has a true Sharpe ratio above 0, after the luck of choosing it.

    The probabilistic ratio against `expected_best_sharpe`; `deviation` is that of the ratios of all sets. Ratios are
    per observation (D. Bailey and M. Lopez de Prado, The Deflated Sharpe Ratio, 2014).
    """
    benchmark = expected_best_sharpe(tried, deviation)
    return probabilistic_sharpe(ratio, benchmark, observations=observations, skewness=skewness, kurtosis=kurtosis)


def skewness_of(values: Sequence[float]) -> float:
    """The third standardised moment; 0 of values that do not differ."""
    return _moment(values, 3, otherwise=0.0)


def kurtosis_of(values: Sequence[float]) -> float:
    """The fourth standardised moment, 3 for normal values and for values that do not differ."""
    return _moment(values, 4, otherwise=3.0)


def overfitting_probability(results: Sequence[Sequence[float]], *, blocks: int = 8) -> float | None:
    """How often the set that is best in one half of the time is no better than the median set in the other half.

    `results` holds a row of returns per set, all as long. By combinatorially symmetric cross-validation (D. Bailey,
    J. Borwein, M. Lopez de Prado and J. Zhu, The Probability of Backtest Overfitting, 2015): time is cut into `blocks`
    (an even number), every choice of half of them is the time to choose in, and the rest judges, by Sharpe ratio. None
    of fewer than two sets or two returns a block.
    """
    if blocks < 2 or blocks % 2:
        raise ValueError(f"time is cut into an even number of blocks, not {blocks}")
    length = len(results[0]) // blocks if results else 0
    if len(results) < 2 or length < 2:
        return None
    parts = [[row[at * length : (at + 1) * length] for at in range(blocks)] for row in results]
    below = chosen = 0
    for inside in itertools.combinations(range(blocks), blocks // 2):
        outside = [at for at in range(blocks) if at not in inside]
        best = max(range(len(parts)), key=lambda row: _plain_sharpe(parts[row], inside))
        judged = [_plain_sharpe(row, outside) for row in parts]
        rank = sum(each < judged[best] for each in judged) + 0.5 * (sum(each == judged[best] for each in judged) - 1)
        below += rank <= (len(parts) - 1) / 2
        chosen += 1
    return below / chosen


def _plain_sharpe(parts: Sequence[Sequence[float]], chosen: Sequence[int]) -> float:
    values = [value for at in chosen for value in parts[at]]
    deviation = statistics.pstdev(values)
    return statistics.fmean(values) / deviation if deviation else 0.0


def _moment(values: Sequence[float], power: int, *, otherwise: float) -> float:
    if len(values) < 2:
        return otherwise
    mean, deviation = statistics.fmean(values), statistics.pstdev(values)
    return statistics.fmean(((each - mean) / deviation) ** power for each in values) if deviation else otherwise
