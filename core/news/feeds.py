"""RSS and Atom feeds, and those that are read unless a person chose others."""

from __future__ import annotations

import asyncio
import calendar
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..models import NewsItem
from .news_source import NewsSourceFailed
from .plain_text import plain
from .web_fetching import Validators, WebFetcher

_MOST_ENTRIES = 200
_MOST_TAGS = 50_000
"""More would take the parser minutes, and no feed of a newsroom has a tenth of it."""


@dataclass(frozen=True, slots=True)
class Feed:
    name: str
    url: str


DEFAULT_FEEDS = (
    Feed("BBC Politics", "https://feeds.bbci.co.uk/news/politics/rss.xml"),
    Feed("BBC World", "https://feeds.bbci.co.uk/news/world/rss.xml"),
    Feed("NPR Politics", "https://feeds.npr.org/1014/rss.xml"),
    Feed("Al Jazeera", "https://www.aljazeera.com/xml/rss/all.xml"),
    Feed("Federal Reserve", "https://www.federalreserve.gov/feeds/press_all.xml"),
    Feed("European Central Bank", "https://www.ecb.europa.eu/rss/press.html"),
    Feed("CNBC Economy", "https://www.cnbc.com/id/20910258/device/rss/rss.html"),
    Feed("MarketWatch", "https://feeds.content.dowjones.io/public/rss/mw_topstories"),
    Feed("CoinDesk", "https://www.coindesk.com/arc/outboundfeeds/rss/"),
    Feed("Cointelegraph", "https://cointelegraph.com/rss"),
    Feed("ESPN", "https://www.espn.com/espn/rss/news"),
    Feed("BBC Sport", "https://feeds.bbci.co.uk/sport/rss.xml"),
)
"""Politics, economics, crypto and sports."""


class FeedSource:
    """One feed. What has not changed since it was last read is not sent again by hosts that keep to the rules."""

    def __init__(self, feed: Feed, fetcher: WebFetcher) -> None:
        self._feed = feed
        self._fetcher = fetcher
        self._validators = Validators()

    @property
    def name(self) -> str:
        return self._feed.name

    async def latest(self, query: str = "") -> Sequence[NewsItem]:
        """Every entry of the feed: it cannot search. Raises NewsSourceFailed."""
        document = await self._fetcher.get(self._feed.url, validators=self._validators)
        if document.body is None:
            return ()
        items = await asyncio.to_thread(parse_feed, document.body, self._feed.name)
        self._validators = document.validators
        return items


def parse_feed(body: bytes, source: str) -> list[NewsItem]:
    """The entries of a feed that have a title, in its order. Raises NewsSourceFailed for what is none."""
    import feedparser

    if body.count(b"<") > _MOST_TAGS:
        raise NewsSourceFailed(f"{source} sent more markup than a feed has")
    # A stream, because feedparser would take text for an address or the name of a file. Markup is taken out below.
    try:
        parsed = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    except Exception as error:  # whatever a parser of many dialects stumbles over, it is the feed that cannot be read
        raise NewsSourceFailed(f"{source} sent a feed that cannot be read: {type(error).__name__}") from error
    if not parsed.get("version") and not parsed.entries:
        raise NewsSourceFailed(f"{source} sent no feed")
    items = []
    for entry in parsed.entries[:_MOST_ENTRIES]:
        title = plain(str(entry.get("title", "")), most=500)
        if not title:
            continue
        items.append(
            NewsItem(
                title=title,
                text=plain(str(entry.get("summary", "")), most=2000),
                source=source,
                published=_moment(entry),
                url=str(entry.get("link", ""))[:2000],
                id=str(entry.get("id", ""))[:500],
            )
        )
    return items


def _moment(entry: Mapping[str, Any]) -> datetime | None:
    # `in` first: asking for a missing `updated_parsed` makes feedparser warn.
    named = next((name for name in ("published_parsed", "updated_parsed") if name in entry), None)
    parts = entry[named] if named else None
    if not isinstance(parts, time.struct_time):
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parts), UTC)
    except (OverflowError, OSError, ValueError):
        return None
