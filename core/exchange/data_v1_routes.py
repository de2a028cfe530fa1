"""The first version of the data service, still served: bare arrays in camel case, pages by limit and offset."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .data_rows import action_rows, holdings_value, position_rows, trade_rows
from .data_statistics import holder_groups, open_interest, standings, taker_volume
from .ledger import Account
from .listing import Listing
from .payloads import Json
from .rejections import Rejection
from .responses import JsonResponse, exchange_of
from .venue import Exchange

_MAX_OFFSET = 10_000
_MARKET = {
    "title": "title",
    "slug": "slug",
    "icon": "icon",
    "eventSlug": "event_slug",
    "outcome": "outcome",
    "outcomeIndex": "outcome_index",
}
_TRADE = {
    "proxyWallet": "proxy_wallet",
    "side": "side",
    "asset": "token_id",
    "conditionId": "condition_id",
    "size": "size",
    "price": "price",
    "timestamp": "timestamp",
    **_MARKET,
    "name": "name",
    "pseudonym": "pseudonym",
    "bio": "bio",
    "profileImage": "profile_image",
    "profileImageOptimized": "profile_image_optimized",
    "transactionHash": "transaction_hash",
}
_ACTIVITY = {**_TRADE, "type": "type", "usdcSize": "usdc_size"}
_CLOSED = {
    "proxyWallet": "proxy_wallet",
    "asset": "token_id",
    "conditionId": "condition_id",
    "avgPrice": "avg_price",
    "totalBought": "total_size",
    "realizedPnl": "realized_pnl",
    "curPrice": "current_price",
    **_MARKET,
    "oppositeOutcome": "opposite_outcome",
    "oppositeAsset": "opposite_token_id",
    "endDate": "end_date",
}
_POSITION = {
    **_CLOSED,
    "size": "current_size",
    "initialValue": "entry_cost_usdc",
    "currentValue": "current_value",
    "cashPnl": "unrealized_pnl",
    "percentPnl": "percent_pnl",
    "percentRealizedPnl": "percent_realized_pnl",
    "redeemable": "redeemable",
    "mergeable": "mergeable",
    "negativeRisk": "negative_risk",
    "eventId": "event_id",
}
_HOLDER = {
    "proxyWallet": "proxy_wallet",
    "asset": "token_id",
    "amount": "amount",
    "outcomeIndex": "outcome_index",
    "displayUsernamePublic": "display_username_public",
    "verified": "verified",
    "name": "name",
    "pseudonym": "pseudonym",
    "bio": "bio",
    "profileImage": "profile_image",
}


def data_v1_routes() -> list[Route]:
    return [
        Route("/positions", _positions),
        Route("/closed-positions", _closed_positions),
        Route("/trades", _trades),
        Route("/activity", _activity),
        Route("/value", _value),
        Route("/holders", _holders),
        Route("/oi", _open_interest),
        Route("/live-volume", _live_volume),
        Route("/traded", _traded),
        Route("/v1/leaderboard", _leaderboard),
    ]


async def _positions(request: Request) -> Response:
    """Those held of at least `sizeThreshold` shares (default 1), the most valuable first."""
    exchange, query = exchange_of(request), request.query_params
    rows = _position_rows(exchange, query)
    least = float(_amount(query, "sizeThreshold", "1"))
    rows = [row for row in rows if row["status"] != "CLOSED" and row["current_size"] >= least]
    rows.sort(key=lambda row: -float(row["current_value"]))
    return _page([_renamed(row, _POSITION) for row in rows], query, default=100, most=500)


async def _closed_positions(request: Request) -> Response:
    exchange, query = exchange_of(request), request.query_params
    rows = [row for row in _position_rows(exchange, query) if row["status"] == "CLOSED"]
    rows.sort(key=lambda row: -float(row["realized_pnl"]))
    closed = [{**_renamed(row, _CLOSED), "timestamp": row["last_event_at"]} for row in rows]
    return _page(closed, query, default=10, most=50)


async def _trades(request: Request) -> Response:
    exchange, query = exchange_of(request), request.query_params
    user = query.get("user")
    account = exchange.accounts.account_of(user) if user else None
    taker_only = query.get("takerOnly", "true").lower() == "true"
    trades = list(exchange.registry.tape) if not user else exchange.registry.trades_of(account) if account else []
    rows = trade_rows(exchange, trades, account=account, taker_only=taker_only)
    rows = [row for row in rows if _wanted(exchange, query, row)]
    return _page([_renamed(row, _TRADE) for row in rows], query, default=100, most=10_000)


async def _activity(request: Request) -> Response:
    exchange, query = exchange_of(request), request.query_params
    user, account = _user(exchange, query)
    rows: list[Json] = []
    if account is not None:
        rows = trade_rows(exchange, exchange.registry.trades_of(account), account=account, taker_only=False)
        rows += action_rows(exchange, account, user)
    types = {part.upper() for given in query.getlist("type") for part in given.split(",")}
    rows = [row for row in rows if _wanted(exchange, query, row) and (not types or row["type"] in types)]
    rows.sort(key=lambda row: -int(row["timestamp"]))
    return _page([_renamed(row, _ACTIVITY) for row in rows], query, default=100, most=500)


async def _value(request: Request) -> Response:
    exchange, query = exchange_of(request), request.query_params
    user, account = _user(exchange, query)
    value = holdings_value(exchange, account, _conditions(query)) if account else 0
    return JsonResponse([{"user": user.lower(), "value": value}])


async def _holders(request: Request) -> Response:
    exchange, query = exchange_of(request), request.query_params
    groups = [
        {"token": group["token_id"], "holders": [_holder(row) for row in group["holders"]]}
        for listing in _listings(exchange, query, required=True)
        for group in holder_groups(
            exchange, listing, most=_whole(query, "limit", 20, most=20), least=_amount(query, "minBalance", "1")
        )
    ]
    return JsonResponse(groups)


async def _open_interest(request: Request) -> Response:
    exchange, query = exchange_of(request), request.query_params
    if not query.get("market"):
        total = sum(open_interest(exchange, listing) for listing in exchange.markets.listings)
        return JsonResponse([{"market": "GLOBAL", "value": total}])
    rows = [
        {"market": listing.condition_id, "value": open_interest(exchange, listing)}
        for listing in _listings(exchange, query, required=True)
    ]
    return JsonResponse(rows)


async def _live_volume(request: Request) -> Response:
    exchange = exchange_of(request)
    event_id = request.query_params.get("id")
    if not event_id:
        raise _missing("id")
    markets = [
        {"market": listing.condition_id, "value": taker_volume(exchange, listing)}
        for listing in exchange.markets.listings
        if listing.recorded.event_id == event_id
    ]
    return JsonResponse([{"total": sum(row["value"] for row in markets), "markets": markets}])


async def _traded(request: Request) -> Response:
    """The number of markets that a wallet traded in."""
    exchange, query = exchange_of(request), request.query_params
    user, account = _user(exchange, query)
    markets = {trade.taker.condition_id for trade in exchange.registry.trades_of(account)} if account else set()
    return JsonResponse({"user": user.lower(), "traded": len(markets)})


async def _leaderboard(request: Request) -> Response:
    exchange, query = exchange_of(request), request.query_params
    order = {"PNL": "pnl", "VOL": "volume"}.get(query.get("orderBy", "PNL").upper())
    if order is None:
        raise Rejection("invalid value for query param 'orderBy'")
    rows = sorted(standings(exchange, period=query.get("timePeriod", "DAY").lower()), key=lambda row: -row[order])
    ranked = [
        {
            "rank": str(rank),
            "proxyWallet": row["user_id"],
            "userName": row["user_name"],
            "vol": row["volume"],
            "pnl": row["pnl"],
            "profileImage": row["profile_image"],
            "xUsername": row["x_username"],
            "verifiedBadge": row["verified"],
        }
        for rank, row in enumerate(rows, start=1)
        if not query.get("user") or row["user_id"] == query["user"].lower()
    ]
    return _page(ranked, query, default=25, most=50)


def _position_rows(exchange: Exchange, query: QueryParams) -> list[Json]:
    user, account = _user(exchange, query)
    rows = position_rows(exchange, account, user) if account else []
    return [row for row in rows if _in_markets(exchange, query, row)]


def _wanted(exchange: Exchange, query: QueryParams, row: Json) -> bool:
    """Of the markets, the side and the time that the query asks for."""
    start, end = _whole(query, "start", 0), _whole(query, "end", 2**63)
    side = (query.get("side") or "").upper()
    return _in_markets(exchange, query, row) and (not side or row["side"] == side) and start <= row["timestamp"] <= end


def _in_markets(exchange: Exchange, query: QueryParams, row: Json) -> bool:
    conditions, event_id = _conditions(query), query.get("eventId")
    listing = exchange.markets.by_condition.get(row["condition_id"])
    return (not conditions or row["condition_id"] in conditions) and (
        not event_id or (listing is not None and listing.recorded.event_id == event_id)
    )


def _conditions(query: QueryParams) -> set[str]:
    return {part.lower() for given in query.getlist("market") for part in given.split(",") if part}


def _listings(exchange: Exchange, query: QueryParams, *, required: bool) -> list[Listing]:
    conditions = _conditions(query)
    if required and not conditions:
        raise _missing("market")
    return [listing for listing in exchange.markets.listings if listing.condition_id in conditions]


def _user(exchange: Exchange, query: QueryParams) -> tuple[str, Account | None]:
    user = query.get("user") or ""
    if len(user) != 42 or not user.startswith("0x"):
        raise _missing("user")
    return user, exchange.accounts.account_of(user)


def _missing(name: str) -> Rejection:
    return Rejection(f"required query param '{name}' not provided")


def _whole(query: QueryParams, name: str, default: int, *, most: int | None = None) -> int:
    try:
        given = int(query.get(name) or default)
    except ValueError as error:
        raise Rejection(f"invalid value for query param '{name}'") from error
    return given if most is None else min(max(given, 0), most)


def _amount(query: QueryParams, name: str, default: str) -> Decimal:
    try:
        return Decimal(query.get(name) or default)
    except InvalidOperation as error:
        raise Rejection(f"invalid value for query param '{name}'") from error


def _page(rows: list[Json], query: QueryParams, *, default: int, most: int) -> Response:
    offset = _whole(query, "offset", 0)
    if not 0 <= offset <= _MAX_OFFSET:
        raise Rejection(f"max historical trades offset of {_MAX_OFFSET} exceeded")
    return JsonResponse(rows[offset : offset + _whole(query, "limit", default, most=most)])


def _holder(row: Json) -> Json:
    return {**_renamed(row, _HOLDER), "profileImageOptimized": ""}


def _renamed(row: Json, names: Mapping[str, str]) -> dict[str, Any]:
    return {camel: row[snake] for camel, snake in names.items()}
