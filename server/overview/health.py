"""How the venue, the streams, the workers and the desk itself are doing, as far as is known without asking anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.untrusted_text import quoted
from ...handlers.answer import rounded
from .shapes import HealthLine, PoolLine, RouteLine, SeatLine, StreamLine, VenueLine

if TYPE_CHECKING:
    from ...handlers.context import Desk

_ROUTES = 6


def health_line(desk: Desk) -> HealthLine:
    """The busiest routes are those with the most calls since the start."""
    health, pool, seat, stream = desk.venue_health(), desk.compute(), desk.seat(), desk.quotes.stream
    now = desk.clock.now()
    return HealthLine(
        venue=VenueLine(
            condition=health.condition,
            since=health.since,
            retry_after_s=rounded(health.retry_after_s, 1),
            left_alone=list(health.left_alone) or None,
            clock_skew_s=rounded(health.clock_skew_s, 1),
            scarce_requests=health.scarce or None,
        ),
        stream=None
        if stream is None
        else StreamLine(
            followed=stream.followed,
            fresh=stream.fresh,
            connections=stream.connections,
            last_news=stream.last_news,
            age_s=rounded((now - stream.last_news).total_seconds(), 1) if stream.last_news else None,
            gaps=stream.gaps,
            dropped=stream.dropped,
        ),
        pool=PoolLine(
            backend=pool.backend,
            running=pool.running,
            queued=pool.queue_length,
            restarts=pool.restarts,
            problem=quoted(pool.degraded, 200) or None,
        ),
        routes=[
            RouteLine(
                route=each.route,
                calls=each.calls,
                p50_ms=None if each.latency.p50_s is None else rounded(each.latency.p50_s * 1000, 1),
                p95_ms=None if each.latency.p95_s is None else rounded(each.latency.p95_s * 1000, 1),
                errors=sum(each.errors.values()),
            )
            for each in health.busiest(_ROUTES)
        ],
        desk=SeatLine(pid=seat.pid, doors=seat.doors, survives_host_exit=seat.survives_host_exit),
        running_since=desk.started_at,
        orders={status.value: count for status, count in desk.trading.journal.counts().items()},
        dead_letters=len(desk.trading.letters.open()),
    )
