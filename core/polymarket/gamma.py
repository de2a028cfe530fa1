"""Gamma, the catalogue: search, markets, events, series and tags. Its prices may be five minutes old."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from ..errors import InputRejected
from ..identifiers import ConditionId, EventId, MarketId, TokenId
from ..models import Event, Market
from . import gamma_requests as requests
from .gamma_subjects import GammaSubjectsClient
from .paging import Page, all_items
from .wire.catalogue import EventPage, MarketPage, SearchPage
from .wire.market_statistics import MarketStatistics

_MAX_MARKETS = 100
_MAX_EVENTS = 500


class GammaClient(GammaSubjectsClient):
    """The catalogue. Answers may come from a cache of five minutes unless `fresh`."""

    async def search(
        self, query: str, *, limit: int = 10, page: int = 1, status: requests.SearchStatus | None = "active"
    ) -> SearchPage:
        """Events matching words. `limit` is events per page, `page` counts from 1; status None finds all."""
        return await self._transport.call(requests.search_spec(query, limit=limit, page=page, status=status))

    async def event(self, event_id: EventId, *, fresh: bool = False) -> Event | None:
        return await self._transport.call(requests.event_spec(event_id), fresh=fresh)

    async def event_by_slug(self, slug: str, *, fresh: bool = False) -> Event | None:
        return await self._transport.call(requests.event_spec("slug", slug), fresh=fresh)

    async def market(self, market_id: MarketId, *, fresh: bool = False) -> Market | None:
        return await self._transport.call(requests.market_spec(market_id), fresh=fresh)

    async def market_by_slug(self, slug: str, *, fresh: bool = False) -> Market | None:
        return await self._transport.call(requests.market_spec("slug", slug), fresh=fresh)

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
        requests.check_limit(limit, most=_MAX_MARKETS)

        async def page(closed: bool | None) -> MarketPage:
            spec = requests.markets_spec(
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
        requests.check_limit(limit, most=_MAX_EVENTS)
        return await self._transport.call(
            requests.events_spec(
                limit=limit,
                after_cursor=after_cursor,
                closed=closed,
                order=order,
                ascending=ascending,
                tag_id=tag_id,
                title_search=title_search,
            )
        )

    async def market_statistics(self, market_id: MarketId) -> MarketStatistics | None:
        """What a market has traded and what rests in its book, as the catalogue counts it."""
        return await self._transport.call(requests.market_statistics_spec(market_id))

    def iterate_markets(
        self,
        *,
        closed: bool | None = None,
        order: str | None = None,
        ascending: bool | None = None,
        tag_id: str | None = None,
    ) -> AsyncIterator[Market]:
        """Every market that fits, 100 a page, fetching each page when it is reached."""

        async def page(cursor: str | None) -> Page[Market]:
            return await self.markets(
                closed=closed,
                limit=_MAX_MARKETS,
                after_cursor=cursor,
                order=order,
                ascending=ascending,
                tag_id=tag_id,
            )

        return all_items(page)

    def iterate_events(
        self,
        *,
        closed: bool | None = None,
        order: str | None = None,
        ascending: bool | None = None,
        tag_id: str | None = None,
        title_search: str | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[Event]:
        """Every event that fits, with its markets, fetching each page of `page_size` (1-500) when it is reached."""

        async def page(cursor: str | None) -> Page[Event]:
            return await self.events(
                limit=page_size,
                after_cursor=cursor,
                closed=closed,
                order=order,
                ascending=ascending,
                tag_id=tag_id,
                title_search=title_search,
            )

        return all_items(page)
