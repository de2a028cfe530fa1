"""Counts and latencies of calls: by route to a venue, by stage of an order, by tool."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

LATENCY_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper ends of the histogram's buckets; one more bucket takes what is slower."""

OTHER_ROUTES = "other"

OTHER_ERRORS = "other"
_MAX_ERRORS = 40
"""Different errors counted apart on one route: a code that the venue makes up must not make the table grow."""


class CallMetrics(Protocol):
    """Where calls are counted. `route` is a label such as `GET clob /book`, of which there are few."""

    def finished(self, route: str, *, latency_s: float, error: str | None = None) -> None:
        """A call that was carried out has ended, with the name of an error's class, or its code, if it failed."""

    def cache_hit(self, route: str) -> None:
        """A call was answered without a request of its own."""

    def retried(self, route: str) -> None:
        """A request is made once more."""

    def waited(self, route: str, *, seconds: float) -> None:
        """A request was held back by a rate limit."""

    def snapshot(self) -> tuple[RouteSnapshot, ...]:
        """All routes in alphabetical order, as they are now."""


@dataclass(frozen=True, slots=True)
class LatencySnapshot:
    """A histogram: `counts[i]` calls took at most `bounds_s[i]`, the last entry counts the slower ones.

    Percentiles are estimates, interpolated within a bucket; None without calls. Beyond the last bound they are the
    slowest call seen.
    """

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    sum_s: float
    slowest_s: float
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


@dataclass(frozen=True, slots=True)
class RouteSnapshot:
    """One route until now. `calls` counts cache hits too; the latency is that of the others, waits included."""

    route: str
    calls: int
    latency: LatencySnapshot
    errors: Mapping[str, int]
    retries: int
    cache_hits: int
    waits: int
    waited_s: float

    @property
    def carried_out(self) -> int:
        """Calls that were not answered from the cache."""
        return self.calls - self.cache_hits

    @property
    def failed(self) -> int:
        return sum(self.errors.values())


def together(routes: Iterable[RouteSnapshot]) -> LatencySnapshot:
    """The latencies of several routes as one histogram."""
    merged = _Histogram()
    for route in routes:
        merged.counts = [a + b for a, b in zip(merged.counts, route.latency.counts, strict=True)]
        merged.sum_s += route.latency.sum_s
        merged.slowest_s = max(merged.slowest_s, route.latency.slowest_s)
    return merged.snapshot()


@dataclass(slots=True)
class _Histogram:
    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_S) + 1))
    sum_s: float = 0.0
    slowest_s: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(LATENCY_BOUNDS_S, seconds)] += 1
        self.sum_s += seconds
        self.slowest_s = max(self.slowest_s, seconds)

    def snapshot(self) -> LatencySnapshot:
        return LatencySnapshot(
            bounds_s=LATENCY_BOUNDS_S,
            counts=tuple(self.counts),
            sum_s=self.sum_s,
            slowest_s=self.slowest_s,
            p50_s=percentile(self.counts, 0.50, slowest_s=self.slowest_s),
            p95_s=percentile(self.counts, 0.95, slowest_s=self.slowest_s),
            p99_s=percentile(self.counts, 0.99, slowest_s=self.slowest_s),
        )


@dataclass(slots=True)
class _Route:
    latency: _Histogram = field(default_factory=_Histogram)
    errors: dict[str, int] = field(default_factory=dict)
    finished: int = 0
    retries: int = 0
    cache_hits: int = 0
    waits: int = 0
    waited_s: float = 0.0


class InMemoryMetrics:
    """CallMetrics kept in this process. Routes beyond `max_routes` are counted together as `other`."""

    def __init__(self, *, max_routes: int = 200) -> None:
        self._max_routes = max_routes
        self._routes: dict[str, _Route] = {}

    def finished(self, route: str, *, latency_s: float, error: str | None = None) -> None:
        kept = self._route(route)
        kept.finished += 1
        kept.latency.add(max(latency_s, 0.0))
        if error is not None:
            known = error in kept.errors or len(kept.errors) < _MAX_ERRORS
            name = error if known else OTHER_ERRORS
            kept.errors[name] = kept.errors.get(name, 0) + 1

    def cache_hit(self, route: str) -> None:
        self._route(route).cache_hits += 1

    def retried(self, route: str) -> None:
        self._route(route).retries += 1

    def waited(self, route: str, *, seconds: float) -> None:
        kept = self._route(route)
        kept.waits += 1
        kept.waited_s += seconds

    def snapshot(self) -> tuple[RouteSnapshot, ...]:
        """All routes in alphabetical order, as they are now."""
        return tuple(
            RouteSnapshot(
                route=name,
                calls=kept.finished + kept.cache_hits,
                latency=kept.latency.snapshot(),
                errors=dict(kept.errors),
                retries=kept.retries,
                cache_hits=kept.cache_hits,
                waits=kept.waits,
                waited_s=kept.waited_s,
            )
            for name, kept in sorted(self._routes.items())
        )

    def _route(self, name: str) -> _Route:
        kept = self._routes.get(name)
        if kept is None:
            if len(self._routes) >= self._max_routes:
                name = OTHER_ROUTES
            kept = self._routes.setdefault(name, _Route())
        return kept


def percentile(counts: Sequence[int], share: float, *, slowest_s: float) -> float | None:
    """The latency below which `share` of the calls lie, by linear interpolation within its bucket."""
    rank = share * sum(counts)
    if rank == 0:
        return None
    below = 0
    for index, count in enumerate(counts[:-1]):
        if count and below + count >= rank:
            lower = LATENCY_BOUNDS_S[index - 1] if index else 0.0
            upper = min(LATENCY_BOUNDS_S[index], slowest_s)
            return lower + max(upper - lower, 0.0) * (rank - below) / count
        below += count
    return slowest_s
