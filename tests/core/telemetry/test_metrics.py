"""Calls are counted per route, and percentiles follow from the histogram."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from polydesk.core.telemetry.metrics import (
    LATENCY_BOUNDS_S,
    OTHER_ERRORS,
    OTHER_ROUTES,
    InMemoryMetrics,
    percentile,
    together,
)


def test_everything_that_happens_to_a_route_is_in_its_snapshot() -> None:
    metrics = InMemoryMetrics()
    metrics.finished("GET clob /book", latency_s=0.02)
    metrics.finished("GET clob /book", latency_s=70, error="VenueUnavailable")
    metrics.finished("GET clob /book", latency_s=0.3, error="VenueUnavailable")
    metrics.cache_hit("GET clob /book")
    metrics.retried("GET clob /book")
    metrics.waited("GET clob /book", seconds=1.5)
    metrics.waited("GET clob /book", seconds=0.5)
    metrics.cache_hit("GET clob /a")
    first, route = metrics.snapshot()
    assert (first.route, first.calls, first.latency.p50_s) == ("GET clob /a", 1, None)
    assert (route.route, route.calls, route.cache_hits, route.retries) == ("GET clob /book", 4, 1, 1)
    assert (route.waits, route.waited_s) == (2, 2.0)
    assert route.errors == {"VenueUnavailable": 2}
    assert sum(route.latency.counts) == 3
    assert route.latency.counts[-1] == 1
    assert route.latency.sum_s == pytest.approx(70.32)
    assert route.latency.p99_s == 70


def test_a_snapshot_does_not_change_afterwards() -> None:
    metrics = InMemoryMetrics()
    metrics.finished("r", latency_s=0.01, error="A")
    (before,) = metrics.snapshot()
    metrics.finished("r", latency_s=0.01, error="A")
    assert (before.calls, before.errors) == (1, {"A": 1})
    with pytest.raises(FrozenInstanceError):
        before.calls = 7  # type: ignore[misc]


def test_routes_are_bounded() -> None:
    metrics = InMemoryMetrics(max_routes=3)
    for number in range(10):
        metrics.finished(f"route {number}", latency_s=0.1)
    snapshot = {route.route: route.calls for route in metrics.snapshot()}
    assert snapshot == {"route 0": 1, "route 1": 1, "route 2": 1, OTHER_ROUTES: 7}


def test_percentiles_lie_in_the_bucket_of_their_rank() -> None:
    metrics = InMemoryMetrics()
    for number in range(1, 1001):
        metrics.finished("r", latency_s=number / 1000)
    latency = metrics.snapshot()[0].latency
    assert latency.p50_s == pytest.approx(0.5, abs=0.01)
    assert latency.p95_s == pytest.approx(0.95, abs=0.01)
    assert latency.p99_s == pytest.approx(0.99, abs=0.01)


def test_a_latency_on_a_bound_belongs_below_it_and_none_is_negative() -> None:
    metrics = InMemoryMetrics()
    metrics.finished("r", latency_s=LATENCY_BOUNDS_S[3])
    metrics.finished("r", latency_s=-1)
    counts = metrics.snapshot()[0].latency.counts
    assert (counts[3], counts[0]) == (1, 1)


def test_without_calls_there_is_no_percentile() -> None:
    assert percentile([0, 0], 0.5, slowest_s=0) is None


def test_errors_with_names_made_up_elsewhere_are_bounded() -> None:
    metrics = InMemoryMetrics()
    for number in range(100):
        metrics.finished("r", latency_s=0.01, error=f"code {number}")
    (route,) = metrics.snapshot()
    assert len(route.errors) < 50
    assert route.errors[OTHER_ERRORS] > 50
    assert (route.failed, route.carried_out) == (100, 100)


def test_several_routes_are_told_as_one() -> None:
    metrics = InMemoryMetrics()
    for _ in range(19):
        metrics.finished("fast", latency_s=0.001)
    metrics.finished("slow", latency_s=70)
    both = together(metrics.snapshot())
    assert (sum(both.counts), both.counts[-1]) == (20, 1)
    assert both.p99_s == 70
    assert both.p50_s is not None and both.p50_s <= 0.001
    assert together(()).p95_s is None
