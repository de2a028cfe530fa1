"""Reads a desk into families of samples, from what it knows: nothing is asked of a venue, and nothing changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...core.models import OrderStatus
from ...core.telemetry.metrics import RouteSnapshot
from .process import add_process
from .samples import Samples
from .strategies import add_strategies

if TYPE_CHECKING:
    from ...gpu.interface import KindStatus
    from ...handlers.context import Desk

_CONDITIONS = ("normal", "restarting", "post_only", "cancel_only", "disabled")
_CIRCUITS = ("closed", "half_open", "open")
_STAGES = {
    "order planning": "planning",
    "order signing and journal": "signing_and_journal",
    "order at the venue": "venue",
}
_LIMITS = ("order", "day", "day_loss", "market", "event", "exposure")


async def metrics_of(desk: Desk, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """The desk's families as plain values, for whoever shows them. Takes a few milliseconds."""
    return read(desk).as_json()


def read(desk: Desk) -> Samples:
    samples = Samples()
    samples.add("desk", 1, mode=desk.mode.value, source=desk.source, version=__version__)
    samples.add("desk_doors", desk.seat().doors)
    samples.add("trading_halted", desk.trading.halt is not None)
    add_process(samples, "desk")
    _add_money(samples, desk)
    _add_orders(samples, desk)
    add_strategies(samples, desk)
    _add_venue(samples, desk)
    for tool in desk.tool_calls():
        samples.add("tool_call_seconds", tool.latency, tool=tool.route)
        _add_errors(samples, "tool_errors", tool, tool=tool.route)
    _add_data(samples, desk)
    _add_alerts(samples, desk)
    _add_compute(samples, desk)
    return samples


def _add_money(samples: Samples, desk: Desk) -> None:
    now = desk.clock.now()
    if (latest := desk.equity.latest) is not None:
        samples.add("equity_dollars", latest.equity)
        samples.add("equity_settled_dollars", latest.settled_equity)
        samples.add("cash_dollars", latest.cash)
        samples.add("positions_value_dollars", latest.positions_value)
        samples.add("equity_age_seconds", (now - latest.at).total_seconds())
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    samples.add("day_orders_dollars", desk.trading.journal.sent_since(midnight)[1])
    for name in _LIMITS:
        samples.add("limit_dollars", getattr(desk.trading.gate.limits, f"max_{name}_usd"), limit=name)


def _add_orders(samples: Samples, desk: Desk) -> None:
    trading = desk.trading
    counts = trading.journal.counts()
    for status in OrderStatus:
        samples.add("orders", counts.get(status, 0), status=status.value)
    for stage in trading.latency.snapshot():
        label = _STAGES[stage.route]
        samples.add("order_stage_seconds", stage.latency, stage=label)
        _add_errors(samples, "order_stage_errors", stage, stage=label)
    for (stage_name, code), count in trading.refusals.items():
        samples.add("order_refusals", count, stage=stage_name, code=code)
    for side, totals in desk.fills.by_side.items():
        samples.add("fills", totals.fills, side=side.value)
        samples.add("fill_shares", totals.shares, side=side.value)
        samples.add("fill_dollars", totals.dollars, side=side.value)
        samples.add("fills_failed", totals.failed, side=side.value)
    samples.add("dead_letters", len(trading.letters.open()))


def _add_venue(samples: Samples, desk: Desk) -> None:
    health = desk.venue_health()
    _add_routes(samples, "trading", health.routes)
    _add_routes(samples, "public", health.public_routes)
    for limit, left in health.headroom.items():
        samples.add("rate_limit_headroom_requests", left, limit=limit)
    for host, state in health.circuits.items():
        samples.one_of("circuit_state", state, _CIRCUITS, host=host)
    samples.one_of("venue_condition", health.condition, _CONDITIONS)
    samples.add("clock_skew_seconds", health.clock_skew_s)


def _add_routes(samples: Samples, venue: str, routes: Sequence[RouteSnapshot]) -> None:
    for each in routes:
        labels = {"venue": venue, "route": each.route}
        samples.add("venue_request_seconds", each.latency, **labels)
        _add_errors(samples, "venue_errors", each, **labels)
        samples.add("cache_hits", each.cache_hits, **labels)
        if each.retries:
            samples.add("venue_retries", each.retries, **labels)
        if each.waits:
            samples.add("venue_waits", each.waits, **labels)
            samples.add("venue_wait_seconds", each.waited_s, **labels)


def _add_errors(samples: Samples, name: str, counted: RouteSnapshot, **labels: str) -> None:
    kind = "code" if name == "tool_errors" else "error"
    for error, count in counted.errors.items():
        samples.add(name, count, **labels, **{kind: error})


def _add_data(samples: Samples, desk: Desk) -> None:
    samples.add("markets_open", desk.scanner.open_markets)
    stream = desk.quotes.stream
    if stream is None:
        return
    samples.add("markets_tracked", stream.markets)
    samples.add("books", stream.fresh, state="fresh")
    samples.add("books", stream.followed - stream.fresh, state="stale")
    samples.add("stream_connections", stream.connections)
    samples.add("stream_age_seconds", _age(stream.last_news, desk.clock.now()))
    samples.add("stream_gaps", stream.gaps)
    samples.add("stream_reconnections", stream.reconnections)
    samples.add("stream_dropped_events", stream.dropped)


def _add_alerts(samples: Samples, desk: Desk) -> None:
    now, rules, told = desk.clock.now(), desk.alerts.book.rules(), desk.alerts.book.counts_by_kind()
    snoozed = sum(rule.is_snoozed(now) for rule in rules)
    samples.add("alert_rules", len(rules) - snoozed, state="watching")
    samples.add("alert_rules", snoozed, state="snoozed")
    for kind in sorted({watched.rule.kind for watched in rules} | told.keys()):
        samples.add("alerts", told.get(kind, 0), kind=kind.value)
    samples.add("alert_deliveries_failed", len(desk.alerts.delivery_troubles()))


def _age(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else (now - moment).total_seconds()


def _add_compute(samples: Samples, desk: Desk) -> None:
    pool = desk.compute()
    for kind in pool.kinds:
        samples.add(
            "pool", 1, kind=kind.kind, backend=pool.backend, engine=kind.engine, device=kind.device, dtype=kind.dtype
        )
        _add_workers(samples, kind)


def _add_workers(samples: Samples, kind: KindStatus) -> None:
    samples.add("pool_workers", kind.workers, kind=kind.kind)
    samples.add("pool_running", kind.running, kind=kind.kind)
    samples.add("pool_queue", kind.interactive, kind=kind.kind, priority="interactive")
    samples.add("pool_queue", kind.bulk, kind=kind.kind, priority="bulk")
    samples.add("pool_degraded", bool(kind.degraded), kind=kind.kind)
    samples.add("pool_restarts", kind.restarts, kind=kind.kind)
