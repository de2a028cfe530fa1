"""GDELT's document search: news of the whole world by words, without a key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from ..models import NewsItem
from .news_source import NewsSourceFailed
from .plain_text import plain
from .web_fetching import WebFetcher

GDELT_URL = "https://api.gdeltproject.org/api/v2/doc/doc"
_MOST = 75


class GdeltSource:
    """English articles of the last three days about a query, the newest first. Without a query it has none."""

    def __init__(self, fetcher: WebFetcher, *, url: str = GDELT_URL) -> None:
        self._fetcher = fetcher
        self._url = url

    @property
    def name(self) -> str:
        return "GDELT"

    async def latest(self, query: str = "") -> Sequence[NewsItem]:
        """Articles whose text has the query's words. Raises NewsSourceFailed."""
        words = " ".join("".join(each if each.isalnum() else " " for each in query).split())[:200]
        if not words:
            return ()
        asked = {
            "query": f"{words} sourcelang:english",
            "mode": "artlist",
            "format": "json",
            "sort": "datedesc",
            "timespan": "3d",
            "maxrecords": _MOST,
        }
        document = await self._fetcher.get(f"{self._url}?{urlencode(asked)}")
        try:
            # Refusals, such as of a word that is too short, come as plain text with the status 200.
            articles = json.loads(document.body or b"{}").get("articles") or []
            if not isinstance(articles, list):
                raise TypeError("the articles are no list")
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise NewsSourceFailed("GDELT refused the query") from error
        return [item for article in articles if (item := _item(article)) is not None]


def _item(article: Any) -> NewsItem | None:
    if not isinstance(article, dict) or not (title := plain(str(article.get("title", "")), most=500)):
        return None
    return NewsItem(
        title=title,
        source=plain(str(article.get("domain", "")), most=100) or "GDELT",
        published=_moment(str(article.get("seendate", ""))),
        url=str(article.get("url", ""))[:2000],
    )


def _moment(text: str) -> datetime | None:
    """`20260112T134500Z`, which is when GDELT saw the article."""
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
