"""What people write below events at the venue: opinions of those who bet on them, and labelled so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import PolymarketAPIError
from ..models import NewsItem
from .news_source import NewsSourceFailed
from .plain_text import plain

if TYPE_CHECKING:
    from ..polymarket.gamma import GammaClient

COMMENTS = "Polymarket comments"
_TITLE_LENGTH = 200


class CommentSource:
    """The latest comments below some events, by their catalogue ids."""

    def __init__(self, gamma: GammaClient, event_ids: Sequence[str]) -> None:
        self._gamma = gamma
        self._event_ids = tuple(event_ids)

    @property
    def name(self) -> str:
        return COMMENTS

    async def latest(self, query: str = "") -> Sequence[NewsItem]:
        """Up to 100 comments of each event; they cannot be searched. Raises NewsSourceFailed."""
        try:
            return [
                NewsItem(
                    title=plain(comment.body, most=_TITLE_LENGTH),
                    text=plain(comment.body, most=2000) if len(comment.body) > _TITLE_LENGTH else "",
                    source=COMMENTS,
                    published=comment.created_at,
                    id=comment.id,
                )
                for event_id in self._event_ids
                for comment in await self._gamma.comments("Event", event_id, limit=100)
                if plain(comment.body, most=_TITLE_LENGTH)
            ]
        except PolymarketAPIError as error:
            raise NewsSourceFailed(f"comments could not be read: {error.message}") from error
