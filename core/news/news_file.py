"""News that was written down in a table, told again as time passes."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import ConfigurationError
from ..models import NewsItem
from ..table_files import UNREADABLE, moment_of, records
from .plain_text import plain

_TITLES = ("title", "headline", "article_title")
_ADDRESSES = ("url", "link", "article_url")
_IDS = ("id", "row", "headline_row", "pair_id")
_PUBLISHED = ("published", "pub_utc", "published_at", "publication_time")
_FIRST_SEEN = ("first_seen", "first_seen_utc", "fetched_at", "seen_utc")


class ReplaySource:
    """Items that were written down, each from the moment it was first seen: earlier it was not known, whatever date it
    claims. They are read when they are first asked for."""

    def __init__(self, name: str, read: Callable[[], Sequence[NewsItem]], clock: Clock) -> None:
        self._name = name
        self._read = read
        self._clock = clock
        self._items: Sequence[NewsItem] | None = None

    @classmethod
    def of_file(cls, path: Path, clock: Clock) -> ReplaySource:
        return cls(path.name, functools.partial(read_news, path), clock)

    @property
    def name(self) -> str:
        return self._name

    async def latest(self, query: str = "") -> Sequence[NewsItem]:
        """What was known by now. Raises ConfigurationError for a file that cannot be read."""
        if self._items is None:
            self._items = await asyncio.to_thread(self._read)  # a file may be large
        now = self._clock.now()
        return [item for item in self._items if (item.first_seen or item.published or now) <= now]


def read_news(path: Path) -> list[NewsItem]:
    """The rows of a table (CSV, TSV, JSON lines and others, see table_files) that have a title.

    Raises ConfigurationError for a file that cannot be read, also where a moment of first sight is none: without it an
    item would count as known from whatever date it claims.
    """
    try:
        return [item for row in records(path) if (item := _item(row, path.name)) is not None]
    except UNREADABLE as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def _item(row: Mapping[str, Any], name: str) -> NewsItem | None:
    if not isinstance(row, Mapping):
        raise ValueError("a line is no JSON object")
    title = plain(_first(row, _TITLES), most=500)
    if not title:
        return None
    seen = _first(row, _FIRST_SEEN)
    first_seen = moment_of(seen)
    if seen and first_seen is None:
        raise ValueError(f"first seen at {seen[:60]!r}, which is no time")
    return NewsItem(
        title=title,
        text=plain(str(row.get("text") or row.get("summary") or ""), most=2000),
        source=plain(str(row.get("source") or name), most=100),
        published=moment_of(_first(row, _PUBLISHED)),
        url=_first(row, _ADDRESSES)[:2000],
        id=_first(row, _IDS)[:500],
        first_seen=first_seen,
    )


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((str(row[name]) for name in names if row.get(name) not in (None, "")), "")
