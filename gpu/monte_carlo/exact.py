"""The whole distribution of a book's profit without simulation, where each event hangs on one factor at most.

Given the factors all events are independent, and the profit's characteristic function is the product of theirs on
a lattice of dollars; Gauss-Hermite quadrature takes the mean over each factor, and a Fourier transform gives the
probabilities (the conditional independence of one-factor credit portfolios: P. Glasserman, Monte Carlo Methods in
Financial Engineering, 2003, section 9.4; J.-P. Laurent and J. Gregory, "Basket default swaps, CDOs and factor copulas",
2005, have the transform).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .book import Staircases
from .copula import Copula
from .sample_estimates import SMALLEST_LOSS, Estimate, estimate
from .simulation import conditional_chances

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

NODES = 96
LARGEST_LATTICE = 1 << 17
STRONGEST_LOADING = 0.9
"""Beyond it the integrand is too steep for the nodes."""
_FINEST = 1e-6
_NO_CHANCE = 1e-15
_HAIR = 1e-9
"""Dollars by which profits on the lattice may be off for want of digits."""


@dataclass(frozen=True, slots=True)
class PayoutLattice:
    """Dollars by interval of each drawn event's staircase, as whole multiples of `quantum` above the event's least.

    `size` points hold every sum; `base` is the profit at the first. `rounding` bounds the error in dollars of putting
    payouts on the lattice, 0 where they lie on it.
    """

    multiples: tuple[NDArray[np.int64], ...]
    base: float
    quantum: float
    size: int
    rounding: float

    @classmethod
    def of(cls, stairs: Staircases) -> PayoutLattice:
        payouts = interval_payouts(stairs)
        base = stairs.certain + math.fsum(float(paid.min()) for paid in payouts)
        above = [paid - paid.min() for paid in payouts]
        span = math.fsum(float(paid.max()) for paid in above)
        flat = np.concatenate([*above, np.zeros(1)])
        quantum, rounding = _common_unit(flat), 0.0
        if quantum is None or span / quantum >= LARGEST_LATTICE:
            quantum = span / (LARGEST_LATTICE // 2)
            rounding = len(above) * quantum / 2
        multiples = tuple(np.rint(paid / quantum).astype(np.int64) for paid in above)
        size = sum(int(paid.max()) for paid in multiples) + 1
        return cls(multiples, base, quantum, size, rounding)


def interval_payouts(stairs: Staircases) -> list[Floats]:
    """Dollars beyond `certain` for each interval between the steps of each drawn event, lowest draws first."""
    payouts = []
    for event in range(stairs.drawn.size):
        steps = stairs.steps[stairs.first_step[event] : stairs.first_step[event + 1]]
        payouts.append(np.append(np.cumsum(steps[::-1])[::-1], 0.0))
    return payouts


def exact_factors(stairs: Staircases, copula: Copula) -> list[int | None] | None:
    """The factor of each drawn event, None for an independent one; or None where this method does not apply."""
    if copula.degrees is not None and copula.correlated[stairs.drawn].any():
        return None
    factors: list[int | None] = []
    for event in stairs.drawn:
        (used,) = np.nonzero(copula.loadings[event])
        if used.size > 1 or np.any(np.abs(copula.loadings[event]) > STRONGEST_LOADING):
            return None
        factors.append(int(used[0]) if used.size else None)
    return factors


@dataclass(frozen=True, slots=True)
class ExactDistribution:
    """P(profit = base + k quantum) for every k, in `chances`."""

    lattice: PayoutLattice
    chances: Floats

    @property
    def profits(self) -> Floats:
        return self.lattice.base + self.lattice.quantum * np.arange(self.chances.size, dtype=np.float64)

    def mean(self) -> Estimate:
        return estimate(float(self.chances @ self.profits), 0.0)

    def standard_deviation(self) -> Estimate:
        centred = self.profits - self.mean()["value"]
        return estimate(math.sqrt(float(self.chances @ centred**2)), 0.0)

    def loss_probability(self) -> Estimate:
        return self.probability_of_losing(SMALLEST_LOSS)

    def probability_of_losing(self, dollars: float) -> Estimate:
        """P(loss >= dollars)."""
        return estimate(min(1.0, float(self.chances[self.profits <= -dollars + _HAIR].sum())), 0.0)

    def histogram(self, bins: int, *, low: float, high: float) -> list[float]:
        """As `ProfitFigures.histogram`."""
        shares, _ = np.histogram(self.profits, bins, range=(low, high), weights=self.chances)
        return [float(share) for share in shares]

    def quantiles(self, levels: Sequence[float]) -> list[Estimate]:
        below = np.cumsum(self.chances)
        found = np.searchsorted(below, np.array(levels) - 1e-12, side="left")
        return [estimate(float(profit), 0.0) for profit in self.profits[np.minimum(found, below.size - 1)]]

    def tail_losses(self, levels: Sequence[float]) -> list[dict[str, Any]]:
        """As `ProfitFigures.tail_losses`."""
        tails = []
        for level, quantile in zip(levels, self.quantiles([1 - level for level in levels]), strict=True):
            excess = float(self.chances @ np.maximum(quantile["value"] - self.profits, 0.0)) / (1 - level)
            tails.append(
                {
                    "level": level,
                    "value_at_risk": estimate(-quantile["value"], 0.0),
                    "conditional_value_at_risk": estimate(-quantile["value"] + excess, 0.0),
                }
            )
        return tails


def exact_distribution(stairs: Staircases, copula: Copula, *, nodes: int = NODES) -> ExactDistribution:
    """The distribution of profit. Raises ValueError where an event depends on several factors."""
    lattice, groups = _groups(stairs, copula, nodes)
    frequencies = lattice.size // 2 + 1
    total = np.ones(frequencies, dtype=np.complex128)
    for group in groups:
        total *= group.characteristic_function(frequencies)
    return ExactDistribution(lattice, _chances(total, lattice.size))


def exact_tail_shares(
    stairs: Staircases, copula: Copula, *, profit: float, nodes: int = NODES
) -> tuple[Floats, Floats, float, float]:
    """How the chance of ending below, and of ending at, `profit` splits over the intervals of every drawn event.

    Two flat arrays over the intervals, event after event, each of an event's intervals summing to the chance, and the
    two chances themselves.
    """
    lattice, groups = _groups(stairs, copula, nodes)
    frequencies = lattice.size // 2 + 1
    functions = [group.characteristic_function(frequencies) for group in groups]
    at = round((profit - lattice.base) / lattice.quantum)
    by_event: dict[int, list[Floats]] = {}
    for index, group in enumerate(groups):
        rest = np.ones(frequencies, dtype=np.complex128)
        for other, function in enumerate(functions):
            if other != index:
                rest *= function
        for event, functions_by_interval in zip(group.events, group.joint_functions(frequencies), strict=True):
            by_event[event] = [_chances(each * rest, lattice.size) for each in functions_by_interval]
    joint = [chances for event in range(stairs.drawn.size) for chances in by_event[event]]
    below = np.array([chances[:at].sum() for chances in joint])
    here = np.array([chances[at] for chances in joint])
    first = len(by_event[0])
    return below, here, float(below[:first].sum()), float(here[:first].sum())


@dataclass(frozen=True, slots=True)
class _Group:
    """Events on one factor: `chances[e]` has shape (nodes, intervals)."""

    events: list[int]
    weights: Floats
    chances: list[Floats]
    multiples: list[NDArray[np.int64]]
    size: int

    def characteristic_function(self, frequencies: int) -> Complexes:
        waves = [self._waves(paid, frequencies) for paid in self.multiples]
        total = np.zeros(frequencies, dtype=np.complex128)
        for node, weight in enumerate(self.weights):
            product = np.full(frequencies, weight, dtype=np.complex128)
            for chances, wave in zip(self.chances, waves, strict=True):
                product *= chances[node] @ wave
            total += product
        return total

    def joint_functions(self, frequencies: int) -> list[Complexes]:
        """For each event, by interval: the function of the profit on the paths where the interval is drawn."""
        waves = [self._waves(paid, frequencies) for paid in self.multiples]
        joint = [np.zeros(wave.shape, dtype=np.complex128) for wave in waves]
        for node, weight in enumerate(self.weights):
            single = [chances[node] @ wave for chances, wave in zip(self.chances, waves, strict=True)]
            after = [np.ones(frequencies, dtype=np.complex128)]
            for function in reversed(single[1:]):
                after.append(after[-1] * function)
            before = np.full(frequencies, weight, dtype=np.complex128)
            for index, function in enumerate(single):
                others = before * after[len(single) - 1 - index]
                joint[index] += self.chances[index][node][:, None] * waves[index] * others
                before = before * function
        return joint

    def _waves(self, multiples: NDArray[np.int64], frequencies: int) -> Complexes:
        turns = np.outer(multiples, np.arange(frequencies)) % self.size
        waves: Complexes = np.exp(-2j * np.pi * turns / self.size)
        return waves


def _groups(stairs: Staircases, copula: Copula, nodes: int) -> tuple[PayoutLattice, list[_Group]]:
    factors = exact_factors(stairs, copula)
    if factors is None:
        raise ValueError(
            "the exact method needs a Gaussian copula in which each event hangs on one factor at most, "
            f"with loadings up to {STRONGEST_LOADING}"
        )
    lattice = PayoutLattice.of(stairs)
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    weights = weights / weights.sum()
    groups = []
    for factor in dict.fromkeys(factors):
        events = [event for event, its in enumerate(factors) if its == factor]
        shape = (1 if factor is None else nodes, copula.loadings.shape[1])
        values = np.zeros(shape)
        if factor is not None:
            values[:, factor] = points
        cumulative = conditional_chances(stairs, copula, values, np.ones(len(values)))
        groups.append(
            _Group(
                events=events,
                weights=np.ones(1) if factor is None else weights,
                chances=[
                    np.diff(
                        cumulative[:, stairs.first_step[event] : stairs.first_step[event + 1]],
                        axis=1,
                        prepend=0.0,
                        append=1.0,
                    )
                    for event in events
                ],
                multiples=[lattice.multiples[event] for event in events],
                size=lattice.size,
            )
        )
    return lattice, groups


def _chances(function: Complexes, size: int) -> Floats:
    chances = np.fft.irfft(function, n=size) if size > 1 else function.real
    chances[chances < _NO_CHANCE] = 0.0
    return np.asarray(chances)


def _common_unit(amounts: Floats) -> float | None:
    """The largest unit that divides all amounts, in whole base units of a dollar; None where there is none."""
    scaled = np.rint(amounts / _FINEST)
    if np.any(np.abs(scaled * _FINEST - amounts) > 1e-9 * np.maximum(1, amounts)) or scaled.max(initial=0) >= 2**53:
        return None
    unit = math.gcd(*(int(each) for each in scaled))
    return unit * _FINEST if unit else 1.0
