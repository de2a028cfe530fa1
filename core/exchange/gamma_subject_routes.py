"""Routes of the catalogue service around events: series, tags that go together, comments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .gamma_filters import GammaError, flag, flags_match, offset_page, one_of, ordered
from .gamma_objects import all_tags, event_summary
from .payloads import Json
from .responses import JsonResponse, exchange_of
from .venue import Exchange

_SERIES_PAGE = 50
_COMMENTED = ("Event", "Series", "PerpsAsset")


def gamma_subject_routes() -> list[Route]:
    return [
        Route("/series", _series_list),
        Route("/series/{id}", _series),
        Route("/tags/slug/{slug}/related-tags", _related_tags),
        Route("/tags/slug/{slug}/related-tags/tags", _related_subjects),
        Route("/tags/{id}/related-tags", _related_tags),
        Route("/tags/{id}/related-tags/tags", _related_subjects),
        Route("/comments", _comments),
    ]


async def _series_list(request: Request) -> Response:
    exchange, query = exchange_of(request), request.query_params
    without_events = flag(query, "exclude_events", default=False)
    wanted = [
        *flags_match(query, ("closed",)),
        *one_of(query, "slug", lambda series: [series["slug"]]),
        *one_of(query, "recurrence", lambda series: [series.get("recurrence") or ""]),
    ]
    rows = [series for series in _all_series(exchange) if all(test(series) for test in wanted)]
    if without_events:
        rows = [{name: value for name, value in series.items() if name != "events"} for series in rows]
    return JsonResponse(offset_page(ordered(rows, query), query, most=_SERIES_PAGE, listing="series"))


async def _series(request: Request) -> Response:
    for series in _all_series(exchange_of(request)):
        if str(series["id"]) == request.path_params["id"]:
            return JsonResponse(series)
    raise GammaError("series not found", kind="not found error", status=404)


async def _related_tags(request: Request) -> Response:
    tag, ranked = _related(request)
    return JsonResponse(
        [
            {"id": f"{tag['id']}{other['id']}", "tagID": int(tag["id"]), "relatedTagID": int(other["id"]), "rank": rank}
            for rank, other in enumerate(ranked, start=1)
        ]
    )


async def _related_subjects(request: Request) -> Response:
    return JsonResponse(_related(request)[1])


async def _comments(request: Request) -> Response:
    """No comments were recorded, so there are none; a request is still held to the rules."""
    exchange_of(request)
    query = request.query_params
    if not query.get("parent_entity_type") or not query.get("parent_entity_id"):
        raise GammaError("required query parameter is missing")
    if query["parent_entity_type"] not in _COMMENTED:
        raise GammaError("parent_entity_type is invalid")
    return JsonResponse([])


def _all_series(exchange: Exchange) -> list[Json]:
    """The series that recorded events belong to, each with its events."""
    found: dict[str, Json] = {}
    for event in exchange.catalogue.events:
        head = {name: value for name, value in event_summary(exchange, event).items() if name not in ("series", "tags")}
        for series in event.get("series") or []:
            known = found.setdefault(str(series["id"]), {**series, "events": []})
            known["events"].append(head)
    return list(found.values())


def _related(request: Request) -> tuple[Mapping[str, Any], list[Json]]:
    """A tag, and the others that recorded events carry beside it, the most frequent first. Raises GammaError."""
    exchange, parameters = exchange_of(request), request.path_params
    key = "slug" if "slug" in parameters else "id"
    tags = {str(tag["id"]): tag for tag in all_tags(exchange)}
    tag = next((each for each in tags.values() if str(each[key]) == parameters[key]), None)
    if tag is None:
        raise GammaError("tag not found", kind="not found error", status=404)
    beside: Counter[str] = Counter()
    for event in exchange.catalogue.events:
        ids = {str(each["id"]) for each in event.get("tags") or []}
        if str(tag["id"]) in ids:
            beside.update(ids - {str(tag["id"])})
    return tag, [tags[other] for other, _ in sorted(beside.items(), key=lambda pair: (-pair[1], int(pair[0])))]
