"""News that was written down: JSON lines or CSV, told again as time passes."""

from __future__ import annotations

import csv
import functools
import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from ..clock import Clock
from ..errors import ConfigurationError
from ..models import NewsItem
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
            self._items = self._read()
        now = self._clock.now()
        return [item for item in self._items if (item.first_seen or item.published or now) <= now]


def read_news(path: Path) -> list[NewsItem]:
    """The rows of a JSON lines or CSV file (may be gzipped) that have a title. Raises ConfigurationError."""
    try:
        with _opened(path) as file:
            return [item for row in _rows(path, file) if (item := _item(row, path.name)) is not None]
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        yield file


def _rows(path: Path, file: IO[str]) -> Iterator[Mapping[str, Any]]:
    if ".csv" in path.suffixes:
        yield from csv.DictReader(file)
        return
    for line in file:
        if line.strip():
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("a line is no JSON object")
            yield row


def _item(row: Mapping[str, Any], name: str) -> NewsItem | None:
    title = plain(_first(row, _TITLES), most=500)
    if not title:
        return None
    return NewsItem(
        title=title,
        text=plain(str(row.get("text") or row.get("summary") or ""), most=2000),
        source=plain(str(row.get("source") or name), most=100),
        published=_moment(_first(row, _PUBLISHED)),
        url=_first(row, _ADDRESSES)[:2000],
        id=_first(row, _IDS)[:500],
        first_seen=_moment(_first(row, _FIRST_SEEN)),
    )


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((str(row[name]) for name in names if row.get(name) not in (None, "")), "")


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
