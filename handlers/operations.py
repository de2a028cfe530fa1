"""The tool that says what the desk is, what state it is in, and what it may do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..core.errors import PolymarketAPIError
from ..core.models import OrderStatus
from ..core.untrusted_text import quoted
from .answer import AccountAnswer, Answer, Num, When, rounded
from .arguments import Detail
from .context import Desk, VenueHealth
from .toolspec import DEFAULT_TOOLSETS, Toolset, ToolSpec

if TYPE_CHECKING:
    from ..core.alerts.alert_book import Alert
    from ..core.telemetry.metrics import RouteSnapshot
    from ..gpu.interface import KindStatus, PoolStatus

_SKEW_SHOWN_S = 1.0
_ROUTES_SHOWN = 12
_NEWS_SHOWN = 10
_HASH_SHOWN = 12

_RESTRICTIONS = {
    "restarting": "no orders and no cancels while it restarts",
    "post_only": "only orders that cannot take (post_only), and cancels",
    "cancel_only": "cancels only",
    "disabled": "no orders and no cancels",
}


class Limits(Answer):
    max_order_usd: Num
    max_open_orders: int
    max_book_age_s: Num


class WorkersLine(Answer):
    """Workers of one kind. What they compute with is known once one has started."""

    kind: str
    engine: str | None = None
    engines: dict[str, str] | None = None
    device: str | None = None
    dtype: str | None = None
    models: dict[str, str] | None = None
    workers: int
    threads: int
    queued: dict[str, int] | None = None
    restarts: int | None = None
    degraded: str | None = None


class Compute(Answer):
    backend: str
    running: int
    queued: int
    problem: str | None = None
    kinds: list[WorkersLine] | None = None


class Seat(Answer):
    """The process that is the desk; `doors` are other servers that use it."""

    pid: int
    doors: int
    survives_host_exit: bool


class RouteLine(Answer):
    """Calls of one route, or orders through one stage, since the start; latencies of those not `from_cache`."""

    route: str
    calls: int
    p50_ms: Num | None = None
    p95_ms: Num | None = None
    errors: dict[str, int] | None = None
    retries: int | None = None
    from_cache: int | None = None
    held_back: int | None = None


class NewsLine(Answer):
    at: When
    what: str
    side: str
    outcome: str
    market: str
    attempt_id: str


class SinceLastSeen(Answer):
    """What became of orders, and what alerts told, since this was last asked."""

    since: When
    orders: list[NewsLine] | None = None
    more: int | None = None
    resolved: list[str] | None = None
    alerts: list[str] | None = None


class StatusAnswer(AccountAnswer):
    # Parts that explain themselves are plain, which lists them by their name alone.
    since_last_seen: dict[str, Any] | None = None
    as_of: When
    running_since: When
    desk: dict[str, Any]
    venue: str
    venue_problem: str | None = None
    venue_takes: str | None = None
    hosts_left_alone: list[str] | None = None
    clock_skew_s: Num | None = None
    scarce_requests: dict[str, int] | None = None
    trading: str
    halted_because: str | None = None
    orders: dict[str, int]
    awaiting_person: list[str] | None = None
    limits: dict[str, Any]
    figures: dict[str, Any]
    compute: dict[str, Any]
    routes: list[dict[str, Any]] | None = None
    toolsets: list[str]
    toolsets_off: list[str] | None = None
    turn_on: str | None = None
    warnings: list[str] | None = None


async def get_status(desk: Desk, detail: Detail = "concise") -> StatusAnswer:
    """Say which money this is, whether the venue answers, what is halted, limited or waiting for a person.

    Start with this after a break. detail=full adds latencies of the venue's busiest routes and what computes.
    """
    from .figures import figures_of  # with the first call

    problem = None
    try:
        await desk.directory.listing(limit=1, after_cursor=None, closed=False, order="volume24hr", ascending=False)
    except PolymarketAPIError as error:
        problem = quoted(error.message, 200)
    if desk.account is not None:
        with suppress(PolymarketAPIError):  # what the journal knows is told all the same
            await desk.trading.refresh()
            desk.last_seen.note_resolved(await desk.trading.positions(), now=desk.clock.now())
    health = desk.venue_health()
    halt = desk.trading.halt
    journal = desk.trading.journal
    waiting = [each.approval.code for each in journal.in_state(OrderStatus.AWAITING_PERSON) if each.approval]
    limits = desk.trading.gate.limits
    off = sorted(toolset.value for toolset in frozenset(Toolset) - desk.toolsets)
    since = _since_last_seen(desk)
    return StatusAnswer(
        **desk.heading,
        since_last_seen=None if since is None else since.as_json(),
        as_of=desk.clock.now(),
        running_since=desk.started_at,
        desk=_seat(desk).as_json(),
        venue="answers" if problem is None else "does not answer",
        venue_problem=problem,
        venue_takes=_venue_takes(health),
        hosts_left_alone=list(health.left_alone) or None,
        clock_skew_s=Decimal(f"{health.clock_skew_s:.1f}") if abs(health.clock_skew_s) >= _SKEW_SHOWN_S else None,
        scarce_requests=health.scarce or None,
        trading=desk.trading_state,
        halted_because=halt.reason if halt else None,
        orders={status.value: count for status, count in journal.counts().items()},
        awaiting_person=waiting or None,
        limits=Limits(
            max_order_usd=limits.max_order_usd,
            max_open_orders=limits.max_open_orders,
            max_book_age_s=Decimal(str(limits.max_book_age_s)),
        ).as_json(),
        figures=figures_of(desk),
        compute=_compute(desk.compute(), detail).as_json(),
        routes=[
            _route_line(each).as_json() for each in (*desk.trading.latency.snapshot(), *health.busiest(_ROUTES_SHOWN))
        ]
        if detail == "full"
        else None,
        toolsets=sorted(toolset.value for toolset in desk.toolsets),
        toolsets_off=off or None,
        turn_on=_turn_on(desk.toolsets),
        warnings=[
            *desk.all_warnings,
            *_undelivered(desk),
        ]
        or None,
    )


def _compute(pool: PoolStatus, detail: Detail) -> Compute:
    return Compute(
        backend=pool.backend,
        running=pool.running,
        queued=pool.queue_length,
        problem=quoted(pool.degraded, 200) or None,
        kinds=[_workers_line(kind) for kind in pool.kinds] if detail == "full" else None,
    )


def _workers_line(kind: KindStatus) -> WorkersLine:
    queued = {"interactive": kind.interactive, "bulk": kind.bulk}
    return WorkersLine(
        kind=kind.kind,
        engine=kind.engine or None,
        engines=dict(kind.engines) or None,
        device=kind.device or None,
        dtype=kind.dtype or None,
        models={model.name: model.sha256[:_HASH_SHOWN] for model in kind.models} or None,
        workers=kind.workers,
        threads=kind.threads,
        queued={name: count for name, count in queued.items() if count} or None,
        restarts=kind.restarts or None,
        degraded=quoted(kind.degraded, 200) if kind.degraded else None,
    )


def _seat(desk: Desk) -> Seat:
    seat = desk.seat()
    return Seat(pid=seat.pid, doors=seat.doors, survives_host_exit=seat.survives_host_exit)


def _since_last_seen(desk: Desk) -> SinceLastSeen | None:
    from ..core.trading.since_last_seen import SinceLastSeen as LastTold

    told = desk.last_seen.tell(desk.caller, now=desk.clock.now())
    alerts = desk.alerts.tell(desk.caller)
    if not alerts and (told is None or not (told.orders or told.resolved)):
        return None
    shown = told or LastTold(since=alerts[0].at, orders=(), resolved=())
    return SinceLastSeen(
        since=shown.since,
        orders=[
            NewsLine(
                at=news.at,
                what=news.what,
                side=news.record.intent.side.value,
                outcome=quoted(news.record.intent.outcome.label, 60),
                market=news.record.intent.market.slug,
                attempt_id=news.record.attempt_id,
            )
            for news in shown.orders[-_NEWS_SHOWN:]
        ]
        or None,
        more=len(shown.orders) - _NEWS_SHOWN if len(shown.orders) > _NEWS_SHOWN else None,
        resolved=list(shown.resolved) or None,
        alerts=_alert_lines(alerts) or None,
    )


def _undelivered(desk: Desk) -> list[str]:
    """How many alerts channels have not taken, by channel, with what the last one failed with."""
    troubles = desk.alerts.delivery_troubles()
    latest = {each.channel: each for each in reversed(troubles)}
    counts = Counter(each.channel for each in troubles)
    return [
        f"Channel {name} has not taken {counts[name]} alerts of the last day: {quoted(each.error, 80)}"
        for name, each in sorted(latest.items())
    ]


def _alert_lines(alerts: Sequence[Alert]) -> list[str]:
    """What alerts told, the newest in full."""
    earlier = len(alerts) - _NEWS_SHOWN
    lines = [f"{each.at:%Y-%m-%dT%H:%M:%SZ} {quoted(each.text, 200)}" for each in alerts[-_NEWS_SHOWN:]]
    return [f"{earlier} earlier ones: polymarket_manage_alerts", *lines] if earlier > 0 else lines


def _route_line(route: RouteSnapshot) -> RouteLine:
    latency = route.latency
    return RouteLine(
        route=route.route,
        calls=route.calls,
        p50_ms=None if latency.p50_s is None else rounded(latency.p50_s * 1000, 1),
        p95_ms=None if latency.p95_s is None else rounded(latency.p95_s * 1000, 1),
        errors=dict(route.errors) or None,
        retries=route.retries or None,
        from_cache=route.cache_hits or None,
        held_back=route.waits or None,
    )


def _venue_takes(health: VenueHealth) -> str | None:
    """The venue's own restriction in words; None while it takes everything."""
    if health.condition == "normal" or health.since is None:
        return None
    wait = "" if health.retry_after_s is None else f"; it asked to wait {health.retry_after_s:g} s"
    return f"{_RESTRICTIONS[health.condition]}, first heard {health.since:%Y-%m-%dT%H:%M:%SZ}{wait}"


def _turn_on(on: frozenset[Toolset]) -> str | None:
    """How a person gets the toolsets that are off; None when none is."""
    if on >= frozenset(Toolset):
        return None
    name = "all" if on >= DEFAULT_TOOLSETS else "default"
    return f"a person restarts the server with POLYMARKET_TOOLSETS={name}"


TOOLS = (ToolSpec("polymarket_get_status", Toolset.OPERATIONS, "Desk status ({MODE})", get_status),)
