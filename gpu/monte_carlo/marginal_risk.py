"""What each holding adds to the conditional value at risk: its own mean loss where the book does worst.

Euler's allocation (D. Tasche, "Risk contributions and performance measurement", 1999): the parts sum to the whole. The
paths exactly at the value at risk count in part, as in the figure itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .book import Book, Holding, Staircases
from .copula import Copula
from .exact import ExactDistribution, exact_tail_shares
from .sample_estimates import SMALLEST_LOSS, Estimate, estimate
from .simulation import REPLICATES, Simulation

Floats = NDArray[np.float64]


def simulated_marginals(
    book: Book, simulation: Simulation, *, levels: Sequence[float], tails: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Per level the mean loss of each holding in the tail that `tails` names, with standard errors."""
    found = []
    in_replicate = simulation.layout.paths // REPLICATES
    for level, tail in zip(levels, tails, strict=True):
        cutoff = -tail["value_at_risk"]["value"]
        counts = simulation.tail_counts(cutoff, tolerance=SMALLEST_LOSS).astype(np.float64)
        wanted = (1 - level) * in_replicate * REPLICATES
        below, at = counts[:, 0, -1].sum(), counts[:, 1, -1].sum()
        partial = (wanted - below) / at if at else 0.0
        weighted = (counts[:, 0] + partial * counts[:, 1]) / ((1 - level) * in_replicate)
        # Columns are P(draw below the step, in the tail) / P(tail), a row for each replicate.
        shares = _Winners(simulation.stairs, weighted[:, :-1], weighted[:, -1])
        found.append(
            {"level": level, "losses": [_over_replicates(shares.losses(book, each)) for each in book.holdings]}
        )
    return found


def exact_marginals(
    book: Book, stairs: Staircases, copula: Copula, *, levels: Sequence[float], distribution: ExactDistribution
) -> list[dict[str, Any]]:
    """As `simulated_marginals`, without error."""
    found = []
    for level, tail in zip(levels, distribution.tail_losses(levels), strict=True):
        losses: list[Estimate] = []
        if stairs.drawn.size:
            below, here, all_below, all_here = exact_tail_shares(stairs, copula, profit=-tail["value_at_risk"]["value"])
            partial = ((1 - level) - all_below) / all_here if all_here else 0.0
            by_interval = (below + partial * here) / (1 - level)
            total = (all_below + partial * all_here) / (1 - level)
            cumulative = _below_steps(stairs, by_interval)
            shares = _Winners(stairs, cumulative[None, :], np.array([total]))
        else:
            shares = _Winners(stairs, np.zeros((1, 0)), np.ones(1))
        losses = [estimate(float(shares.losses(book, each)[0]), 0.0) for each in book.holdings]
        found.append({"level": level, "losses": losses})
    return found


class _Winners:
    """Chances in the tail of each event's outcomes, from those of the draw to be below each step."""

    def __init__(self, stairs: Staircases, below_steps: Floats, tail: Floats) -> None:
        self._stairs = stairs
        self._below = below_steps
        self._tail = tail
        self._drawn = {int(event): index for index, event in enumerate(stairs.drawn)}

    def losses(self, book: Book, holding: Holding) -> Floats:
        """Mean loss of a holding in the tail, by replicate."""
        event = book.events[holding.event]
        # P(the draw lies below the boundary after outcome j, in the tail), for every outcome, listed or not.
        boundaries = np.zeros((self._tail.size, event.chances.size + 1))
        boundaries[:, -1] = self._tail
        steps = self._steps_of(holding.event)
        for outcome, below in enumerate(event.boundaries):
            if outcome in steps:
                boundaries[:, outcome + 1] = self._below[:, steps[outcome]]
            else:
                boundaries[:, outcome + 1] = self._tail if below >= 1 else 0.0
        winners = np.diff(boundaries, axis=1)
        losses: Floats = self._tail * holding.cost - winners @ holding.payout(event.chances.size)
        return losses

    def _steps_of(self, event: int) -> dict[int, int]:
        index = self._drawn.get(event)
        if index is None:
            return {}
        first, last = self._stairs.first_step[index], self._stairs.first_step[index + 1]
        return {int(self._stairs.outcome_of_step[step]): int(step) for step in range(first, last)}


def _below_steps(stairs: Staircases, by_interval: Floats) -> Floats:
    """From shares of each interval to shares below each step."""
    below = np.empty(stairs.steps.size)
    for event in range(stairs.drawn.size):
        first, last = stairs.first_step[event], stairs.first_step[event + 1]
        below[first:last] = np.cumsum(by_interval[first + event : last + event])
    return below


def _over_replicates(values: Floats) -> Estimate:
    return estimate(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(values.size))
