"""Every metric there is: its name and unit by Prometheus' conventions, its kind, its labels and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "info"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. `labels` have few values each; a counter's samples end in `_total`, an info's in `_info`."""

    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()

    @property
    def sample_names(self) -> tuple[str, ...]:
        """What its samples are called in an expression."""
        match self.kind:
            case "counter":
                return (f"{self.name}_total",)
            case "info":
                return (f"{self.name}_info",)
            case "histogram":
                return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
            case "gauge":
                return (self.name,)


def _counter(name: str, about: str, *labels: str) -> Metric:
    return Metric(f"polydesk_{name}", "counter", about, labels)


def _gauge(name: str, about: str, *labels: str) -> Metric:
    return Metric(f"polydesk_{name}", "gauge", about, labels)


def _seconds(name: str, about: str, *labels: str) -> Metric:
    return Metric(f"polydesk_{name}_seconds", "histogram", about, labels)


_SERVER = (
    _gauge("up", "1 where a server answers."),
    _gauge("desk_open", "1 where a process holds the desk; all but the server's own metrics are missing otherwise."),
    _gauge("process_resident_memory_bytes", "Memory that a process holds: the desk's, or a door's.", "role"),
    _counter("process_cpu_seconds", "Processor time a process has used, in its own code and in the kernel.", "role"),
)

_DESK = (
    Metric("polydesk_desk", "info", "Which money this is, and what runs the desk.", ("mode", "source", "version")),
    _gauge("desk_doors", "Other server processes that use the desk."),
    _gauge("trading_halted", "1 while the kill switch is engaged."),
)

_MONEY = (
    _gauge("equity_dollars", "What the account was worth when that was last read, settled or not."),
    _gauge("equity_settled_dollars", "The same without what fills that are not confirmed have brought or taken."),
    _gauge("cash_dollars", "Cash of the account when it was last read."),
    _gauge("positions_value_dollars", "What positions could be sold for when they were last read."),
    _gauge("equity_age_seconds", "How long ago the account was last read."),
    _gauge("day_orders_dollars", "Worst cost of all orders sent since midnight UTC, void ones aside."),
    _gauge("limit_dollars", "Limits that a person has set: order, day, day_loss, market, event, exposure.", "limit"),
)

_ORDERS = (
    _gauge("orders", "Orders of the account in each state, since its journal began.", "status"),
    _seconds("order_stage", "Time of an order in a stage: planning, signing_and_journal, venue.", "stage"),
    _counter("order_stage_errors", "Orders that a stage ended, by class of error.", "stage", "error"),
    _counter(
        "order_refusals", "Orders refused before anything was sent, by stage and control or code.", "stage", "code"
    ),
    _counter("fills", "Fills of the account, including those before the desk was opened.", "side"),
    _counter("fill_shares", "Shares of those fills.", "side"),
    _counter("fill_dollars", "Dollars of those fills at their prices, without fees.", "side"),
    _counter("fills_failed", "Those of the fills that did not settle.", "side"),
    _gauge("dead_letters", "Orders and cancels that failed for good and that nobody has dealt with."),
)

_STRATEGIES = (
    _gauge("strategy_runs", "Strategies that run or wait for a person, by state.", "status"),
    _gauge(
        "strategy_profit_dollars",
        "What a run has earned, with what it holds at the prices of its last look.",
        "run",
        "strategy",
    ),
    _gauge("strategy_worst_dollars", "The lowest that a run's profit has been.", "run", "strategy"),
    _gauge(
        "strategy_sharpe_ratio",
        "Sharpe ratio a year of a run's daily changes on what it may tie up; from ten days on.",
        "run",
        "strategy",
    ),
    _gauge("strategy_hit_ratio", "Share of a run's markets that have earned, from 0 to 1.", "run", "strategy"),
    _gauge("strategy_last_look_age_seconds", "How long ago a run that goes on last looked.", "run", "strategy"),
    _counter("strategy_looks", "Looks of a run.", "run", "strategy"),
    _counter("strategy_signals", "Signals to trade of a run.", "run", "strategy"),
    _counter("strategy_orders", "Orders that a run has placed.", "run", "strategy"),
    _counter("strategy_refusals", "Signals of a run that were refused, by code.", "run", "strategy", "code"),
    _gauge("forecast_brier_score", "Mean Brier score of an author's first forecasts, over decided events.", "author"),
    _gauge("forecast_market_brier_score", "The market price's score at the same moments.", "author"),
    _gauge("forecast_events", "Independent decided events that an author has forecast.", "author"),
)

