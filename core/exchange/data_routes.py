"""Routes of the data service, version 2, about accounts: positions, trades, activity and value."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .data_query import DataError, data_page, either, market_filters, user_of, whole_number
from .data_rows import action_rows, holdings_value, position_rows, trade_rows
from .ledger import Account
from .payloads import Json
from .responses import JsonResponse, exchange_of
from .venue import Exchange

_SORT_FIELDS = {
    "CURRENT_VALUE": "current_value",
    "PRICE": "current_price",
    "TOKENS": "current_size",
    "UNREALIZED_PNL": "unrealized_pnl",
    "REALIZED_PNL": "realized_pnl",
    "TOTAL_PNL": "total_pnl",
    "TIMESTAMP": "last_event_at",
}


def data_routes() -> list[Route]:
    return [
        Route("/", _ok),
        Route("/v2/positions", _positions),
        Route("/v2/trades", _trades),
        Route("/v2/activity", _activity),
        Route("/v2/value", _value),
    ]


async def _ok(request: Request) -> Response:
    return JsonResponse({"data": "OK"})


async def _positions(request: Request) -> Response:
    """Those still held, unless `status` asks for others; the most valuable first unless sorted otherwise."""
    exchange, query = exchange_of(request), request.query_params
    user = user_of(query)
    conditions, event_id = market_filters(query)
    account = exchange.accounts.account_of(user)
    rows = position_rows(exchange, account, user) if account else []
    rows = [
        row
        for row in rows
        if _has_status(row, query.get("status"))
        and (not conditions or row["condition_id"] in conditions)
        and (event_id is None or row["event_id"] == event_id)
        and (query.get("title") or "").lower() in row["title"].lower()
    ]
    sort = (either(query, "sort_by", "sortBy") or "CURRENT_VALUE").upper()
    if sort not in _SORT_FIELDS:
        raise DataError("invalid value for query param 'sort_by'", parameter="sort_by")
    ascending = (either(query, "sort_direction", "sortDirection") or "DESC").upper() == "ASC"
    rows.sort(key=lambda row: cast(float, row[_SORT_FIELDS[sort]]), reverse=not ascending)
    return data_page(rows, query)


async def _trades(request: Request) -> Response:
    """Takers only unless `taker_only=false`; of everyone without `user`."""
    exchange, query = exchange_of(request), request.query_params
    user = query.get("user")
    taker_only = (either(query, "taker_only", "takerOnly") or "true").lower() == "true"
    account = exchange.accounts.account_of(user) if user else None
    if user and account is None:
        return data_page([], query)
    rows = _filtered_trades(exchange, query, account=account, taker_only=taker_only)
    return data_page([{name: row[name] for name in row if name not in ("type", "usdc_size")} for row in rows], query)


async def _activity(request: Request) -> Response:
    """Trades, as taker and as maker, and what the wallet did beside; a taker's BUY includes its fee in `usdc_size`.

    What was paid in is left out unless `exclude_deposits_withdrawals=false`.
    """
    exchange, query = exchange_of(request), request.query_params
    user = user_of(query)
    account = exchange.accounts.account_of(user)
    if account is None:
        return data_page([], query)
    types = {part.upper() for given in query.getlist("type") for part in given.split(",")}
    rows = _filtered_trades(exchange, query, account=account, taker_only=False)
    excluded = either(query, "exclude_deposits_withdrawals", "excludeDepositsWithdrawals") or "true"
    actions = action_rows(exchange, account, user, deposits=excluded.lower() == "false")
    rows += filter(_row_filter(exchange, query), actions)
    rows = [row for row in rows if not types or row["type"] in types]
    ascending = (either(query, "sort_direction", "sortDirection") or "DESC").upper() == "ASC"
    rows.sort(key=lambda row: cast(int, row["timestamp"]), reverse=not ascending)
    return data_page([{**row, "is_combo": False} for row in rows], query)


async def _value(request: Request) -> Response:
    exchange, query = exchange_of(request), request.query_params
    user = user_of(query)
    conditions, _ = market_filters(query)
    account = exchange.accounts.account_of(user)
    value = holdings_value(exchange, account, conditions) if account else 0
    return JsonResponse({"data": {"proxy_wallet": user.lower(), "value": value}})


def _filtered_trades(
    exchange: Exchange, query: QueryParams, *, account: Account | None, taker_only: bool
) -> list[Json]:
    trades = list(exchange.registry.tape) if account is None else list(exchange.registry.trades_of(account))
    rows = trade_rows(exchange, trades, account=account, taker_only=taker_only)
    return list(filter(_row_filter(exchange, query), rows))


def _row_filter(exchange: Exchange, query: QueryParams) -> Callable[[Json], bool]:
    """Whether a row is of the markets, the side and the time that the query asks for. Raises DataError."""
    conditions, event_id = market_filters(query)
    start, end = whole_number(query, "start"), whole_number(query, "end")
    side = (query.get("side") or "").upper()

    def wanted(row: Json) -> bool:
        listing = exchange.markets.by_condition.get(row["condition_id"])
        return (
            (not conditions or row["condition_id"] in conditions)
            and (event_id is None or (listing is not None and listing.recorded.event_id == event_id))
            and (not side or row["side"] == side)
            and (start is None or row["timestamp"] >= start)
            and (end is None or row["timestamp"] <= end)
        )

    return wanted


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
