"""Market listings of the order book service, in their full, simplified and compact forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..identifiers import is_hash32
from .listing import Listing
from .listing_objects import full_market, simplified_market
from .payloads import Json
from .rejections import Rejection
from .responses import JsonResponse, exchange_of, page_payload
from .rewards import programme_of
from .units import amount_text, price_text
from .venue import Exchange

_PAGE = 1000
_RECENT = 100


def listing_routes() -> list[Route]:
    return [
        Route("/markets", _listings(full_market)),
        Route("/markets/live-activity/{condition_id}", _live_activity),
        Route("/markets/{condition_id}", _market),
        Route("/clob-markets/{condition_id}", _compact_market),
        Route("/markets-by-token/{token_id}", _by_token),
        Route("/simplified-markets", _listings(simplified_market)),
        Route("/sampling-markets", _listings(full_market, rewarded=True)),
        Route("/sampling-simplified-markets", _listings(simplified_market, rewarded=True)),
    ]


def _listings(
    form: Callable[[Listing, Mapping[str, Any]], Json], *, rewarded: bool = False
) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        exchange = exchange_of(request)
        rows = [
            form(listing, exchange.markets.event_of(listing))
            for listing in exchange.markets.listings
            if not rewarded or (not listing.closed and programme_of(listing) is not None)
        ]
        return JsonResponse(page_payload(rows, request.query_params.get("next_cursor"), size=_PAGE))

    return endpoint


async def _market(request: Request) -> Response:
    exchange = exchange_of(request)
    listing = _found(exchange, request)
    return JsonResponse(full_market(listing, exchange.markets.event_of(listing)))


async def _live_activity(request: Request) -> Response:
    """The latest settled trades of a market, newest first, each as its taker's."""
    exchange = exchange_of(request)
    listing = _found(exchange, request)
    gamma = listing.recorded.gamma
    trades = [
        trade for trade in exchange.registry.tape if trade.taker.condition_id == listing.condition_id and trade.settled
    ]
    rows = [
        {
            "event_type": "trade",
            "market": {
                "condition_id": listing.condition_id,
                "asset_id": trade.taker.token_id,
                "question": gamma.get("question", ""),
                "icon": gamma.get("icon", ""),
                "slug": gamma.get("slug", ""),
            },
            "user": {
                "address": trade.taker.maker_address,
                "username": "",
                "profile_picture": "",
                "optimized_profile_picture": "",
                "pseudonym": "",
            },
            "side": trade.taker.side,
            "size": amount_text(trade.shares),
            "fee_rate_bps": "0",
            "price": price_text(trade.price),
            "outcome": listing.outcomes[trade.taker.outcome],
            "outcome_index": trade.taker.outcome,
            "transaction_hash": trade.transaction_hash,
            "timestamp": str(trade.matched_at_ms // 1000),
        }
        for trade in reversed(trades)
    ]
    return JsonResponse(rows[:_RECENT])


async def _compact_market(request: Request) -> Response:
    exchange = exchange_of(request)
    listing = _found(exchange, request)
    tick = float(listing.tick_decimal)
    return JsonResponse({**listing.recorded.clob, "mts": tick, "ao": listing.accepting_orders})


async def _by_token(request: Request) -> Response:
    listing = exchange_of(request).markets.by_token.get(request.path_params["token_id"])
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
    listing = exchange.markets.by_condition.get(condition_id.lower())
    if listing is None:
        raise Rejection("market not found", status=404)
    return listing
