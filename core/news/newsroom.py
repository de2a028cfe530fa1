"""Takes items of news in, from a host or from sources, keeps them, and says which open markets they are about."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..clock import Clock
from ..models import Market, NewsItem
from .collection import Collected, NewsCollector
from .item_store import NewsStore, StoredItem
from .market_index import items_about
from .matching import Match, match
from .open_markets import OpenMarketReader, OpenMarkets
from .questions import question_of
from .reading import read_item

RECENT = timedelta(days=3)
_LOOKED_THROUGH = 2000
_MARKETS_AN_ITEM = 20


@dataclass(frozen=True, slots=True)
class MatchedItem:
    """An item, and the markets it is about, the closest first."""

    stored: StoredItem
    markets: tuple[tuple[Market, Match], ...]


@dataclass(frozen=True, slots=True)
class Matched:
    """`markets` says what the items were held against; those of `items` that repeat a story have no markets."""

    items: tuple[MatchedItem, ...]
    markets: OpenMarkets


class Newsroom:
    """News of one desk. It reads and matches; it knows of no orders."""

    def __init__(
        self, store: NewsStore, collector: NewsCollector, open_markets: OpenMarketReader, clock: Clock
    ) -> None:
        self._store = store
        self._collector = collector
        self._open_markets = open_markets
        self._clock = clock

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of what is read besides what hosts hand in."""
        return self._collector.names

    def receive(self, items: Sequence[NewsItem]) -> list[StoredItem]:
        """Keep items. Raises StorageFailed."""
        return self._store.add(items, now=self._clock.now())

    async def collect(self, query: str = "") -> Collected:
        """Read the sources that are due. Raises StorageFailed; what fails of them is told."""
        return await self._collector.collect(query)

    async def recent(self, query: str = "", *, most: int) -> list[StoredItem]:
        """Kept items of the last three days, the newest first; with a query, those about it."""
        kept = self._kept()
        if not query:
            return kept[:most]
        asked = question_of(query)
        words = set(query.casefold().split())

        def about() -> list[StoredItem]:
            return [
                each
                for each in kept
                if match(asked, read_item(each.item)).counts or words <= set(each.item.title.casefold().split())
            ]

        return (await asyncio.to_thread(about))[:most]

    async def recent_about(self, market: Market, *, most: int) -> list[NewsItem]:
        """Kept items of the last three days about one market, the newest first, each as old as it says."""
        kept = [each.evidence for each in self._kept()]
        if not kept:
            return []
        return (await asyncio.to_thread(items_about, kept, market))[:most]

    async def match(self, items: Sequence[StoredItem]) -> Matched:
        """Hold items against every open market that is known. Raises what the catalogue raises."""
        markets = await self._open_markets.read()

        def matched() -> tuple[MatchedItem, ...]:
            return tuple(
                MatchedItem(
                    each,
                    () if each.duplicate_of else tuple(markets.index.matches(each.item, most=_MARKETS_AN_ITEM)),
                )
                for each in items
            )

        return Matched(await asyncio.to_thread(matched), markets)

    def _kept(self) -> list[StoredItem]:
        now: datetime = self._clock.now()
        return self._store.recent(since=now - RECENT, until=now, most=_LOOKED_THROUGH)
