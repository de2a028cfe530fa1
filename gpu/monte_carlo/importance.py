"""Chances of rare losses by importance sampling: the factors are moved to where such losses happen, and given them
every event's chances are tilted until the loss is expected.

P. Glasserman and J. Li, "Importance sampling for portfolio credit risk", Management Science 51 (2005): a book of
outcomes is a credit portfolio whose exposures have signs. The tilt is one number per stratum, so that the tilted
paths cost what plain ones do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..normal_distribution import normal_density
from .book import Staircases
from .copula import Copula
from .exact import interval_payouts
from .sample_estimates import Estimate, estimate
from .simulation import REPLICATES, Report, Simulation, as_words, conditional_chances, in_order

Floats = NDArray[np.float64]

_TILT_STEPS = 40
_ASCENT_STEPS = 200
_STEEPEST = 50.0
"""Tilts are searched up to this many divided by the largest single loss."""


@dataclass(frozen=True, slots=True)
class TailEstimate:
    """P(loss >= the threshold), and the mean loss where that happens (None where no path did)."""

    probability: Estimate
    mean_loss: Estimate | None


def tail_probability(simulation: Simulation, loss: float, *, tolerance: float, report: Report) -> TailEstimate:
    """The chance to lose `loss` dollars or more; `tolerance` is what counts as equal."""
    stairs, copula = simulation.stairs, simulation.copula
    intervals = _Intervals.of(stairs)
    wanted = loss + stairs.certain
    shift = _factor_shift(stairs, copula, intervals, wanted)
    hits, losses = np.zeros(REPLICATES), np.zeros(REPLICATES)

    def draw(number: int) -> None:
        replicate = simulation.replicate(number)
        factors = replicate.factors + shift
        chances = intervals.chances(conditional_chances(stairs, copula, factors, replicate.mixing))
        tilt = intervals.tilt(chances, wanted)
        tilted, log_mean = intervals.tilted(chances, tilt)
        profits = np.empty((simulation.layout.strata, simulation.layout.paths_each))
        simulation.engine.kernel.profits(
            as_words(intervals.cumulative(tilted)),
            stairs.first_step,
            stairs.steps,
            stairs.certain,
            replicate.keys,
            profits,
        )
        log_factor_weight = -(replicate.factors @ shift) - shift @ shift / 2
        log_weight = (log_factor_weight + log_mean)[:, None] + tilt[:, None] * (profits - stairs.certain)
        lost = profits <= -loss + tolerance
        weights = np.exp(np.where(lost, log_weight, -np.inf))
        hits[number] = weights.mean()
        losses[number] = -(weights * profits).mean()

    for done, _ in enumerate(in_order(draw, threads=simulation.engine.threads), start=1):
        report(done / REPLICATES)
    probability = estimate(hits.mean(), hits.std(ddof=1) / math.sqrt(REPLICATES))
    if not hits.any():
        return TailEstimate(probability, None)
    ratio = losses.sum() / hits.sum()
    # The error of a ratio by the delta method.
    spread = (losses - ratio * hits).std(ddof=1) / math.sqrt(REPLICATES) / hits.mean()
    return TailEstimate(probability, estimate(ratio, spread))


@dataclass(frozen=True, slots=True)
class _Intervals:
    """What happens to an event, between its steps: dollars lost beyond `certain`, flat over all events."""

    losses: Floats
    first: NDArray[np.int64]
    event: NDArray[np.int64]
    step_above: NDArray[np.int64]
    step_below: NDArray[np.int64]

    @classmethod
    def of(cls, stairs: Staircases) -> _Intervals:
        payouts = interval_payouts(stairs)
        sizes = np.array([paid.size for paid in payouts], dtype=np.int64)
        first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        event = np.repeat(np.arange(sizes.size), sizes)
        place = np.arange(sizes.sum()) - first[event]
        step = stairs.first_step[event] + place
        ones, zeros = stairs.steps.size, stairs.steps.size + 1
        return cls(
            losses=-np.concatenate(payouts),
            first=first,
            event=event,
            step_above=np.where(place == sizes[event] - 1, ones, step),
            step_below=np.where(place == 0, zeros, step - 1),
        )

    def chances(self, cumulative: Floats) -> Floats:
        """Of shape (strata, intervals), from the cumulative chances of the steps."""
        padded = np.concatenate([cumulative, np.ones((len(cumulative), 1)), np.zeros((len(cumulative), 1))], axis=1)
        chances: Floats = np.maximum(padded[:, self.step_above] - padded[:, self.step_below], 0.0)
        return chances

    def cumulative(self, chances: Floats) -> Floats:
        """Back again: the chances of being below each step."""
        total = np.cumsum(chances, axis=1)
        before = (total - chances)[:, self.first]
        is_step = np.ones(self.losses.size, dtype=np.bool_)
        is_step[np.append(self.first[1:], self.losses.size) - 1] = False
        below: Floats = (total - before[:, self.event])[:, is_step]
        return np.clip(below, 0.0, 1.0)

    def tilted(self, chances: Floats, tilt: Floats) -> tuple[Floats, Floats]:
        """Chances times exp(tilt x loss), scaled to sum 1 in each event, and the logarithm of what scaled them."""
        weighted = chances * np.exp(tilt[:, None] * self._relative)
        sums = np.add.reduceat(weighted, self.first, axis=1)
        log_mean = np.log(sums).sum(axis=1) + tilt * self._greatest.sum()
        return weighted / sums[:, self.event], log_mean

    def tilt(self, chances: Floats, wanted: float) -> Floats:
        """Per stratum the tilt of 0 or more at which the expected loss is `wanted`, by guarded Newton steps."""
        span = float(np.max(self._greatest - np.minimum.reduceat(self.losses, self.first)))
        low, high = np.zeros(len(chances)), np.full(len(chances), _STEEPEST / span)
        tilt = np.zeros(len(chances))
        for _ in range(_TILT_STEPS):
            tilted, _ = self.tilted(chances, tilt)
            expected = tilted @ self.losses
            spread = tilted @ self.losses**2 - (np.add.reduceat(tilted * self.losses, self.first, axis=1) ** 2).sum(
                axis=1
            )
            missing = wanted - expected
            low, high = np.where(missing > 0, tilt, low), np.where(missing > 0, high, tilt)
            newton = tilt + missing / np.maximum(spread, 1e-300)
            inside = (newton > low) & (newton < high)
            following = np.where(inside, newton, (low + high) / 2)
            # A stratum in which the loss is expected anyway stays as it is.
            following = np.where((tilt == 0) & (missing <= 0), 0.0, following)
            if np.max(np.abs(following - tilt)) * span < 1e-6:
                return following
            tilt = following
        return tilt

    @property
    def _greatest(self) -> Floats:
        return np.maximum.reduceat(self.losses, self.first)

    @property
    def _relative(self) -> Floats:
        """Losses below the event's greatest, so that exponentials of large tilts do not overflow."""
        return self.losses - self._greatest[self.event]


