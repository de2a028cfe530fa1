"""Who wins each event on each simulated path: the scenarios themselves, where a figure needs more than profits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .book import Book, Staircases
from .copula import Copula
from .engines import choose_engine
from .random_lanes import LANES, Lanes
from .simulation import REPLICATES, Layout, Simulation

MOST_SCENARIOS = 200_000


def winners_of_paths(
    book: Book, stairs: Staircases, copula: Copula, *, paths: int, seed: int, report: Callable[[float], None]
) -> Mapping[int, NDArray[np.int64]]:
    """Per event of the book in which something is held, the winner's index, of shape (replicates, paths in each).

    The last index of an event stands for none of its listed outcomes. The same paths as `Simulation.profits` has.
    Raises ValueError beyond MOST_SCENARIOS.
    """
    if paths > MOST_SCENARIOS:
        raise ValueError(f"scenarios are kept for {MOST_SCENARIOS} paths at most, not {paths}")
    layout = Layout.of(paths)
    simulation = Simulation(stairs, copula, layout, seed, choose_engine("numpy"))
    shape = (REPLICATES, layout.strata, layout.paths_each)
    winners = {
        holding.event: np.full(shape, _certain_winner(book, holding.event), dtype=np.int64) for holding in book.holdings
    }
    for number in range(REPLICATES):
        replicate = simulation.replicate(number)
        thresholds = simulation.thresholds(replicate)
        lanes = Lanes(replicate.keys)
        for start in range(0, layout.paths_each, LANES):
            width = min(LANES, layout.paths_each - start)
            for index, event in enumerate(stairs.drawn):
                drawn = lanes.draw()[:, :width]
                found = winners[int(event)][number, :, start : start + width]
                for step in range(stairs.first_step[index + 1] - 1, stairs.first_step[index] - 1, -1):
                    found[drawn < thresholds[:, step, None]] = stairs.outcome_of_step[step]
        report((number + 1) / REPLICATES)
    return {event: each.reshape(REPLICATES, -1) for event, each in winners.items()}


def _certain_winner(book: Book, event: int) -> int:
    """Who wins where the draw is below no step: the last outcome that is possible."""
    return int(np.flatnonzero(book.events[event].possible)[-1])
