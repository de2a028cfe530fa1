"""The columns by which labelled prices are known in the files of many recorders, and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.table_files import TRUE

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "price": (
        "price",
        "market_price",
        "freeze_price",
        "entry_price",
        "precio_yes_mercado",
        "pricea",
        "yes",
        "mid",
        "p",
    ),
    "outcome": (
        "outcome",
        "came_true",
        "resolved_to",
        "won",
        "yes_won",
        "a_won",
        "outcome_real",
        "yes_won_inferred",
        "resolvedoutcome",
        "resolved_outcome",
        "label",
    ),
    "at": ("at", "freeze_datetime", "prediction_timestamp", "game_start", "ts_utc", "timestamp", "t"),
    "ends_at": ("ends_at", "market_end_date", "end_date", "enddate", "close", "game_start"),
    "decided_at": ("decided_at", "resolution_timestamp", "resolution_date", "resolved_ts", "closed_time", "closedtime"),
    "market": ("market_id", "condition_id", "conditionid", "id", "token_id", "slug", "question"),
    "event": ("event", "event_slug", "eventtitle"),
    "category": ("category", "subtype", "tags"),
    "question": ("question", "title", "slug", "market_slug", "market"),
}


def is_exclusive(row: Mapping[str, Any]) -> bool:
    """Whether a row says, or its bands or its competition show, that it is one of several of which one comes true."""
    stated = str(row.get("neg_risk") or row.get("negrisk") or "").lower() in TRUE
    return stated or ("lower_price" in row and "upper_price" in row) or row.get("market") == "outright"


def half_spread_of(row: Mapping[str, Any]) -> float | None:
    """Half the distance of a row's quotes; None without both."""
    bid, ask = number(row.get("bid")), number(row.get("ask"))
    return None if bid is None or ask is None or not 0 < bid < ask < 1 else (ask - bid) / 2


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with the names of its columns in lower case."""
    return {str(name).strip().lower(): value for name, value in row.items()}


def cell(row: Mapping[str, Any], meaning: str) -> Any:
    """The first column of that meaning with something in it; None if there is none."""
    return next((row[name] for name in _COLUMNS[meaning] if row.get(name) not in (None, "")), None)


def number(value: Any) -> float | None:
    """A number, or None for anything else."""
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