_VENUE = (
    _seconds("venue_request", "Time of calls by route, waits and retries included, cache hits not.", "venue", "route"),
    _counter("venue_errors", "Calls that failed, by class of error.", "venue", "route", "error"),
    _counter("venue_retries", "Requests made once more.", "venue", "route"),
    _counter("venue_waits", "Requests held back by a rate limit.", "venue", "route"),
    _counter("venue_wait_seconds", "Time that requests were held back by a rate limit.", "venue", "route"),
    _counter("cache_hits", "Calls answered without a request of their own.", "venue", "route"),
    _gauge("rate_limit_headroom_requests", "Requests that could go at once, by limit.", "limit"),
    _gauge(
        "circuit_state", "1 for the state a host's circuit breaker is in: closed, half_open or open.", "host", "state"
    ),
    _gauge(
        "venue_condition",
        "1 for what the venue takes: normal, restarting, post_only, cancel_only or disabled.",
        "condition",
    ),
    _gauge("clock_skew_seconds", "How far the venue's clock is ahead of this machine's; 0 until measured."),
)

_TOOLS = (
    _seconds("tool_call", "Time of tool calls, however they ended.", "tool"),
    _counter("tool_errors", "Tool calls answered with an error, by its code.", "tool", "code"),
)

_DATA = (
    _gauge("markets_tracked", "Markets with a book that is followed on the stream."),
    _gauge("markets_open", "Open markets that the last scan of all of them has counted; missing before one."),
    _gauge(
        "books",
        "Followed books that are whole and told of within ten seconds (fresh), and the others (stale).",
        "state",
    ),
    _gauge("stream_connections", "Connections to the stream of books."),
    _gauge("stream_age_seconds", "How long ago anything was last told of a followed book."),
    _counter("stream_gaps", "Gaps noticed in followed books."),
    _counter("stream_reconnections", "Connections opened anew."),
    _counter("stream_dropped_events", "Events lost because reading was slow."),
)

_ALERTS = (
    _gauge("alert_rules", "Rules of alerts that watch, and those that are snoozed.", "state"),
    _counter("alerts", "Alerts told, by kind of rule, by rules that are gone too.", "kind"),
    _gauge("alert_deliveries_failed", "Deliveries of the last day that failed, given up or still tried."),
)

_COMPUTE = (
    Metric(
        "polydesk_pool", "info", "What computes, by kind of worker.", ("kind", "backend", "engine", "device", "dtype")
    ),
    _gauge("pool_workers", "Workers there may be at once.", "kind"),
    _gauge("pool_running", "Workers that run.", "kind"),
    _gauge("pool_queue", "Calls that wait for a worker.", "kind", "priority"),
    _gauge("pool_degraded", "1 where workers do not run on the device that was chosen.", "kind"),
    _counter("pool_restarts", "Workers that died or would not stop.", "kind"),
)

SECTIONS: dict[str, tuple[Metric, ...]] = {
    "Server": _SERVER,
    "Desk": _DESK,
    "Money": _MONEY,
    "Orders": _ORDERS,
    "Strategies and forecasts": _STRATEGIES,
    "Venue": _VENUE,
    "Tools": _TOOLS,
    "Data": _DATA,
    "Alerts": _ALERTS,
    "Compute": _COMPUTE,
}

METRICS: dict[str, Metric] = {metric.name: metric for section in SECTIONS.values() for metric in section}
