"""Reads every source into the store, a few at a time, and goes on without those that fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..clock import Clock
from ..errors import ConfigurationError, PolymarketAPIError
from .comments import CommentSource
from .feeds import DEFAULT_FEEDS, Feed, FeedSource
from .gdelt import GDELT_URL, GdeltSource
from .item_store import NewsStore
from .news_file import ReplaySource
from .news_source import NewsSource
from .web_fetching import FetchRules, WebFetcher

if TYPE_CHECKING:
    from ..polymarket.gamma import GammaClient

ENTRY_POINTS = "polydesk.news_sources"
"""The group in which a package names its sources, each as `name = "module:function"`."""

AT_ONCE = 4
READ_AGAIN_AFTER = timedelta(minutes=5)
"""How long what a source said is taken as its latest; a query goes to those that can search at most as often."""

_KEPT_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Collected:
    """`failures` says by source what went wrong."""

    new_items: int
    failures: Mapping[str, str]


class NewsCollector:
    """Some sources and the store that keeps what they tell."""

    def __init__(self, sources: Sequence[NewsSource], store: NewsStore, clock: Clock) -> None:
        self._sources = tuple(sources)
        self._store = store
        self._clock = clock
        self._read_at: dict[tuple[int, str], datetime] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(source.name for source in self._sources)

    async def collect(self, query: str = "") -> Collected:
        """Read what is due. Raises StorageFailed; failures of sources are told instead."""
        failures: dict[str, str] = {}
        counts = await asyncio.gather(
            *(self._read(index, source, query, failures) for index, source in enumerate(self._sources))
        )
        return Collected(sum(counts), failures)

    async def _read(self, index: int, source: NewsSource, query: str, failures: dict[str, str]) -> int:
        key, now = (index, query.casefold()), self._clock.now()
        last = self._read_at.get(key)
        if last is not None and now - last < READ_AGAIN_AFTER:
            return 0
        async with self._turns:
            try:
                items = await source.latest(query)
            except PolymarketAPIError as error:
                failures[source.name] = error.message
                return 0
        if len(self._read_at) > 1000:
            self._read_at.clear()
        self._read_at[key] = now
        new = 0
        for first in range(0, len(items), _KEPT_AT_ONCE):
            stored = self._store.add(items[first : first + _KEPT_AT_ONCE], now=self._clock.now())
            new += sum(each.state == "new" for each in stored)
            await asyncio.sleep(0)  # a file may hold tens of thousands, and others are to be answered meanwhile
        return new


@dataclass(frozen=True, slots=True)
class NewsSettings:
    """What is read: feeds, files that are replayed, comments below events, and whether GDELT is searched.

    `hosts` are those a feed may redirect to beside its own. `packages` are sources of installed packages by name, with
    the options that each is opened with.
    """

    feeds: tuple[Feed, ...] = ()
    files: tuple[Path, ...] = ()
    comments: tuple[str, ...] = ()
    gdelt: bool = False
    hosts: frozenset[str] = field(default_factory=frozenset)
    packages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


DEFAULT_NEWS = NewsSettings(feeds=DEFAULT_FEEDS, gdelt=True, hosts=frozenset({"bbc.co.uk", "bbc.com"}))
NO_NEWS = NewsSettings()


def news_settings(setting: str) -> NewsSettings:
    """`default`, `none`, or the path of a JSON file with any of feeds, files, comments, gdelt, hosts and packages.

    Raises ConfigurationError.
    """
    if setting == "default":
        return DEFAULT_NEWS
    if setting == "none":
        return NO_NEWS
    path = Path(setting).expanduser()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if unknown := document.keys() - {"feeds", "files", "comments", "gdelt", "hosts", "packages"}:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        return NewsSettings(
            feeds=tuple(Feed(_text(each["name"]), _text(each["url"])) for each in document.get("feeds", [])),
            files=tuple(path.parent / _text(each) for each in document.get("files", [])),
            comments=tuple(_text(each) for each in document.get("comments", [])),
            gdelt=bool(document.get("gdelt", False)),
            hosts=frozenset(_text(each).lower() for each in document.get("hosts", [])),
            packages={_text(name): dict(options) for name, options in document.get("packages", {}).items()},
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(f"POLYMARKET_NEWS={setting} cannot be used: {error}") from error


def open_sources(
    settings: NewsSettings, *, gamma: GammaClient, clock: Clock, fetcher: Callable[[FetchRules], WebFetcher]
) -> list[NewsSource]:
    """The sources that settings ask for. Nothing is read before it is asked.

    Raises ConfigurationError for a source of a package that is not installed or cannot be opened.
    """
    sources: list[NewsSource] = [ReplaySource.of_file(path, clock) for path in settings.files]
    hosts = {_host(feed.url) for feed in settings.feeds} | settings.hosts
    if settings.gdelt:
        hosts.add(_host(GDELT_URL))
    web = fetcher(FetchRules(hosts=frozenset(hosts)))
    sources += [FeedSource(feed, web) for feed in settings.feeds]
    if settings.gdelt:
        sources.append(GdeltSource(web))
    if settings.comments:
        sources.append(CommentSource(gamma, settings.comments))
    sources += [_of_package(name, options, clock) for name, options in settings.packages.items()]
    return sources


def _of_package(name: str, options: Mapping[str, Any], clock: Clock) -> NewsSource:
    """A source that an installed package offers by entry point: a function of options and clock."""
    (point,) = [*entry_points(group=ENTRY_POINTS, name=name)][:1] or (None,)
    if point is None:
        known = ", ".join(sorted(entry_points(group=ENTRY_POINTS).names)) or "none"
        raise ConfigurationError(f"No installed package offers a news source {name!r}; there are: {known}.")
    try:
        source: NewsSource = point.load()(options, clock)
    except Exception as error:
        raise ConfigurationError(f"The news source {name!r} cannot be opened: {error}") from error
    return source


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
