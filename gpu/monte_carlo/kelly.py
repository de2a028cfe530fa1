"""How much to bet: stakes that maximise the expected logarithm of wealth.

J. L. Kelly, "A new interpretation of information rate" (1956). Mutually exclusive outcomes: P. Smoczynski and
D. Tomkins, "An explicit solution to the problem of optimizing the allocations of a bettor's wealth when wagering on
horse races", Mathematical Scientist 35 (2010). All stakes are fractions of wealth, all prices dollars per share that
pays a dollar, with fees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDS = 200
_CLOSE = 1e-12
_LEAST_WEALTH = 1e-9
_LARGEST_STAKE_IN_ALL = 1 - 1e-6


def single_stake(probability: float, price: float) -> float:
    """(q - c) / (1 - c) for shares at `price` c that pay with chance q; 0 where there is no edge."""
    if price >= 1:
        return 0.0
    return max(0.0, (probability - price) / (1 - price))


def growth_rate(probability: float, price: float, stake: float) -> float:
    """Expected logarithm of wealth after staking a fraction on one outcome."""
    return float(
        probability * np.log1p(stake * (1 - price) / price) + (1 - probability) * np.log1p(-stake)
        if stake < 1
        else -np.inf
    )


def exclusive_stakes(probabilities: Sequence[float], prices: Sequence[float]) -> list[float]:
    """Stakes on outcomes of which at most one happens.

    Outcomes are taken in falling order of q / c as long as that exceeds the reserve rate, the wealth kept per dollar
    of chance not covered: R = (1 - sum of q) / (1 - sum of c) over those taken. Each taken outcome gets q - R c.
    Where all outcomes together cost less than the dollar that one of them pays, all wealth is bet: q on each.
    """
    order = sorted(range(len(prices)), key=lambda index: -probabilities[index] / prices[index])
    taken: list[int] = []
    chance, cost, reserve = 0.0, 0.0, 1.0
    for index in order:
        if probabilities[index] / prices[index] <= reserve * (1 + _CLOSE):
            break
        taken.append(index)
        chance += probabilities[index]
        cost += prices[index]
        if cost >= 1 - _CLOSE:
            # What is left has no price below its worth: keep to those taken before.
            taken.pop()
            break
        reserve = max(0.0, (1 - chance) / (1 - cost))
    stakes = [0.0] * len(prices)
    for index in taken:
        stakes[index] = probabilities[index] - reserve * prices[index]
    return stakes


@dataclass(frozen=True, slots=True)
class Scenarios:
    """What one dollar's worth of each bet returns, of shape (scenarios, bets), and how likely each scenario is."""

    returns: Floats
    weights: Floats


def simultaneous_stakes(scenarios: Scenarios, *, most_in_all: float = _LARGEST_STAKE_IN_ALL) -> Floats:
    """Stakes of 0 or more, `most_in_all` together at most, that maximise the weighted mean of log wealth.

    The problem is concave. Active-set Newton steps on the bets whose stake is positive or wants to be, with a line
    search that keeps every scenario's wealth positive (D. Bertsekas, "Projected Newton methods for optimization
    problems with simple constraints", 1982); the bound on the sum enters through a logarithmic barrier.
    """
    bets = scenarios.returns.shape[1]
    excess = scenarios.returns - 1
    stakes = np.zeros(bets)
    for barrier in (1e-2, 1e-4, 1e-6, 1e-9):
        stakes = _ascend(excess, scenarios.weights, stakes, most_in_all, barrier)
    return np.where(stakes < 1e-7, 0.0, stakes)


def mean_log_wealth(scenarios: Scenarios, stakes: Floats) -> float:
    """Growth per round of such bets."""
    return float(scenarios.weights @ np.log(1 + (scenarios.returns - 1) @ stakes))


def _ascend(excess: Floats, weights: Floats, stakes: Floats, most: float, barrier: float) -> Floats:
    value = _objective(excess, weights, stakes, most, barrier)
    for _ in range(_ROUNDS):
        wealth = 1 + excess @ stakes
        slack = most - stakes.sum()
        gradient = (weights / wealth) @ excess - barrier / slack
        active = (stakes > 0) | (gradient > 0)
        if not active.any() or np.max(np.abs(np.where(stakes > 0, gradient, np.maximum(gradient, 0.0)))) < 1e-10:
            break
        scaled = excess[:, active] * (np.sqrt(weights) / wealth)[:, None]
        curvature = scaled.T @ scaled + barrier / slack**2
        curvature[np.diag_indices_from(curvature)] += 1e-12 * max(1.0, float(curvature.max()))
        direction = np.zeros_like(stakes)
        direction[active] = np.linalg.solve(curvature, gradient[active])
        length = 1.0
        while length > 1e-12:
            tried = np.maximum(stakes + length * direction, 0.0)
            new_value = _objective(excess, weights, tried, most, barrier)
            if new_value > value:
                break
            length /= 2
        else:
            break
        gained, stakes, value = new_value - value, tried, new_value
        if gained < 1e-15:
            break
    return stakes


def _objective(excess: Floats, weights: Floats, stakes: Floats, most: float, barrier: float) -> float:
    wealth = 1 + excess @ stakes
    slack = most - stakes.sum()
    if slack <= 0 or wealth.min() <= _LEAST_WEALTH:
        return -np.inf
    return float(weights @ np.log(wealth) + barrier * np.log(slack))


def shrunk_fraction(probability: float, price: float, standard_error: float) -> float:
    """The part of the Kelly stake to bet where the probability is an estimate: edge^2 / (edge^2 + error^2).

    The mean-variance optimal shrinkage of an estimated edge (R. Baker and I. McHale, "Optimal betting under parameter
    uncertainty: improving the Kelly criterion", Decision Analysis 10, 2013, in the approximation for small stakes).
    """
    edge = probability - price
    if edge <= 0:
        return 0.0
    return edge**2 / (edge**2 + standard_error**2)
