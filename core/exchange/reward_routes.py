"""Routes of the liquidity programme: scores of orders, programmes of markets, shares of accounts."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..identifiers import is_hash32
from .authentication import authenticated
from .payloads import Json
from .rejections import Rejection
from .responses import JsonResponse, exchange_of, json_body, page_payload
from .reward_objects import programme_row, reward_market
from .rewards import is_scoring, programme_of, reward_share
from .venue import Exchange

_PROGRAMMES_PAGE = 500
_MARKETS_PAGE = 100
_BAD_ORDER = "Invalid order_id"
_SORT_FIELDS: dict[str, Callable[[Json], Any]] = {
    "market_id": lambda row: int(row["market_id"]),
    "created_at": itemgetter("created_at"),
    "volume_24hr": itemgetter("volume_24hr"),
    "spread": itemgetter("spread"),
    "competitiveness": itemgetter("market_competitiveness"),
    "max_spread": itemgetter("rewards_max_spread"),
    "min_size": itemgetter("rewards_min_size"),
    "question": itemgetter("question"),
    "one_day_price_change": itemgetter("one_day_price_change"),
    "rate_per_day": lambda row: sum(config["rate_per_day"] for config in row["rewards_config"]),
    "price": lambda row: row["tokens"][0]["price"],
    "end_date": itemgetter("end_date"),
    "start_date": lambda row: min((config["start_date"] for config in row["rewards_config"]), default=""),
    "reward_end_date": lambda row: max((config["end_date"] for config in row["rewards_config"]), default=""),
}


def reward_routes() -> list[Route]:
    return [
        Route("/order-scoring", _order_scoring),
        Route("/orders-scoring", _orders_scoring, methods=["POST"]),
        Route("/rewards/markets/current", _programmes),
        Route("/rewards/markets/multi", _markets),
        Route("/rewards/markets/{condition_id}", _programme),
        Route("/rewards/user/percentages", _percentages),
    ]


async def _order_scoring(request: Request) -> Response:
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    scoring = _scoring(exchange, credential.address, request.query_params.get("order_id"))
    return JsonResponse({"scoring": scoring})


async def _orders_scoring(request: Request) -> Response:
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    order_ids = await json_body(request, error=_BAD_ORDER)
    if not isinstance(order_ids, list):
        raise Rejection(_BAD_ORDER)
    return JsonResponse({order_id: _scoring(exchange, credential.address, order_id) for order_id in order_ids})


async def _programmes(request: Request) -> Response:
    exchange = exchange_of(request)
    rows = []
    for listing in exchange.markets.listings:
        programme = programme_of(listing)
        if programme is not None and not listing.closed:
            rows.append(programme_row(listing, programme))
    return JsonResponse(page_payload(rows, request.query_params.get("next_cursor"), size=_PROGRAMMES_PAGE))


async def _programme(request: Request) -> Response:
    exchange = exchange_of(request)
    listing = exchange.markets.by_condition.get(request.path_params["condition_id"].lower())
    programme = programme_of(listing) if listing else None
    rows: list[Json] = []
    if listing is not None and programme is not None:
        rows.append(reward_market(exchange, listing, programme))
    return JsonResponse(page_payload(rows, request.query_params.get("next_cursor"), size=_MARKETS_PAGE))


async def _markets(request: Request) -> Response:
    """Markets with a programme, sought, filtered and ordered by what the row shows."""
    exchange, query = exchange_of(request), request.query_params
    rows = []
    for listing in exchange.markets.listings:
        programme = programme_of(listing)
        if programme is not None and not listing.closed:
            rows.append(reward_market(exchange, listing, programme))
    sought = (query.get("q") or "").lower()
    rows = [row for row in rows if sought in row["question"].lower() and _within(row, query)]
    if query.get("event_id"):
        rows = [row for row in rows if row["event_id"] in query.getlist("event_id")]
    order = query.get("order_by")
    if order:
        if order not in _SORT_FIELDS:
            raise Rejection("Invalid order_by")
        rows.sort(key=_SORT_FIELDS[order], reverse=(query.get("position") or "DESC").upper() == "DESC")
    if (query.get("position") or "DESC").upper() not in ("ASC", "DESC"):
        raise Rejection("Invalid position")
    size = min(_page_size(query.get("page_size")), _PROGRAMMES_PAGE)
    return JsonResponse({**page_payload(rows, query.get("next_cursor"), size=size), "total_count": len(rows)})


def _within(row: Json, query: QueryParams) -> bool:
    """The row's volume, spread and price lie within what the query asks for."""
    shown = {"volume_24hr": row["volume_24hr"], "spread": row["spread"], "price": row["tokens"][0]["price"]}
    try:
        return all(
            float(query.get(f"min_{name}") or value) <= value <= float(query.get(f"max_{name}") or value)
            for name, value in shown.items()
        )
    except ValueError as error:
        raise Rejection("Invalid filter") from error


def _page_size(given: str | None) -> int:
    return int(given) if given and given.isdigit() and int(given) else _MARKETS_PAGE


async def _percentages(request: Request) -> Response:
    """Percent by market, of markets where the account's orders earn."""
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    account = exchange.accounts.open_account(credential.address)
    quoted = dict.fromkeys(order.condition_id for order in exchange.registry.open_orders(account))
    shares = {
        condition_id: reward_share(exchange, account, exchange.markets.by_condition[condition_id])
        for condition_id in quoted
    }
    return JsonResponse({condition_id: float(round(100 * share, 4)) for condition_id, share in shares.items() if share})


def _scoring(exchange: Exchange, address: str, order_id: object) -> bool:
    """Orders of others are as unknown as orders that never were."""
    if not isinstance(order_id, str) or not is_hash32(order_id):
        raise Rejection(_BAD_ORDER)
    order = exchange.registry.orders.get(order_id.lower())
    return order is not None and order.account.address == address and is_scoring(exchange, order)
