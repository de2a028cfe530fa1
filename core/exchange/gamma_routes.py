"""Routes of the catalogue service: events, markets, tags, search."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .gamma_filters import (
    GammaError,
    Predicate,
    date_match,
    flag,
    flags_match,
    keyset_page,
    offset_page,
    one_of,
    ordered,
    range_match,
    tag_match,
)
from .gamma_objects import all_tags, event_object, event_summary, market_object, markets_of
from .gamma_search import search
from .listing import Listing
from .payloads import Json
from .responses import JsonResponse, exchange_of
from .venue import Exchange

_LISTED = 100
_MARKETS_KEYSET = 100
_EVENTS_KEYSET = 500


def gamma_routes() -> list[Route]:
    return [
        Route("/events", _events),
        Route("/events/keyset", _events_keyset),
        Route("/events/slug/{slug}", _event),
        Route("/events/{id}", _event),
        Route("/events/{id}/tags", _event_tags),
        Route("/markets", _markets),
        Route("/markets/keyset", _markets_keyset),
        Route("/markets/slug/{slug}", _market),
        Route("/markets/{id}", _market),
        Route("/markets/{id}/tags", _market_tags),
        Route("/public-search", _search),
        Route("/tags", _tags),
        Route("/tags/slug/{slug}", _tag),
        Route("/tags/{id}", _tag),
    ]


async def gamma_error_response(_: Request, error: Exception) -> Response:
    """Exception handler of the catalogue service."""
    refused = cast(GammaError, error)
    return JsonResponse({"type": refused.kind, "error": refused.text}, status_code=refused.status)


async def _events(request: Request) -> Response:
    page = offset_page(_selected_events(request), request.query_params, most=_LISTED, listing="events")
    return _deprecated(_with_markets(request, page), "events")


async def _events_keyset(request: Request) -> Response:
    page = keyset_page(_selected_events(request), request.query_params, most=_EVENTS_KEYSET, name="events")
    return JsonResponse({**page, "events": _with_markets(request, page["events"])})


async def _markets(request: Request) -> Response:
    rows = _selected_markets(request)
    return _deprecated(offset_page(rows, request.query_params, most=_LISTED, listing="markets"), "markets")


async def _markets_keyset(request: Request) -> Response:
    rows = _selected_markets(request)
    return JsonResponse(keyset_page(rows, request.query_params, most=_MARKETS_KEYSET, name="markets"))


async def _event(request: Request) -> Response:
    exchange = exchange_of(request)
    return JsonResponse(event_object(exchange, _found_event(exchange, request)))


async def _event_tags(request: Request) -> Response:
    return JsonResponse(list(_found_event(exchange_of(request), request).get("tags") or []))


async def _market(request: Request) -> Response:
    exchange = exchange_of(request)
    include_tag = flag(request.query_params, "include_tag", default=False)
    return JsonResponse(market_object(exchange, _found_market(exchange, request), with_tags=bool(include_tag)))


async def _market_tags(request: Request) -> Response:
    exchange = exchange_of(request)
    return JsonResponse(list(exchange.markets.event_of(_found_market(exchange, request)).get("tags") or []))


async def _tags(request: Request) -> Response:
    rows = all_tags(exchange_of(request))
    return JsonResponse(offset_page(rows, request.query_params, most=_LISTED, listing="tags"))


async def _tag(request: Request) -> Response:
    for tag in all_tags(exchange_of(request)):
        if _addressed(request, tag):
            return JsonResponse(tag)
    raise _not_found("tag")


async def _search(request: Request) -> Response:
    return JsonResponse(search(exchange_of(request), request.query_params))


def _with_markets(request: Request, events: list[Json]) -> list[Json]:
    """Events of a page with their markets, which are not made for all that were looked at."""
    exchange = exchange_of(request)
    return [{**event, "markets": markets_of(exchange, event)} for event in events]


def _selected_events(request: Request) -> list[Json]:
    exchange, query = exchange_of(request), request.query_params
    title = (query.get("title_search") or "").lower()
    wanted: list[Predicate] = [
        *flags_match(query, ("active", "closed", "archived", "featured", "cyom")),
        *one_of(query, "id", lambda event: [str(event["id"])]),
        *one_of(query, "slug", lambda event: [event["slug"]]),
        *range_match(query, "volume", "volume"),
        *range_match(query, "liquidity", "liquidity"),
        *date_match(query, "start_date", "startDate"),
        *date_match(query, "end_date", "endDate"),
        *tag_match(query, lambda event: event.get("tags") or []),
    ]
    if title:
        wanted.append(lambda event: title in event["title"].lower())
    events = [event_summary(exchange, event) for event in exchange.catalogue.events]
    return ordered([event for event in events if all(test(event) for test in wanted)], query)


def _selected_markets(request: Request) -> list[Json]:
    """Closed markets are left out unless `closed=true` asks for them, also when they are named."""
    exchange, query = exchange_of(request), request.query_params
    include_tag = bool(flag(query, "include_tag", default=False))
    closed = flag(query, "closed", default=False)
    wanted: list[Predicate] = [
        *flags_match(query, ("active", "archived", "cyom")),
        *one_of(query, "id", lambda market: [str(market["id"])]),
        *one_of(query, "slug", lambda market: [market["slug"]]),
        *one_of(query, "condition_ids", lambda market: [market["conditionId"]]),
        *one_of(query, "question_ids", lambda market: [market.get("questionID") or ""]),
        *one_of(query, "clob_token_ids", lambda market: json.loads(market["clobTokenIds"])),
        *range_match(query, "volume_num", "volumeNum"),
        *range_match(query, "liquidity_num", "liquidityNum"),
        *date_match(query, "start_date", "startDate"),
        *date_match(query, "end_date", "endDate"),
        *tag_match(query, lambda market: market["tags"]),
    ]
    decimalized = flag(query, "decimalized")
    if decimalized is not None:
        tick = 0.001 if decimalized else 0.01
        wanted.append(lambda market: bool(market["orderPriceMinTickSize"] == tick))
    markets = [
        market_object(exchange, listing, with_tags=True)
        for listing in exchange.markets.listings
        if listing.closed == closed
    ]
    chosen = ordered([market for market in markets if all(test(market) for test in wanted)], query)
    return chosen if include_tag else [_without_tags(market) for market in chosen]


def _without_tags(market: Json) -> Json:
    return {name: value for name, value in market.items() if name != "tags"}


def _found_event(exchange: Exchange, request: Request) -> Mapping[str, Any]:
    for event in exchange.catalogue.events:
        if _addressed(request, event):
            return event
    raise _not_found("event")


def _found_market(exchange: Exchange, request: Request) -> Listing:
    for listing in exchange.markets.listings:
        if _addressed(request, listing.recorded.gamma):
            return listing
    raise _not_found("market")


def _addressed(request: Request, item: Mapping[str, Any]) -> bool:
    """Whether the path names this item, by its id or its slug."""
    parameters = request.path_params
    if "slug" in parameters:
        return bool(item["slug"] == parameters["slug"])
    if not parameters["id"].isdigit():
        raise GammaError("id is invalid")
    return bool(str(item["id"]) == parameters["id"])


def _not_found(kind: str) -> GammaError:
    return GammaError(f"{kind} not found", kind="not found error", status=404)


def _deprecated(rows: list[Json], name: str) -> Response:
    headers = {
        "deprecation": "true",
        "sunset": "Fri, 01 May 2026 00:00:00 GMT",
        "warning": f'299 - "use /{name}/keyset"',
    }
    return JsonResponse(rows, headers=headers)
