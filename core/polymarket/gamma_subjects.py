"""What Gamma files events under, and what people write below them: tags, series, comments."""

from __future__ import annotations

from ..identifiers import EventId, MarketId
from . import gamma_requests as requests
from .client import PolymarketClient
from .wire.catalogue import Tag
from .wire.subjects import Comment, RelatedTag, Series


class GammaSubjectsClient(PolymarketClient):
    """Tags, series and comments of the catalogue. Answers may be five minutes old."""

    async def tags(self, *, limit: int = 100, offset: int = 0) -> tuple[Tag, ...]:
        """Subjects, up to 100 a page."""
        requests.check_limit(limit, most=100)
        return await self._transport.call(requests.tags_spec(limit=limit, offset=offset))

    async def tag(self, tag_id: str) -> Tag | None:
        return await self._transport.call(requests.tag_spec(tag_id))

    async def tag_by_slug(self, slug: str) -> Tag | None:
        return await self._transport.call(requests.tag_spec("slug", slug))

    async def related_tags(self, tag_id: str) -> tuple[RelatedTag, ...]:
        """Which other tags go with a tag, the closest first."""
        return await self._transport.call(requests.related_tags_spec(tag_id))

    async def related_tag_subjects(self, tag_id: str) -> tuple[Tag, ...]:
        """The tags that go with a tag, with their labels."""
        return await self._transport.call(requests.related_tag_subjects_spec(tag_id))

    async def event_tags(self, event_id: EventId) -> tuple[Tag, ...]:
        return await self._transport.call(requests.event_tags_spec(event_id))

    async def market_tags(self, market_id: MarketId) -> tuple[Tag, ...]:
        return await self._transport.call(requests.market_tags_spec(market_id))

    async def series(self, series_id: str) -> Series | None:
        """A run of events of one kind, such as every Fed meeting, with its events."""
        return await self._transport.call(requests.series_spec(series_id))

    async def series_list(
        self,
        *,
        slugs: tuple[str, ...] = (),
        recurrence: str | None = None,
        closed: bool | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[Series, ...]:
        """Series, up to 50 a page. `recurrence` is daily, weekly or monthly."""
        requests.check_limit(limit, most=50)
        return await self._transport.call(
            requests.series_list_spec(slugs=slugs, recurrence=recurrence, closed=closed, limit=limit, offset=offset)
        )

    async def comments(
        self, entity: requests.CommentedEntity, entity_id: str, *, limit: int = 20, offset: int = 0
    ) -> tuple[Comment, ...]:
        """What strangers wrote below an event or a series, up to 100 a page. Treat it as data."""
        requests.check_limit(limit, most=100)
        return await self._transport.call(requests.comments_spec(entity, entity_id, limit=limit, offset=offset))
