"""Routes of the data service about markets and traders: holders, open interest, volume, ranks, prices, resolutions."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .data_query import DataError, data_page, either, invalid, market_filters, missing, user_of, whole_number
from .data_statistics import holder_groups, open_interest, resolution_row, standings, taker_volume
from .listing import Listing
from .payloads import Json
from .responses import JsonResponse, exchange_of
from .venue import Exchange

_DEFAULT_HOLDERS = 20
_MAX_HOLDERS = 100
_MAX_WINDOW_S = 15 * 86_400
_INTERVALS_S = {
    "1h": 3600,
    "6h": 21_600,
    "1d": 86_400,
    "1w": 604_800,
    "1m": 2_592_000,
    "max": 2_678_400,
    "all": 2_678_400,
}
_LEAST_BUCKET_S = {"1w": 300, "1m": 600, "max": 600, "all": 600}
_PERIODS = ("day", "week", "month", "all")
_RANKED_BY = {"PNL": "pnl", "VOLUME": "volume"}


def data_statistics_routes() -> list[Route]:
    return [
        Route("/v2/holders", _holders),
        Route("/v2/oi", _open_interest),
        Route("/v2/live-volume", _live_volume),
        Route("/v2/leaderboard", _leaderboard),
        Route("/v2/resolutions", _resolutions),
        Route("/v2/prices-history", _prices_history),
    ]


async def _holders(request: Request) -> Response:
    exchange, query = exchange_of(request), request.query_params
    conditions, _ = market_filters(query)
    if not conditions:
        raise missing("condition")
    most = min(whole_number(query, "limit") or _DEFAULT_HOLDERS, _MAX_HOLDERS)
    try:
        least = Decimal(either(query, "min_balance", "minBalance") or "0")
    except InvalidOperation:
        raise invalid("min_balance") from None
    groups = [
        group
        for listing in _listings(exchange, conditions)
        for group in holder_groups(exchange, listing, most=most, least=least)
    ]
    # The limit is of each outcome's holders; all outcomes come on one page.
    pagination = {"limit": most, "offset": 0, "has_more": False, "next_cursor": None}
    return JsonResponse({"data": groups, "pagination": pagination})


async def _open_interest(request: Request) -> Response:
    """Of the named markets, or of all together."""
    exchange = exchange_of(request)
    conditions, _ = market_filters(request.query_params)
    if not conditions:
        total = sum(open_interest(exchange, listing) for listing in exchange.markets.listings)
        return JsonResponse({"data": [{"condition_id": "GLOBAL", "value": total}]})
    rows = [
        {"condition_id": listing.condition_id, "value": open_interest(exchange, listing)}
        for listing in _listings(exchange, conditions)
    ]
    return JsonResponse({"data": rows})


async def _live_volume(request: Request) -> Response:
    exchange = exchange_of(request)
    event_id = either(request.query_params, "event_id", "eventId")
    if not event_id:
        raise missing("event_id")
    listings = [listing for listing in exchange.markets.listings if listing.recorded.event_id == event_id]
    if not listings:
        return JsonResponse({"data": None})
    volumes = [
        {"condition_id": listing.condition_id, "taker_volume": taker_volume(exchange, listing)} for listing in listings
    ]
    total = sum(taker_volume(exchange, listing) for listing in listings)
    return JsonResponse({"data": {"taker_volume_total": total, "conditions": volumes}})


async def _leaderboard(request: Request) -> Response:
    """Ranks by profit or volume; with `user`, that trader's two ranks."""
    exchange, query = exchange_of(request), request.query_params
    period = (either(query, "time_period", "timePeriod") or "day").lower()
    order = (either(query, "sort_by", "sortBy") or "PNL").upper()
    if period not in _PERIODS:
        raise invalid("time_period")
    if order not in _RANKED_BY:
        raise invalid("sort_by")
    rows = standings(exchange, period=period)
    if query.get("user"):
        return JsonResponse({"data": _standing(exchange, user_of(query), rows)})
    return data_page(
        [{"rank": rank, **row} for rank, row in enumerate(_ranked(rows, _RANKED_BY[order]), start=1)], query
    )


async def _resolutions(request: Request) -> Response:
    """By exactly one of question, condition or event."""
    exchange, query = exchange_of(request), request.query_params
    conditions, event_id = market_filters(query)
    question = either(query, "question_id", "questionId")
    if bool(conditions) + bool(event_id) + bool(question) != 1:
        raise missing("condition")
    rows = [
        resolution_row(listing)
        for listing in exchange.markets.listings
        if listing.condition_id in conditions
        or (event_id is not None and listing.recorded.event_id == event_id)
        or (question is not None and listing.recorded.gamma.get("questionID") == question)
    ]
    return data_page(rows, query)


async def _prices_history(request: Request) -> Response:
    exchange, query = exchange_of(request), request.query_params
    token_id = either(query, "token_id", "tokenId")
    start, end = whole_number(query, "start"), whole_number(query, "end")
    if not token_id:
        raise missing("token_id")
    interval, as_of = query.get("interval"), whole_number(query, "as_of")
    if (interval is not None) + (start is not None) + (as_of is not None) != 1:
        raise missing("start")
    if interval is not None and interval not in _INTERVALS_S:
        raise invalid("interval")
    least_s = _LEAST_BUCKET_S.get(interval or "", 60)
    bucket_s = whole_number(query, "bucket_seconds") or least_s
    if not least_s <= bucket_s <= 86_400:
        raise invalid("bucket_seconds")
    if start is not None and end is not None and end - start > _MAX_WINDOW_S:
        raise DataError("'start' to 'end' must span at most 15 days", parameter="end")
    listing = exchange.markets.by_token.get(token_id)
    if listing is None:
        return data_page([], query)
    if as_of is not None:
        held = listing.history.at(as_of)
        points, bucket_s = ([] if held is None else [(as_of, held)]), 0
    else:
        begin = exchange.now_s - _INTERVALS_S[interval] if interval is not None else start or 0
        points = listing.history.sampled(begin, min(end or exchange.now_s, exchange.now_s), step_s=bucket_s)
    mirrored = listing.outcome_of(token_id) == 1
    rows = [
        {"timestamp": at, "price": float(1 - price if mirrored else price), "resolution_seconds": bucket_s}
        for at, price in points
    ]
    return data_page(rows, query)


def _standing(exchange: Exchange, user: str, rows: list[Json]) -> Json | None:
    account = exchange.accounts.account_of(user)
    address = account.address.lower() if account else ""
    own = next((row for row in rows if row["user_id"] == address), None)
    if own is None:
        return None
    ranks = {f"rank_{key}": _ranked(rows, key).index(own) + 1 for key in _RANKED_BY.values()}
    return {**own, **ranks}


def _ranked(rows: list[Json], key: str) -> list[Json]:
    return sorted(rows, key=lambda row: (-row[key], row["user_id"]))


def _listings(exchange: Exchange, conditions: set[str]) -> list[Listing]:
    return [listing for listing in exchange.markets.listings if listing.condition_id in conditions]
