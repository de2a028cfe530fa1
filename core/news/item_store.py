"""Every item of news the desk was told, once, with the moment from which it was known."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import delete, func, insert, select, update

from ..models import NewsItem
from ..storage.database import Database
from ..storage.moments import from_micros, to_micros
from ..storage.schema import news_items
from .duplicates import StoryIndex, canonical_url
from .plain_text import plain

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

MOST_TITLE, MOST_TEXT = 500, 20_000
_KEPT = 50_000
_STORIES_IN_MEMORY = 20_000
_SAME_STORY_WITHIN = timedelta(days=3)
_CLOCKS_DIFFER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class StoredItem:
    """`state` is `known` where nothing changed, `rewritten` where the source has another title for it by now.

    `duplicate_of` is the number of the item that told the story first.
    """

    number: int
    item: NewsItem
    duplicate_of: int | None
    state: Literal["new", "known", "rewritten"]

    @property
    def evidence(self) -> NewsItem:
        """The item as it is weighed: as old as its own date says where that is earlier than when it came here.

        A host may hand in old news, and a feed begins with it. A title that was just rewritten is new.
        """
        item = self.item
        if self.state == "rewritten" or item.published is None or item.first_seen is None:
            return item
        return replace(item, first_seen=min(item.first_seen, item.published))


class NewsStore:
    """Items by (source, id or address). The last 50,000 are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stories: StoryIndex | None = None

    def add(self, items: Sequence[NewsItem], *, now: datetime) -> list[StoredItem]:
        """Keep items, in one transaction; the same ones again change nothing.

        A date in the future is left out, and an item counts as first seen now unless it was replayed from earlier. A
        title that was rewritten is a new text, first seen now, whatever date its page keeps.
        """
        try:
            with self._database.writing() as connection:
                stories = self._loaded_stories(connection, now)
                stored = [self._add(connection, stories, _cleaned(item, now), now) for item in items]
                newest = connection.execute(select(func.max(news_items.c.number))).scalar() or 0
                connection.execute(delete(news_items).where(news_items.c.number <= newest - _KEPT))
        except BaseException:
            self._stories = None  # it may know titles that were not kept
            raise
        if len(stories) > _STORIES_IN_MEMORY:
            self._stories = None
        return stored

    def recent(self, *, since: datetime, until: datetime, most: int) -> list[StoredItem]:
        """Items first seen in a span of time, the newest first, without those that repeat a story."""
        query = (
            select(news_items)
            .where(news_items.c.first_seen.between(to_micros(since), to_micros(until)))
            .where(news_items.c.duplicate_of.is_(None))
            .order_by(news_items.c.first_seen.desc(), news_items.c.number.desc())
            .limit(most)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [_stored(row, "known") for row in rows]

    def _add(self, connection: Connection, stories: StoryIndex, item: NewsItem, now: datetime) -> StoredItem:
        url = canonical_url(item.url)
        item_id = identity(item)
        found = connection.execute(
            select(news_items).where(news_items.c.source == item.source, news_items.c.item_id == item_id)
        )
        known = found.mappings().one_or_none()
        if known is not None and known["title"] == item.title:
            return replace(_stored(known, "known"), item=_with_stance(_item(known), item))
        if known is not None:
            number = int(known["number"])
            changed = {"title": item.title, "text": item.text, "first_seen": to_micros(now)}
            connection.execute(update(news_items).where(news_items.c.number == number).values(changed))
            stories.add(number, item.title)
            rewritten = replace(item, first_seen=now)
            return StoredItem(number, rewritten, known["duplicate_of"], "rewritten")
        first = stories.first_of(item.title)
        if url:
            same_page = select(func.min(news_items.c.number)).where(news_items.c.url == url)
            first = connection.execute(same_page).scalar() or first
        row = {
            "source": item.source,
            "item_id": item_id,
            "title": item.title,
            "text": item.text,
            "url": url or item.url,
            "published": None if item.published is None else to_micros(item.published),
            "first_seen": to_micros(item.first_seen or now),
            "duplicate_of": first,
        }
        (number,) = connection.execute(insert(news_items).values(row)).inserted_primary_key or (0,)
        if first is None:
            stories.add(int(number), item.title)
        return StoredItem(int(number), item, first, "new")

    def _loaded_stories(self, connection: Connection, now: datetime) -> StoryIndex:
        if self._stories is None:
            self._stories = StoryIndex()
            query = select(news_items.c.number, news_items.c.title).where(
                news_items.c.first_seen >= to_micros(now - _SAME_STORY_WITHIN), news_items.c.duplicate_of.is_(None)
            )
            for number, title in connection.execute(query).all():
                self._stories.add(number, title)
        return self._stories


def identity(item: NewsItem) -> str:
    """What names an item within its source: its id, its address, or else its words."""
    return item.id or canonical_url(item.url) or hashlib.sha256(item.title.encode()).hexdigest()[:32]


def _cleaned(item: NewsItem, now: datetime) -> NewsItem:
    """An item as it is kept: plain words of bounded length, and no date that cannot be."""
    published = item.published
    if published is not None and published > now + _CLOCKS_DIFFER:
        published = None
    return replace(
        item,
        title=plain(item.title, most=MOST_TITLE),
        text=plain(item.text, most=MOST_TEXT),
        source=plain(item.source, most=200),
        id=item.id[:500],
        url=item.url[:2000],
        published=published,
        first_seen=min(item.first_seen or now, now),
    )


def _with_stance(known: NewsItem, given: NewsItem) -> NewsItem:
    """The item as it was kept, with the stance that came with this call: it is about one market and is not kept."""
    return replace(known, stance=given.stance, strength=given.strength)


def _item(row: RowMapping) -> NewsItem:
    return NewsItem(
        title=row["title"],
        text=row["text"],
        source=row["source"],
        published=None if row["published"] is None else from_micros(row["published"]),
        url=row["url"],
        id=row["item_id"],
        first_seen=from_micros(row["first_seen"]),
    )


def _stored(row: RowMapping, state: Any) -> StoredItem:
    return StoredItem(int(row["number"]), _item(row), row["duplicate_of"], state)
