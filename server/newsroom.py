"""Puts the newsroom of a site together: its store, its sources, the markets it matches news to."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import datetime

from ..core.clock import Clock
from ..core.exchange.catalogue import load_catalogue
from ..core.models import NewsItem
from ..core.news.collection import NewsCollector, news_settings, open_sources
from ..core.news.item_store import NewsStore
from ..core.news.news_file import ReplaySource
from ..core.news.news_source import NewsSource
from ..core.news.newsroom import Newsroom
from ..core.news.open_markets import OpenMarketReader
from ..core.news.web_fetching import FetchRules, WebFetcher
from ..core.settings import Settings
from .sites import Site


def open_newsroom(settings: Settings, site: Site, store: NewsStore, opened: AsyncExitStack) -> Newsroom:
    """What its sources hold is closed through `opened`. Raises ConfigurationError for sources that cannot be used."""

    def fetcher(rules: FetchRules) -> WebFetcher:
        made = WebFetcher(rules)
        opened.push_async_callback(made.aclose)
        return made

    gamma, clock = site.public.gamma, site.clock
    sources: list[NewsSource]
    if settings.news == "default" and site.recorded_on is not None:
        sources = [recorded_headlines(clock)]  # today's news says nothing about markets of a day gone by
    else:
        sources = open_sources(news_settings(settings.news), gamma=gamma, clock=clock, fetcher=fetcher)
    return Newsroom(store, NewsCollector(sources, store, clock), OpenMarketReader(gamma, clock), clock)


def recorded_headlines(clock: Clock) -> ReplaySource:
    """The headlines that were recorded with the sandbox's markets."""

    def read() -> list[NewsItem]:
        return [
            NewsItem(
                title=each["title"],
                source=each["source"],
                url=each["url"],
                published=datetime.fromisoformat(each["published"]),
            )
            for each in load_catalogue().headlines
        ]

    return ReplaySource("recorded headlines", read, clock)
