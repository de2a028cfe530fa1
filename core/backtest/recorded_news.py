"""Recorded news as a backtest may know it: none of it before it could be read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ..models import NewsItem
from ..news.news_file import read_news
from ..recording.rows import NEWS, is_recording, read_rows
from ..table_files import moment_of, suffix_of

PUBLICATION_DELAY = timedelta(minutes=5)
"""What passes at least between an item's own date and its being read, where nobody recorded when that was."""


@dataclass(frozen=True, slots=True)
class RecordedNews:
    """Items that all have a moment they were first seen at, and what had to be assumed or left out for that."""

    items: Sequence[NewsItem]
    warnings: tuple[str, ...]


def recorded_news(path: Path) -> RecordedNews:
    """The items of a file, or of a folder of the recorder's, that can be placed in time.

    Raises ConfigurationError for what cannot be read.
    """
    items: list[NewsItem] = []
    published_only = undated = 0
    for item in _items(path):
        if item.first_seen is not None:
            items.append(item)
        elif item.published is not None:
            published_only += 1
            items.append(dataclasses.replace(item, first_seen=item.published + PUBLICATION_DELAY))
        else:
            undated += 1
    warnings = []
    if published_only:
        minutes = PUBLICATION_DELAY // timedelta(minutes=1)
        warnings.append(
            f"{published_only} items have only the date they claim, and count as known {minutes} minutes after it; "
            "a page may be dated earlier than it could be read"
        )
    if undated:
        warnings.append(f"{undated} items without a date are left out")
    return RecordedNews(items, tuple(warnings))


def _items(path: Path) -> Iterable[NewsItem]:
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not path.is_dir() and (suffix_of(path) != ".parquet" or not is_recording(path)):
        return read_news(path)
    return [_item(json.loads(row.text or "{}")) for file in files for row in read_rows(file) if row.kind == NEWS]


def _item(told: Mapping[str, Any]) -> NewsItem:
    return NewsItem(
        title=told["title"],
        text=told["text"],
        source=told["source"],
        url=told["url"],
        id=told["id"],
        published=moment_of(told["published"]),
        first_seen=moment_of(told["first_seen"]),
    )
