"""Profits of a book on simulated paths, stratified by the common factors.

The few factors are drawn once per stratum. They turn every cumulative chance into one 32-bit threshold, so that a path
costs one word of random bits and a comparison per event: no normal variates, no matrix. The factors of each replicate
are a randomly shifted lattice of their own, and what replicates disagree by is the standard error of every figure.
The result is a function of seed and paths alone: streams belong to strata, and sums are taken in replicate order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..normal_distribution import normal_cdf
from .book import Staircases
from .copula import Copula
from .engines import Engine
from .factor_points import factor_points
from .random_lanes import Words, stratum_keys

Floats = NDArray[np.float64]
Report = Callable[[float], None]

REPLICATES = 16
"""Independent repetitions within one simulation. Part of the definition of a seeded result."""

MAX_PATHS = 10_000_000
_LEAST_PATHS_IN_STRATUM = 16
_MOST_STRATA = 4096
_WORD_RANGE = 2.0**32
_FARTHEST = 8.0
_NODES_PER_UNIT = 1024


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one replicate: `strata`, a power of 2, with `paths_each`."""

    strata: int
    paths_each: int

    @classmethod
    def of(cls, paths: int) -> Layout:
        """At least `paths` in all. Raises ValueError beyond MAX_PATHS."""
        if not 1 <= paths <= MAX_PATHS:
            raise ValueError(f"paths must be between 1 and {MAX_PATHS}, not {paths}")
        in_replicate = -(-paths // REPLICATES)
        strata = min(_MOST_STRATA, 1 << max(0, (in_replicate // _LEAST_PATHS_IN_STRATUM).bit_length() - 1))
        return cls(strata, -(-in_replicate // strata))

    @property
    def paths(self) -> int:
        return REPLICATES * self.strata * self.paths_each


@dataclass(frozen=True, slots=True)
class Replicate:
    """Factors, mixing variables and keys of the strata of one replicate."""

    factors: Floats
    mixing: Floats
    keys: Words

    @classmethod
    def draw(cls, number: int, *, layout: Layout, copula: Copula, seed: int) -> Replicate:
        stream = np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(number, 0)))
        factors, mixing = factor_points(
            points=layout.strata,
            factors=copula.loadings.shape[1],
            degrees=copula.degrees,
            generator=np.random.Generator(stream),
        )
        return cls(factors, mixing, stratum_keys(seed, number, layout.strata))


@dataclass(frozen=True, slots=True)
class Simulation:
    """Everything that defines the paths, which can be drawn again at will."""

    stairs: Staircases
    copula: Copula
    layout: Layout
    seed: int
    engine: Engine

    def replicate(self, number: int) -> Replicate:
        return Replicate.draw(number, layout=self.layout, copula=self.copula, seed=self.seed)

    def profits(self, report: Report) -> Floats:
        """Dollars, of shape (replicates, paths in each)."""
        out = np.empty((REPLICATES, self.layout.strata, self.layout.paths_each))

        def fill(number: int) -> None:
            replicate = self.replicate(number)
            self.engine.kernel.profits(
                self.thresholds(replicate),
                self.stairs.first_step,
                self.stairs.steps,
                self.stairs.certain,
                replicate.keys,
                out[number],
            )

        for done, _ in enumerate(in_order(fill, threads=self.engine.threads), start=1):
            report(done / REPLICATES)
        return out.reshape(REPLICATES, -1)

    def tail_counts(self, cutoff: float, *, tolerance: float) -> NDArray[np.int64]:
        """Of shape (replicates, 2, steps + 1); what the counts are is said at `numpy_kernel.tail_counts`."""
        counts = np.zeros((REPLICATES, 2, self.stairs.steps.size + 1), dtype=np.int64)

        def count(number: int) -> None:
            replicate = self.replicate(number)
            self.engine.kernel.tail_counts(
                self.thresholds(replicate),
                self.stairs.first_step,
                self.stairs.steps,
                self.stairs.certain,
                replicate.keys,
                self.layout.paths_each,
                cutoff,
                tolerance,
                counts[number],
            )

        for _ in in_order(count, threads=self.engine.threads):
            pass
        return counts

    def thresholds(self, replicate: Replicate) -> NDArray[np.uint32]:
        """Words that a stratum's draws are below with the chances it gives each step.

        The normal distribution function is read from a table: its error of 3e-8 is a thousandth of the standard error
        of ten million paths, and reading it takes a fifth of the time.
        """
        found = np.empty((len(replicate.keys), self.stairs.steps.size), dtype=np.uint32)
        quantiles = _conditional_quantiles(self.stairs, self.copula, replicate.factors, replicate.mixing)
        if quantiles is None:
            found[:] = as_words(self.stairs.boundaries)
            return found
        quantiles += _FARTHEST
        quantiles *= _NODES_PER_UNIT
        self.engine.kernel.threshold_words(quantiles, *_normal_table(), found)
        return found


def conditional_chances(stairs: Staircases, copula: Copula, factors: Floats, mixing: Floats) -> Floats:
    """P(the draw of each step's event is below it), given factors, of shape (len(factors), steps)."""
    quantiles = _conditional_quantiles(stairs, copula, factors, mixing)
    if quantiles is None:
        return np.broadcast_to(stairs.boundaries, (len(factors), stairs.steps.size))
    return normal_cdf(quantiles)


def as_words(chances: Floats) -> NDArray[np.uint32]:
    """Thresholds that a 32-bit word is below with the chances given."""
    return np.minimum(np.rint(chances * _WORD_RANGE), _WORD_RANGE - 1).astype(np.uint32)


def _conditional_quantiles(stairs: Staircases, copula: Copula, factors: Floats, mixing: Floats) -> Floats | None:
    """Standard normal quantiles of the conditional chances; None where no event depends on another."""
    events = stairs.drawn[stairs.event_of_step]
    correlated = copula.correlated[events]
    if not correlated.any():
        return None
    boundaries = copula.latent_boundaries(stairs.boundaries, events)
    scaled = boundaries
    if copula.degrees is not None:
        scaled = np.where(correlated, boundaries * np.sqrt(mixing)[:, None], boundaries)
    quantiles = factors @ (copula.loadings[events] / -copula.own[events, None]).T
    quantiles += scaled / copula.own[events]
    return quantiles


@functools.cache
def _normal_table() -> tuple[Floats, Floats]:
    """Words of the normal distribution function at equal distances, and their differences."""
    nodes = np.arange(2 * _FARTHEST * _NODES_PER_UNIT + 1) / _NODES_PER_UNIT - _FARTHEST
    table = np.minimum(normal_cdf(nodes) * _WORD_RANGE, _WORD_RANGE - 1)
    return table, np.append(np.diff(table), 0.0)


def in_order(work: Callable[[int], object], *, threads: int) -> Iterator[None]:
    """Do `work` for every replicate; yields after each, in order. Leaving early drops what has not begun."""
    if threads == 1:
        for number in range(REPLICATES):
            work(number)
            yield
        return
    pool = ThreadPoolExecutor(threads)
    try:
        for job in [pool.submit(work, number) for number in range(REPLICATES)]:
            job.result()
            yield
    finally:
        pool.shutdown(cancel_futures=True)
