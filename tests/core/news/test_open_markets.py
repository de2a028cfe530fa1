"""Which markets news is held against, and how often the catalogue is asked for them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import VenueUnavailable
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.models import Market, NewsItem
from polydesk.core.news.market_index import items_about
from polydesk.core.news.open_markets import KEPT_FOR, MOST_PAGES, OpenMarketReader
from polydesk.core.polymarket.wire.catalogue import parse_market

AT = datetime(2026, 5, 17, tzinfo=UTC)


class Catalogue:
    """Pages of events, one market each; `fails_at` is the page that cannot be had."""

    def __init__(self, markets: Sequence[Market], *, fails_at: int | None = None) -> None:
        self.markets, self.fails_at, self.asked = markets, fails_at, 0

    async def events(self, *, after_cursor: str | None, **_: Any) -> SimpleNamespace:
        page = int(after_cursor or 0)
        self.asked += 1
        await asyncio.sleep(0)
        if page == self.fails_at:
            raise VenueUnavailable("no answer")
        more = str(page + 1) if page + 1 < len(self.markets) else None
        return SimpleNamespace(events=(SimpleNamespace(markets=(self.markets[page],)),), next_cursor=more)


@pytest.fixture
def market() -> Market:
    return parse_market(dict(load_catalogue().markets[0].gamma), AT)


async def test_markets_are_read_once_for_everybody_and_again_when_old(market: Market) -> None:
    clock, catalogue = ManualClock(AT), Catalogue([market, dataclasses.replace(market, closed=True)])
    reader = OpenMarketReader(catalogue, clock)  # type: ignore[arg-type]
    first, second = await asyncio.gather(reader.read(), reader.read())
    assert first is second
    assert (len(first.index), first.complete, catalogue.asked) == (1, True, 2)
    await clock.advance(KEPT_FOR.total_seconds() + 1)
    assert (await reader.read()).as_of == clock.now()
    assert catalogue.asked == 4


async def test_a_catalogue_that_stops_answering_leaves_what_was_read(market: Market) -> None:
    reader = OpenMarketReader(Catalogue([market] * 4, fails_at=2), ManualClock(AT))  # type: ignore[arg-type]
    found = await reader.read()
    assert (len(found.index), found.complete) == (2, False)
    with pytest.raises(VenueUnavailable):
        await OpenMarketReader(Catalogue([market], fails_at=0), ManualClock(AT)).read()  # type: ignore[arg-type]


async def test_only_so_many_pages_are_asked_for(market: Market) -> None:
    catalogue = Catalogue([market] * (MOST_PAGES + 5))
    found = await OpenMarketReader(catalogue, ManualClock(AT)).read()  # type: ignore[arg-type]
    assert (catalogue.asked, found.complete) == (MOST_PAGES, False)


def test_items_about_one_market_keep_their_order(market: Market) -> None:
    items = [NewsItem("Fed to cut rates"), NewsItem("Cat in tree"), NewsItem("Fed holds rates")]
    assert items_about(items, market) == [items[0], items[2]]
