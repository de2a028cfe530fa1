"""Statistics of simulated profits and losses, each with its Monte Carlo standard error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Estimate = dict[str, float]

SMALLEST_LOSS = 5e-7
"""Dollars: half a base unit. What is nearer to zero is rounding of floats and no loss."""


def estimate(value: float, standard_error: float) -> Estimate:
    return {"value": float(value), "standard_error": float(standard_error)}


def mean(samples: Floats) -> Estimate:
    return estimate(samples.mean(), samples.std() / math.sqrt(samples.size))


def standard_deviation(samples: Floats) -> Estimate:
    """Standard error by the delta method from the fourth central moment."""
    deviations = samples - samples.mean()
    variance = float(np.mean(deviations**2))
    if variance == 0:
        return estimate(0.0, 0.0)
    fourth = float(np.mean(deviations**4))
    error = math.sqrt(max(fourth - variance**2, 0.0) / samples.size) / (2 * math.sqrt(variance))
    return estimate(math.sqrt(variance), error)


def share(hits: int, of: int) -> Estimate:
    """A probability from a count."""
    fraction = hits / of
    return estimate(fraction, math.sqrt(fraction * (1 - fraction) / of))


def quantile(ordered: Floats, q: float) -> Estimate:
    """The q-quantile of ascending samples: the least one with at least a fraction q at or below it.

    The standard error is half the distance between the order statistics one binomial standard deviation away
    on either side, which needs no density and so holds for discrete distributions.
    """
    size = ordered.size
    spread = math.sqrt(size * q * (1 - q))
    low, high = (_order_statistic(ordered, q * size + step) for step in (-spread, spread))
    return estimate(_order_statistic(ordered, q * size), (high - low) / 2)


def tail_losses(ordered: Floats, levels: Sequence[float]) -> list[dict[str, Any]]:
    """Value at risk and conditional value at risk of ascending profits, as losses: positive means money lost.

    CVaR is the mean of the worst 1 - level of outcomes: VaR + E[(loss - VaR)+] / (1 - level) (R. T. Rockafellar
    and S. Uryasev, "Optimization of conditional value-at-risk", 2000), which counts an atom at VaR in part.
    """
    losses = -ordered[::-1]
    tails = []
    for level in levels:
        at_risk = quantile(losses, level)
        excess = np.maximum(losses - at_risk["value"], 0.0) / (1 - level)
        conditional = mean(excess)
        tails.append(
            {
                "level": level,
                "value_at_risk": at_risk,
                "conditional_value_at_risk": estimate(
                    at_risk["value"] + conditional["value"], conditional["standard_error"]
                ),
            }
        )
    return tails


def _order_statistic(ordered: Floats, rank: float) -> float:
    # Ranks such as 0.95 * 20 come out a hair above the whole number.
    index = math.ceil(rank - 1e-9) - 1
    return float(ordered[min(max(index, 0), ordered.size - 1)])
