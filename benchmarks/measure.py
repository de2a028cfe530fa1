"""Timing several candidates in turns, so that a busy moment of the machine hits all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median


def best_of(candidates: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Seconds of each candidate's fastest round, after one that is not counted."""
    for candidate in candidates.values():
        candidate()
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, candidate in candidates.items():
            started = time.perf_counter()
            candidate()
            taken[name].append(time.perf_counter() - started)
    return {name: min(seconds) for name, seconds in taken.items()}


def quantile(values: list[float], q: float) -> float:
    """The q-quantile by rank; the median for 0.5."""
    if q == 0.5:
        return median(values)
    ordered = sorted(values)
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)]
