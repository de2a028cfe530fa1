"""The windows most like a query, over all series, in two passes.

The first keeps only the best correlation in each group of series: the k-th best of those bounds from below what any of
the k matches can have. The second looks again into the few groups that reach it, and ranks in double precision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .correlation import Correlator, normalised
from .series import Series, by_group

Floats = NDArray[np.float64]

_MARGIN = 1e-3
"""What single precision may be wrong by."""
_NONE = -2.0


@dataclass(frozen=True, slots=True)
class Query:
    """A window's values. Matches, with what followed them, lie before `before` on the common clock."""

    values: Floats
    before: int


@dataclass(frozen=True, slots=True)
class Match:
    """Window `first` to `first` + length of series `series`."""

    series: int
    first: int
    correlation: float

    def distance(self, length: int) -> float:
        """The z-normalised Euclidean distance: sqrt(2 m (1 - r))."""
        return float(np.sqrt(max(0.0, 2 * length * (1 - self.correlation))))


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched: windows of one length with `horizon` steps known after them.

    Of windows less than `exclusion` steps apart in one group only the best counts. `usable` are each series' windows
    that may be matches.
    """

    series: Sequence[Series]
    usable: Sequence[NDArray[np.bool_]]
    length: int
    horizon: int
    exclusion: int
    correlator: Correlator

    def nearest(self, queries: Sequence[Query], count: int, report: Callable[[float], None]) -> list[list[Match]]:
        """At most `count` matches of each query, best first."""
        shapes = normalised(np.array([query.values for query in queries]))
        singles = shapes.astype(np.float32)
        groups = by_group(self.series)
        best = np.full((len(queries), len(groups)), _NONE)
        for number, group in enumerate(groups):
            for index in group:
                found = self._correlations(index, queries, singles)
                if found.shape[1]:
                    np.maximum(best[:, number], found.max(axis=1), out=best[:, number])
            report(0.9 * (number + 1) / len(groups))
        bound = np.full(len(queries), _NONE)
        if len(groups) >= count:
            bound = -np.sort(-best, axis=1)[:, count - 1]
        candidates: list[list[Match]] = [[] for _ in queries]
        for number, group in enumerate(groups):
            (wanted,) = np.nonzero((best[:, number] >= bound - _MARGIN) & (best[:, number] > _NONE))
            if wanted.size:
                for index in group:
                    self._collect(index, queries, singles, shapes, bound, wanted, count, candidates)
        report(1.0)
        return [self._spread(found, count) for found in candidates]

    def _correlations(self, index: int, queries: Sequence[Query], singles: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of all windows of a series; those that may be no match have _NONE."""
        series, usable = self.series[index], self.usable[index]
        if not usable.any():
            return np.empty((len(queries), 0), dtype=np.float32)
        values = series.values
        if not usable.all():
            values = np.nan_to_num(values, nan=0.0)
        found = self.correlator.correlations(values, singles)
        if not usable.all():
            found[:, ~usable] = _NONE
        for row, query in enumerate(queries):
            last = series.last_start(self.length, self.horizon, before=query.before)
            if last < found.shape[1]:
                found[row, last:] = _NONE
        return found

    def _collect(
        self,
        index: int,
        queries: Sequence[Query],
        singles: NDArray[np.float32],
        shapes: Floats,
        bound: Floats,
        wanted: NDArray[np.int64],
        count: int,
        candidates: list[list[Match]],
    ) -> None:
        found = self._correlations(index, [queries[row] for row in wanted], singles[wanted])
        if not found.shape[1]:
            return
        windows = sliding_window_view(self.series[index].values, self.length)
        # Each match rules out less than two exclusion zones of others, so that these suffice for all of them.
        most = count * 2 * max(1, self.exclusion)
        for row, query in enumerate(wanted):
            (places,) = np.nonzero((found[row] >= bound[query] - _MARGIN) & (found[row] > _NONE))
            if places.size > most:
                places = places[np.argpartition(-found[row, places], most - 1)[:most]]
            exact = normalised(windows[places]) @ shapes[query]
            candidates[query] += [
                Match(index, int(place), float(correlation)) for place, correlation in zip(places, exact, strict=True)
            ]

    def _spread(self, found: list[Match], count: int) -> list[Match]:
        """The best ones that keep their distance from each other."""
        taken: list[Match] = []
        moments: dict[str, list[int]] = {}
        for match in sorted(found, key=lambda each: (-each.correlation, each.series, each.first)):
            series = self.series[match.series]
            moment = series.start + match.first
            near = moments.setdefault(series.group, [])
            if all(abs(moment - other) >= self.exclusion for other in near):
                near.append(moment)
                taken.append(match)
                if len(taken) == count:
                    break
        return taken