def _factor_shift(stairs: Staircases, copula: Copula, intervals: _Intervals, wanted: float) -> Floats:
    """Where the factors should lie: the top of the bound on P(loss | factors) x their density, by gradient ascent."""
    size = copula.loadings.shape[1]
    place = np.zeros(size)
    if not size:
        return place
    value, slope = _bound(stairs, copula, intervals, wanted, place)
    length = 1.0
    for _ in range(_ASCENT_STEPS):
        if float(slope @ slope) < 1e-6:
            break
        tried = place + length * slope
        new_value, new_slope = _bound(stairs, copula, intervals, wanted, tried)
        if new_value > value:
            place, value, slope, length = tried, new_value, new_slope, length * 1.5
        else:
            length /= 3
            if length < 1e-6:
                break
    return place


def _bound(
    stairs: Staircases, copula: Copula, intervals: _Intervals, wanted: float, place: Floats
) -> tuple[float, Floats]:
    """Logarithm of the bound and its gradient at one place of the factors."""
    factors, mixing = place[None, :], np.ones(1)
    cumulative = conditional_chances(stairs, copula, factors, mixing)
    chances = intervals.chances(cumulative)
    tilt = intervals.tilt(chances, wanted)
    _, log_mean = intervals.tilted(chances, tilt)
    value = float(log_mean[0] - tilt[0] * wanted - place @ place / 2)
    events = stairs.drawn[stairs.event_of_step]
    loadings, own = copula.loadings[events], copula.own[events]
    boundaries = copula.latent_boundaries(stairs.boundaries, events)
    slope_of_cumulative = -normal_density((boundaries - loadings @ place) / own)[:, None] * loadings / own[:, None]
    padded = np.concatenate([slope_of_cumulative, np.zeros((2, place.size))])
    slope_of_chances = padded[intervals.step_above] - padded[intervals.step_below]
    weights = np.exp(tilt[0] * (intervals.losses - intervals._greatest[intervals.event]))
    sums = np.add.reduceat(chances[0] * weights, intervals.first)
    slope = (weights / sums[intervals.event]) @ slope_of_chances - place
    return value, np.asarray(slope)
