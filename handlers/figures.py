"""The few figures that say how fast and how sound the desk has been since it was opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.telemetry.metrics import LatencySnapshot, together

if TYPE_CHECKING:
    from .context import Desk


def figures_of(desk: Desk) -> dict[str, Any]:
    """Plain, without what is not known yet.

    `error_share` is of tool calls; the 95th percentiles are of tools, of requests to the venue, and of orders by stage.
    Of `books` that are followed, `books_stale` are not whole or not new; `markets_open` are all there are.
    """
    tools, stream, health = desk.tool_calls(), desk.quotes.stream, desk.venue_health()
    calls, failed = sum(tool.calls for tool in tools), sum(tool.failed for tool in tools)
    stages = {stage.route.removeprefix("order "): _p95_ms(stage.latency) for stage in desk.trading.latency.snapshot()}
    figures = {
        "tool_calls": calls,
        "error_share": round(failed / calls, 3) if calls else None,
        "tool_p95_ms": _p95_ms(together(tools)),
        "venue_p95_ms": _p95_ms(together((*health.routes, *health.public_routes))),
        "order_p95_ms": {stage: p95_ms for stage, p95_ms in stages.items() if p95_ms is not None} or None,
        "markets": stream.markets if stream else None,
        "markets_open": desk.scanner.open_markets,
        "books": stream.followed if stream else None,
        "books_stale": stream.followed - stream.fresh if stream else None,
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _p95_ms(latency: LatencySnapshot) -> float | None:
    return None if latency.p95_s is None else round(latency.p95_s * 1000, 1)
