"""The windows most like a query, over all series.

The k-th best of the groups' best correlations bounds from below what any of the k matches can have, because a group's
best window is a match unless k others are better. The bound rises from group to group, and what stays below it is
dropped at once; the few windows left over are ranked in double precision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .correlation import Correlator, normalised
from .series import Series, by_group

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Places = NDArray[np.int64]

_ROWS = 8192
_MARGIN = 1e-3
"""What single precision may be wrong by."""
_NONE = -4.0


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
        # The best groups' best correlations, of which the least is the bound.
        leaders = np.full((len(queries), count), _NONE, dtype=np.float32)
        candidates = _Candidates(most=count * 2 * max(1, self.exclusion))
        pending: list[tuple[int, Singles, Singles]] = []
        for number, group in enumerate(groups, start=1):
            best = np.full(len(queries), _NONE, dtype=np.float32)
            for index in group:
                found = self._correlations(index, queries, singles)
                if found.shape[1]:
                    peaks = found.max(axis=1)
                    pending.append((index, found, peaks))
                    np.maximum(best, peaks, out=best)
            rows = np.arange(len(queries))
            least = leaders.argmin(axis=1)
            leaders[rows, least] = np.maximum(leaders[rows, least], best)
            # Until there are as many groups as matches there is no bound, and every window would be a candidate.
            if number >= count or number == len(groups):
                bound = leaders.min(axis=1)
                for each in pending:
                    candidates.add(*each, bound)
                pending.clear()
            report(number / len(groups))
        return self._ranked(candidates, shapes, leaders.min(axis=1), count)

    def _correlations(self, index: int, queries: Sequence[Query], singles: Singles) -> Singles:
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
        earliest = min(query.before for query in queries)
        if series.last_start(self.length, self.horizon, before=earliest) < found.shape[1]:
            for row, query in enumerate(queries):
                found[row, series.last_start(self.length, self.horizon, before=query.before) :] = _NONE
        return found

    def _ranked(self, candidates: _Candidates, shapes: Floats, bound: Singles, count: int) -> list[list[Match]]:
        query, series, first = candidates.above(bound)
        starts = np.cumsum([0, *(each.values.size for each in self.series)])
        values = np.concatenate([each.values for each in self.series])
        exact = np.empty(query.size)
        for low in range(0, query.size, _ROWS):
            part = slice(low, low + _ROWS)
            places = (starts[series[part]] + first[part])[:, None] + np.arange(self.length)
            exact[part] = np.einsum("ij,ij->i", normalised(values[places]), shapes[query[part]])
        matches: list[list[Match]] = [[] for _ in shapes]
        for row, index, place, correlation in zip(query, series, first, exact, strict=True):
            matches[row].append(Match(int(index), int(place), float(correlation)))
        return [self._spread(found, count) for found in matches]

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


class _Candidates:
    """Windows that may still be among the matches."""

    def __init__(self, *, most: int) -> None:
        # Each match rules out less than two exclusion zones of others, so that so many of a series suffice.
        self._most = most
        self._query: list[Places] = [np.zeros(0, dtype=np.int64)]
        self._series: list[Places] = [np.zeros(0, dtype=np.int64)]
        self._first: list[Places] = [np.zeros(0, dtype=np.int64)]
        self._correlation: list[Singles] = [np.zeros(0, dtype=np.float32)]

    def add(self, series: int, found: Singles, peaks: Singles, bound: Singles) -> None:
        (rows,) = np.nonzero((peaks >= bound - _MARGIN) & (peaks > _NONE))
        if not rows.size:
            return
        chosen = found[rows]
        floor = np.maximum(bound[rows] - np.float32(_MARGIN), np.float32(_NONE / 2))
        if chosen.shape[1] > self._most and floor.min() <= _NONE / 2:
            place = chosen.shape[1] - self._most
            floor = np.maximum(floor, np.partition(chosen, place, axis=1)[:, place])
        row, first = np.divmod(np.flatnonzero(chosen >= floor[:, None]), chosen.shape[1])
        self._query.append(rows[row])
        self._series.append(np.full(row.size, series))
        self._first.append(first)
        self._correlation.append(chosen[row, first])

    def above(self, bound: Singles) -> tuple[Places, Places, Places]:
        """Queries, series and first places of those that reach the bound."""
        query = np.concatenate(self._query)
        kept = np.concatenate(self._correlation) >= bound[query] - _MARGIN
        return query[kept], np.concatenate(self._series)[kept], np.concatenate(self._first)[kept]
