"""Routes of the data service, version 2: an account's positions, trades, activity and value."""

from __future__ import annotations

import base64
import binascii
import uuid
from typing import Any, cast

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..identifiers import is_hash32
from .data_rows import holdings_value, position_rows, trade_rows
from .ledger import Account
from .payloads import Json
from .responses import JsonResponse, exchange_of
from .venue import Exchange

_DEFAULT_LIMIT = 100
_MAX_LIMIT = 1000
_MAX_CONDITIONS = 20
_SORT_FIELDS = {
    "CURRENT_VALUE": "current_value",
    "PRICE": "current_price",
    "TOKENS": "current_size",
    "UNREALIZED_PNL": "unrealized_pnl",
    "REALIZED_PNL": "realized_pnl",
    "TOTAL_PNL": "total_pnl",
    "TIMESTAMP": "last_event_at",
}


class DataError(Exception):
    """The data service refuses a request because of `parameter`."""

    def __init__(self, text: str, *, parameter: str) -> None:
        super().__init__(text)
        self.text = text
        self.parameter = parameter


def data_routes() -> list[Route]:
    return [
        Route("/", _ok),
        Route("/v2/positions", _positions),
        Route("/v2/trades", _trades),
        Route("/v2/activity", _activity),
        Route("/v2/value", _value),
    ]


async def data_error_response(_: Request, error: Exception) -> Response:
    """Exception handler of the data service."""
    refused = cast(DataError, error)
    body = {
        "error": refused.text,
        "code": "invalid_request",
        "parameter": refused.parameter,
        "retryable": False,
        "trace_id": uuid.uuid5(uuid.NAMESPACE_URL, refused.text).hex,
    }
    return JsonResponse(body, status_code=400)


async def _ok(request: Request) -> Response:
    return JsonResponse({"data": "OK"})


async def _positions(request: Request) -> Response:
    """Those still held, unless `status` asks for others; the most valuable first unless sorted otherwise."""
    exchange, query = exchange_of(request), request.query_params
    user = _user(query)
    conditions, event_id = _market_filters(query)
    account = exchange.account_of(user)
    rows = position_rows(exchange, account, user) if account else []
    rows = [
        row
        for row in rows
        if _has_status(row, query.get("status"))
        and (not conditions or row["condition_id"] in conditions)
        and (event_id is None or row["event_id"] == event_id)
        and (query.get("title") or "").lower() in row["title"].lower()
    ]
    sort = (_either(query, "sort_by", "sortBy") or "CURRENT_VALUE").upper()
    if sort not in _SORT_FIELDS:
        raise DataError("invalid value for query param 'sort_by'", parameter="sort_by")
    ascending = (_either(query, "sort_direction", "sortDirection") or "DESC").upper() == "ASC"
    rows.sort(key=lambda row: cast(float, row[_SORT_FIELDS[sort]]), reverse=not ascending)
    return _page(rows, query)


async def _trades(request: Request) -> Response:
    """Takers only unless `taker_only=false`; of everyone without `user`."""
    exchange, query = exchange_of(request), request.query_params
    user = query.get("user")
    taker_only = (_either(query, "taker_only", "takerOnly") or "true").lower() == "true"
    account = exchange.account_of(user) if user else None
    if user and account is None:
        return _page([], query)
    rows = _filtered_trades(exchange, query, account=account, taker_only=taker_only)
    return _page([{name: row[name] for name in row if name not in ("type", "usdc_size")} for row in rows], query)


async def _activity(request: Request) -> Response:
    """Trades, as taker and as maker; a taker's BUY includes its fee in `usdc_size`."""
    exchange, query = exchange_of(request), request.query_params
    account = exchange.account_of(_user(query))
    types = {given.upper() for given in query.getlist("type")}
    if account is None or (types and "TRADE" not in types):
        return _page([], query)
    rows = _filtered_trades(exchange, query, account=account, taker_only=False)
    return _page([{**row, "is_combo": False} for row in rows], query)


async def _value(request: Request) -> Response:
    exchange, query = exchange_of(request), request.query_params
    user = _user(query)
    conditions, _ = _market_filters(query)
    account = exchange.account_of(user)
    value = holdings_value(exchange, account, conditions) if account else 0
    return JsonResponse({"data": {"proxy_wallet": user.lower(), "value": value}})


def _filtered_trades(
    exchange: Exchange, query: QueryParams, *, account: Account | None, taker_only: bool
) -> list[Json]:
    conditions, event_id = _market_filters(query)
    start, end = _seconds(query, "start"), _seconds(query, "end")
    side = (query.get("side") or "").upper()
    trades = list(exchange.tape) if account is None else list(exchange.trades_of(account))
    return [
        row
        for row in trade_rows(exchange, trades, account=account, taker_only=taker_only)
        if (not conditions or row["condition_id"] in conditions)
        and (event_id is None or exchange.by_condition[row["condition_id"]].recorded.event_id == event_id)
        and (not side or row["side"] == side)
        and (start is None or row["timestamp"] >= start)
        and (end is None or row["timestamp"] <= end)
    ]


def _has_status(row: Json, status: str | None) -> bool:
    match (status or "").upper():
        case "":
            return bool(row["status"] != "CLOSED")
        case "OPEN" | "CLOSED" | "REDEEMABLE" as wanted:
            return bool(row["status"] == wanted)
        case "REDEEMABLE_LOST":
            return bool(row["redeemable"] and not row["current_value"])
        case "MERGEABLE":
            return bool(row["mergeable"])
    raise DataError("invalid value for query param 'status'", parameter="status")


def _user(query: QueryParams) -> str:
    user = query.get("user") or ""
    if len(user) != 42 or not user.startswith("0x"):
        raise DataError("required query param 'user' not provided", parameter="user")
    return user


def _market_filters(query: QueryParams) -> tuple[set[str], str | None]:
    """Condition ids, given repeatedly or with commas, or one event id."""
    given = [*query.getlist("condition"), *query.getlist("condition_id"), *query.getlist("conditionId")]
    conditions = {condition.lower() for text in given for condition in text.split(",") if condition}
    event_id = _either(query, "event_id", "eventId")
    if conditions and event_id:
        raise DataError("must provide either eventId or condition, not both", parameter="condition")
    if len(conditions) > _MAX_CONDITIONS or not all(is_hash32(condition) for condition in conditions):
        raise DataError("invalid value for query param 'condition'", parameter="condition")
    return conditions, event_id


def _seconds(query: QueryParams, name: str) -> int | None:
    given = query.get(name)
    if given is None:
        return None
    try:
        return int(given)
    except ValueError:
        raise DataError(f"invalid value for query param '{name}'", parameter=name) from None


def _page(rows: list[Json], query: QueryParams) -> Response:
    limit = _seconds(query, "limit")
    limit = _DEFAULT_LIMIT if limit is None else min(max(limit, 1), _MAX_LIMIT)
    start = _position(query.get("cursor"))
    more = start + limit < len(rows)
    following = base64.urlsafe_b64encode(str(start + limit).encode()).decode() if more else None
    pagination: dict[str, Any] = {"limit": limit, "offset": start, "has_more": more, "next_cursor": following}
    return JsonResponse({"data": rows[start : start + limit], "pagination": pagination})


def _position(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return max(int(base64.urlsafe_b64decode(cursor)), 0)
    except (binascii.Error, ValueError):
        raise DataError("invalid value for query param 'cursor'", parameter="cursor") from None


def _either(query: QueryParams, snake: str, camel: str) -> str | None:
    """Parameters are accepted in either case style."""
    return query.get(snake) or query.get(camel)
