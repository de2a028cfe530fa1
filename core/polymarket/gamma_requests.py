"""Gamma's routes as request specifications."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

from ..errors import InputRejected
from ..identifiers import ConditionId, EventId, MarketId, TokenId
from ..models import Event, Market
from .request import METADATA_TTL_S, RequestSpec, params_of, path_of
from .wire.catalogue import (
    EventPage,
    MarketPage,
    SearchPage,
    Tag,
    parse_event,
    parse_event_page,
    parse_market,
    parse_market_page,
    parse_search_page,
    parse_tag,
    parse_tags,
)
from .wire.market_statistics import MarketStatistics, parse_market_statistics
from .wire.subjects import (
    Comment,
    RelatedTag,
    Series,
    parse_comments,
    parse_related_tags,
    parse_series,
    parse_series_list,
)

T = TypeVar("T")

SearchStatus = Literal["active", "closed"]
CommentedEntity = Literal["Event", "Series"]


def check_limit(limit: int, *, most: int) -> None:
    """Raises InputRejected for a page size that the venue would clamp or refuse."""
    if not 1 <= limit <= most:
        raise InputRejected(f"limit {limit} is out of range", code="limit", fix=f"from 1 to {most}")


def search_spec(query: str, *, limit: int, page: int, status: SearchStatus | None) -> RequestSpec[SearchPage]:
    return RequestSpec(
        service="gamma",
        method="GET",
        path="/public-search",
        params=params_of(
            {
                "q": query,
                "page": page,
                "limit_per_type": limit,
                "events_status": status,
                "search_tags": False,
                "search_profiles": False,
            }
        ),
        parse=parse_search_page,
        cache_ttl_s=METADATA_TTL_S,
    )


def market_spec(*segments: str) -> RequestSpec[Market | None]:
    return RequestSpec(
        service="gamma",
        method="GET",
        path=path_of("markets", *segments),
        params=params_of({"include_tag": True}),
        parse=parse_market,
        cache_ttl_s=METADATA_TTL_S,
        on_missing=(None,),
    )


def event_spec(*segments: str) -> RequestSpec[Event | None]:
    return RequestSpec(
        service="gamma",
        method="GET",
        path=path_of("events", *segments),
        parse=parse_event,
        cache_ttl_s=METADATA_TTL_S,
        on_missing=(None,),
    )


def markets_spec(
    *,
    market_ids: Sequence[MarketId] = (),
    slugs: Sequence[str] = (),
    condition_ids: Sequence[ConditionId] = (),
    token_ids: Sequence[TokenId] = (),
    closed: bool | None = None,
    limit: int = 20,
    after_cursor: str | None = None,
    order: str | None = None,
    ascending: bool | None = None,
    tag_id: str | None = None,
) -> RequestSpec[MarketPage]:
    """A page of markets. `order` is a camelCase field name; leaving `closed` out means open markets only."""
    return RequestSpec(
        service="gamma",
        method="GET",
        path="/markets/keyset",
        params=params_of(
            {
                "limit": limit,
                "after_cursor": after_cursor,
                "id": list(market_ids),
                "slug": list(slugs),
                "condition_ids": list(condition_ids),
                "clob_token_ids": list(token_ids),
                "closed": closed,
                "order": order,
                "ascending": ascending,
                "tag_id": tag_id,
                "include_tag": True,
            }
        ),
        parse=parse_market_page,
        cache_ttl_s=METADATA_TTL_S,
    )


def events_spec(
    *,
    limit: int,
    after_cursor: str | None,
    closed: bool | None,
    order: str | None,
    ascending: bool | None,
    tag_id: str | None,
    title_search: str | None,
) -> RequestSpec[EventPage]:
    return RequestSpec(
        service="gamma",
        method="GET",
        path="/events/keyset",
        params=params_of(
            {
                "limit": limit,
                "after_cursor": after_cursor,
                "closed": closed,
                "order": order,
                "ascending": ascending,
                "tag_id": tag_id,
                "title_search": title_search,
            }
        ),
        parse=parse_event_page,
        cache_ttl_s=METADATA_TTL_S,
    )


def tags_spec(*, limit: int, offset: int) -> RequestSpec[tuple[Tag, ...]]:
    return RequestSpec(
        service="gamma",
        method="GET",
        path="/tags",
        params=params_of({"limit": limit, "offset": offset}),
        parse=parse_tags,
        cache_ttl_s=METADATA_TTL_S,
    )


def tag_spec(*segments: str) -> RequestSpec[Tag | None]:
    """A tag by its id, or by `slug` and its slug."""
    return _one(path_of("tags", *segments), parse_tag)


def related_tags_spec(*segments: str) -> RequestSpec[tuple[RelatedTag, ...]]:
    return _several(path_of("tags", *segments, "related-tags"), parse_related_tags)


def related_tag_subjects_spec(*segments: str) -> RequestSpec[tuple[Tag, ...]]:
    return _several(path_of("tags", *segments, "related-tags", "tags"), parse_tags)


def event_tags_spec(event_id: EventId) -> RequestSpec[tuple[Tag, ...]]:
    return _several(path_of("events", event_id, "tags"), parse_tags)


def market_tags_spec(market_id: MarketId) -> RequestSpec[tuple[Tag, ...]]:
    return _several(path_of("markets", market_id, "tags"), parse_tags)


def market_statistics_spec(market_id: MarketId) -> RequestSpec[MarketStatistics | None]:
    return _one(path_of("markets", market_id), parse_market_statistics)


def series_spec(series_id: str) -> RequestSpec[Series | None]:
    return _one(path_of("series", series_id), parse_series)


def series_list_spec(
    *, slugs: Sequence[str], recurrence: str | None, closed: bool | None, limit: int, offset: int
) -> RequestSpec[tuple[Series, ...]]:
    return RequestSpec(
        service="gamma",
        method="GET",
        path="/series",
        params=params_of(
            {"slug": list(slugs), "recurrence": recurrence, "closed": closed, "limit": limit, "offset": offset}
        ),
        parse=parse_series_list,
        cache_ttl_s=METADATA_TTL_S,
    )


def comments_spec(
    entity: CommentedEntity, entity_id: str, *, limit: int, offset: int
) -> RequestSpec[tuple[Comment, ...]]:
    """Both the kind and the id of what was commented on are required."""
    return RequestSpec(
        service="gamma",
        method="GET",
        path="/comments",
        params=params_of(
            {"parent_entity_type": entity, "parent_entity_id": entity_id, "limit": limit, "offset": offset}
        ),
        parse=parse_comments,
        cache_ttl_s=METADATA_TTL_S,
    )


def _one(path: str, parse: Callable[[Any, datetime], T]) -> RequestSpec[T | None]:
    return RequestSpec(
        service="gamma", method="GET", path=path, parse=parse, cache_ttl_s=METADATA_TTL_S, on_missing=(None,)
    )


def _several(path: str, parse: Callable[[Any, datetime], tuple[T, ...]]) -> RequestSpec[tuple[T, ...]]:
    return RequestSpec(
        service="gamma", method="GET", path=path, parse=parse, cache_ttl_s=METADATA_TTL_S, on_missing=((),)
    )
