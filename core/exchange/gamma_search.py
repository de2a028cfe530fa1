"""Search over the catalogue by words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import QueryParams

from .gamma_filters import GammaError, flag, whole_number
from .gamma_objects import all_tags, event_object
from .payloads import Json
from .venue import Exchange

_SORT_FIELDS = {
    "volume": "volume",
    "volume_24hr": "volume24hr",
    "liquidity": "liquidity",
    "competitive": "competitive",
    "closed_time": "closedTime",
    "start_date": "startDate",
    "end_date": "endDate",
}
_SLIM_EVENT = [
    "active",
    "archived",
    "closed",
    "closedTime",
    "endDate",
    "ended",
    "id",
    "image",
    "slug",
    "startDate",
    "title",
]
_SLIM_MARKET = [
    "active",
    "archived",
    "bestAsk",
    "bestBid",
    "closed",
    "closedTime",
    "groupItemTitle",
    "lastTradePrice",
    "question",
    "slug",
    "spread",
]
_WORD = re.compile(r"\w+")
_ENOUGH = 0.5


def search(exchange: Exchange, query: QueryParams) -> Json:
    """Events that contain at least half of the words of `q`, the best match first, open before closed, unless
    `sort` says otherwise.

    Raises GammaError without `q`.
    """
    words = _words(query.get("q") or "")
    if not words:
        raise GammaError("required query parameter is missing")
    page = whole_number(query, "page", default=1, least=1)
    per_type = whole_number(query, "limit_per_type", default=10, least=1)
    found = _ranked(exchange, query, words)
    rows = found[(page - 1) * per_type : page * per_type]
    more = page * per_type < len(found)
    if flag(query, "optimized", default=False):
        return {"events": [_slim_event(event) for event in rows], "hasMore": more}
    answer: Json = {"events": rows}
    if flag(query, "search_tags", default=False):
        answer["tags"] = [
            {"id": tag["id"], "label": tag["label"], "slug": tag["slug"], "event_count": _events_with(exchange, tag)}
            for tag in all_tags(exchange)
            if words & _words(tag["label"])
        ]
    if flag(query, "search_profiles", default=False):
        answer["profiles"] = []
    answer["pagination"] = {"hasMore": more, "totalResults": len(found)}
    return answer


def _ranked(exchange: Exchange, query: QueryParams, words: set[str]) -> list[Json]:
    status = query.get("events_status")
    tag_slugs = set(query.getlist("events_tag"))
    keep_closed = query.get("keep_closed_markets", "0") in ("1", "true")
    scored = []
    for recorded in exchange.catalogue.events:
        event = event_object(exchange, recorded)
        score = _score(event, words)
        tags = {tag["slug"] for tag in event.get("tags") or []}
        fits = (status is None or event["closed"] == (status == "closed")) and (not tag_slugs or tags & tag_slugs)
        if score >= _ENOUGH and fits:
            if not keep_closed and not event["closed"]:
                event["markets"] = [market for market in event["markets"] if not market["closed"]]
            scored.append((score, event))
    sort = query.get("sort")
    if sort:
        if sort not in _SORT_FIELDS:
            raise GammaError("sort is not valid")
        ascending = flag(query, "ascending", default=False)
        key = _SORT_FIELDS[sort]
        scored.sort(key=lambda pair: (pair[1].get(key) is not None, pair[1].get(key) or 0), reverse=not ascending)
    else:
        scored.sort(key=lambda pair: (pair[0], not pair[1]["closed"], pair[1].get("volume") or 0), reverse=True)
    return [event for _, event in scored]


def _score(event: Mapping[str, Any], words: set[str]) -> float:
    """The share of the query's words that begin some word of the event's or its markets' titles and tags."""
    texts = [event["title"], *(market["question"] for market in event["markets"])]
    texts += [tag["label"] for tag in event.get("tags") or []]
    present = _words(" ".join(texts))
    return sum(any(known.startswith(word) for known in present) for word in words) / len(words)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def _events_with(exchange: Exchange, tag: Mapping[str, Any]) -> int:
    return sum(
        any(other["id"] == tag["id"] for other in event.get("tags") or []) for event in exchange.catalogue.events
    )


def _slim_event(event: Json) -> Json:
    """The optimized form: few fields, outcomes as real arrays, no token ids."""
    slim: Json = {name: event[name] for name in _SLIM_EVENT if name in event}
    slim["markets"] = [
        {
            **{name: market[name] for name in _SLIM_MARKET if name in market},
            "outcomes": json.loads(market["outcomes"]),
            "outcomePrices": json.loads(market["outcomePrices"]),
        }
        for market in event["markets"]
    ]
    return slim
