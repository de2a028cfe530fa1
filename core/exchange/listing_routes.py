"""Market listings of the order book service, in their full, simplified and compact forms."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..identifiers import is_hash32
from .listing import Listing
from .payloads import Json
from .rejections import Rejection
from .responses import JsonResponse, exchange_of, page_payload
from .rewards import programme_of
from .units import amount_number
from .venue import Exchange

_PAGE = 1000


def listing_routes() -> list[Route]:
    return [
        Route("/markets", _listings(_full)),
        Route("/markets/{condition_id}", _market),
        Route("/clob-markets/{condition_id}", _compact_market),
        Route("/markets-by-token/{token_id}", _by_token),
        Route("/simplified-markets", _listings(_simplified)),
        Route("/sampling-markets", _listings(_full, rewarded=True)),
        Route("/sampling-simplified-markets", _listings(_simplified, rewarded=True)),
    ]


def _listings(form: Callable[[Exchange, Listing], Json], *, rewarded: bool = False) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        exchange = exchange_of(request)
        rows = [
            form(exchange, listing)
            for listing in exchange.listings
            if not rewarded or (not listing.closed and programme_of(listing) is not None)
        ]
        return JsonResponse(page_payload(rows, request.query_params.get("next_cursor"), size=_PAGE))

    return endpoint


async def _market(request: Request) -> Response:
    exchange = exchange_of(request)
    return JsonResponse(_full(exchange, _found(exchange, request)))


async def _compact_market(request: Request) -> Response:
    exchange = exchange_of(request)
    listing = _found(exchange, request)
    tick = float(listing.tick_decimal)
    return JsonResponse({**listing.recorded.clob, "mts": tick, "ao": listing.accepting_orders})


async def _by_token(request: Request) -> Response:
    listing = exchange_of(request).by_token.get(request.path_params["token_id"])
    if listing is None:
        raise Rejection("market not found", status=404)
    return JsonResponse(
        {
            "condition_id": listing.condition_id,
            "primary_token_id": listing.tokens[0],
            "secondary_token_id": listing.tokens[1],
        }
    )


def _found(exchange: Exchange, request: Request) -> Listing:
    condition_id = request.path_params["condition_id"]
    if not is_hash32(condition_id):
        raise Rejection("Invalid market")
    listing = exchange.by_condition.get(condition_id.lower())
    if listing is None:
        raise Rejection("market not found", status=404)
    return listing


def _simplified(exchange: Exchange, listing: Listing) -> Json:
    return {
        "condition_id": listing.condition_id,
        "rewards": _rewards(listing),
        "tokens": _tokens(listing),
        "active": bool(listing.recorded.gamma.get("active", True)),
        "closed": listing.closed,
        "archived": bool(listing.recorded.gamma.get("archived", False)),
        "accepting_orders": listing.accepting_orders,
    }


def _full(exchange: Exchange, listing: Listing) -> Json:
    gamma, clob = listing.recorded.gamma, listing.recorded.clob
    return {
        "enable_order_book": not listing.closed,
        **_simplified(exchange, listing),
        "accepting_order_timestamp": gamma.get("acceptingOrdersTimestamp"),
        "minimum_order_size": amount_number(listing.min_size),
        "minimum_tick_size": float(listing.tick_decimal),
        "question_id": gamma.get("questionID", ""),
        "question": gamma.get("question", ""),
        "description": gamma.get("description", ""),
        "market_slug": gamma.get("slug", ""),
        "end_date_iso": gamma.get("endDate"),
        "game_start_time": gamma.get("gameStartTime"),
        "seconds_delay": gamma.get("secondsDelay", 0),
        "fpmm": "",
        "maker_base_fee": clob.get("mbf", 0),
        "taker_base_fee": clob.get("tbf", 0),
        "notifications_enabled": True,
        "neg_risk": listing.neg_risk,
        "neg_risk_market_id": gamma.get("negRiskMarketID", "") if listing.neg_risk else "",
        "neg_risk_request_id": gamma.get("negRiskRequestID", "") if listing.neg_risk else "",
        "icon": gamma.get("icon", ""),
        "image": gamma.get("image", ""),
        "is_50_50_outcome": listing.resolved_here and listing.winner is None,
        "tags": _tags(exchange, listing),
    }


def _tokens(listing: Listing) -> list[Json]:
    prices = listing.prices
    return [
        {
            "token_id": listing.tokens[outcome],
            "outcome": listing.outcomes[outcome],
            "price": float(prices[outcome]),
            "winner": listing.closed and listing.winner == outcome,
        }
        for outcome in (0, 1)
    ]


def _rewards(listing: Listing) -> Json:
    """The reward programme; its rates are null where the recording does not tell them."""
    if programme_of(listing) is None:
        return {"rates": None, "min_size": 0, "max_spread": 0}
    gamma = listing.recorded.gamma
    rates = [
        {"asset_address": row.get("assetAddress", ""), "rewards_daily_rate": row.get("rewardsDailyRate", 0)}
        for row in gamma.get("clobRewards") or []
    ]
    return {
        "rates": rates or None,
        "min_size": gamma.get("rewardsMinSize", 0),
        "max_spread": gamma.get("rewardsMaxSpread", 0),
    }


def _tags(exchange: Exchange, listing: Listing) -> list[str]:
    return [tag["label"] for tag in exchange.event_of(listing).get("tags") or []]
