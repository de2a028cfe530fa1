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
from .venue import Exchange

_PAGE = 1000


def listing_routes() -> list[Route]:
    return [
        Route("/markets", _listings(full_market)),
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
            form(listing, exchange.event_of(listing))
            for listing in exchange.listings
            if not rewarded or (not listing.closed and programme_of(listing) is not None)
        ]
        return JsonResponse(page_payload(rows, request.query_params.get("next_cursor"), size=_PAGE))

    return endpoint


async def _market(request: Request) -> Response:
    exchange = exchange_of(request)
    listing = _found(exchange, request)
    return JsonResponse(full_market(listing, exchange.event_of(listing)))


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
