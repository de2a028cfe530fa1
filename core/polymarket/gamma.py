"""Gamma, the catalogue: search, markets, events and tags. Its prices may be five minutes old."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..errors import InputRejected
from ..identifiers import ConditionId, EventId, MarketId, TokenId
from ..models import Event, Market
from .client import PolymarketClient
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
    parse_tags,
)

SearchStatus = Literal["active", "closed"]

_MAX_MARKETS = 100
_MAX_EVENTS = 500


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


class GammaClient(PolymarketClient):
    """The catalogue. Answers may come from a cache of five minutes unless `fresh`."""

    async def search(
        self, query: str, *, limit: int = 10, page: int = 1, status: SearchStatus | None = "active"
    ) -> SearchPage:
        """Events matching words. `limit` is events per page, `page` counts from 1; status None finds all."""
        return await self._transport.call(search_spec(query, limit=limit, page=page, status=status))

    async def event(self, event_id: EventId, *, fresh: bool = False) -> Event | None:
        return await self._transport.call(event_spec(event_id), fresh=fresh)

    async def event_by_slug(self, slug: str, *, fresh: bool = False) -> Event | None:
        return await self._transport.call(event_spec("slug", slug), fresh=fresh)

    async def market(self, market_id: MarketId, *, fresh: bool = False) -> Market | None:
        return await self._transport.call(market_spec(market_id), fresh=fresh)

    async def market_by_slug(self, slug: str, *, fresh: bool = False) -> Market | None:
        return await self._transport.call(market_spec("slug", slug), fresh=fresh)

    async def markets(
        self,
        *,
        condition_ids: Sequence[ConditionId] = (),
        token_ids: Sequence[TokenId] = (),
        market_ids: Sequence[MarketId] = (),
        slugs: Sequence[str] = (),
        closed: bool | None = None,
        limit: int = 20,
        after_cursor: str | None = None,
        order: str | None = None,
        ascending: bool | None = None,
        tag_id: str | None = None,
        fresh: bool = False,
    ) -> MarketPage:
        """Markets by filter, or by up to 100 ids.

        The venue answers with open markets unless asked for closed ones, so ids without `closed` are looked up
        among the open ones first and the rest among the closed ones. `order` is a field name of the wire, such
        as volume24hr or endDate. Raises InputRejected for more than 100 ids or a limit outside 1-100.
        """
        wanted = max(len(condition_ids), len(token_ids), len(market_ids), len(slugs))
        if wanted > _MAX_MARKETS:
            raise InputRejected(f"{wanted} ids in one request", code="too_many_ids", fix=f"at most {_MAX_MARKETS}")
        if wanted:
            limit = _MAX_MARKETS
        _check_limit(limit, most=_MAX_MARKETS)

        async def page(closed: bool | None) -> MarketPage:
            spec = markets_spec(
                market_ids=market_ids,
                slugs=slugs,
                condition_ids=condition_ids,
                token_ids=token_ids,
                closed=closed,
                limit=limit,
                after_cursor=after_cursor,
                order=order,
                ascending=ascending,
                tag_id=tag_id,
            )
            return await self._transport.call(spec, fresh=fresh)

        first = await page(closed)
        if closed is not None or not wanted or len(first.markets) >= wanted:
            return first
        known = {market.id for market in first.markets}
        also = tuple(market for market in (await page(True)).markets if market.id not in known)
        return MarketPage(first.markets + also, None)

    async def events(
        self,
        *,
        limit: int = 20,
        after_cursor: str | None = None,
        closed: bool | None = None,
        order: str | None = None,
        ascending: bool | None = None,
        tag_id: str | None = None,
        title_search: str | None = None,
    ) -> EventPage:
        """Events with their markets, up to 500 a page."""
        _check_limit(limit, most=_MAX_EVENTS)
        return await self._transport.call(
            events_spec(
                limit=limit,
                after_cursor=after_cursor,
                closed=closed,
                order=order,
                ascending=ascending,
                tag_id=tag_id,
                title_search=title_search,
            )
        )

    async def tags(self, *, limit: int = 100, offset: int = 0) -> tuple[Tag, ...]:
        """Subjects, up to 100 a page."""
        _check_limit(limit, most=100)
        return await self._transport.call(tags_spec(limit=limit, offset=offset))


def _check_limit(limit: int, *, most: int) -> None:
    if not 1 <= limit <= most:
        raise InputRejected(f"limit {limit} is out of range", code="limit", fix=f"from 1 to {most}")
