"""Every open market is looked at, within a budget of requests, on the embedded exchange over a socket."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

import pytest

from polydesk.core.clock import ManualClock, SystemClock
from polydesk.core.errors import InputRejected
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.forecasting.scan import SNAPSHOT_LASTS, MarketScanner, Scan, ScanCriteria
from polydesk.core.forecasting.screens import Hit
from polydesk.core.market_data.directory import MarketDirectory
from polydesk.core.models import Market
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.gamma import GammaClient
from polydesk.core.polymarket.transport import Transport
from tests.core.exchange.conftest import STARTS_AT
from tests.support.exchanges import environment_of
from tests.support.large_catalogue import large_catalogue

CRITERIA = ScanCriteria(("sums", "momentum", "wide_spread", "closing_soon", "new"), Decimal(1000))


@dataclass
class NewsSearchOfATest:
    """Remembers what it was asked about."""

    asked: list[Market] = field(default_factory=list)
    events: Mapping[str, Sequence[Market]] = field(default_factory=dict)

    async def __call__(
        self, markets: Sequence[Market], *, events: Mapping[str, Sequence[Market]], budget: int
    ) -> tuple[list[Hit], int]:
        self.asked, self.events = list(markets), events
        return [], 0


@dataclass
class Scanning:
    scanner: MarketScanner
    clock: ManualClock
    told: list[float]
    news: NewsSearchOfATest

    async def scan(self, criteria: ScanCriteria = CRITERIA) -> Scan:
        self.told.clear()
        return await self.scanner.scan(criteria, progress=self.told.append)


OpenScanning = Callable[[int], AbstractAsyncContextManager[Scanning]]


@pytest.fixture
def scanning() -> OpenScanning:
    """A scanner of an exchange with so many events of ten markets."""

    @asynccontextmanager
    async def opened(events: int) -> AsyncIterator[Scanning]:
        clock = ManualClock(STARTS_AT)
        exchange = Exchange(large_catalogue(events), ExchangeSettings(), clock)
        async with (
            ExchangeServer(exchange) as server,
            Transport(environment_of(server), clock=SystemClock(), random=Random(1)) as transport,
        ):
            news = NewsSearchOfATest()
            directory = MarketDirectory(GammaClient(transport))
            scanner = MarketScanner(directory, CLOBClient(transport), clock, news=news)
            yield Scanning(scanner, clock, [], news)

    return opened


async def test_ten_thousand_markets_take_eleven_requests(scanning: OpenScanning) -> None:
    async with scanning(1000) as desk:
        scan = await desk.scan()
        assert (scan.markets, scan.requests, scan.complete) == (10_000, 11, True)
        assert scan.counts == {"sums": 1, "momentum": 100, "wide_spread": 67}
        # hits come in turns, the best of each screen first
        assert [hit.screen for hit in scan.hits[:5]] == ["sums", "momentum", "wide_spread", "momentum", "wide_spread"]
        assert scan.hits[0].why.startswith("bids of 10 outcomes sum to 1.100")
        assert len(desk.told) == 11
        assert desk.told == sorted(desk.told)
        assert desk.told[-1] == 1.0


async def test_the_budget_ends_a_scan_and_the_answer_says_so(scanning: OpenScanning) -> None:
    async with scanning(300) as desk:
        scan = await desk.scan(dataclasses.replace(CRITERIA, max_requests=2))
        assert (scan.markets, scan.requests, scan.complete) == (2000, 2, False)
        assert "sums" not in scan.counts  # there was nothing left to look at the books with
        assert desk.told[-1] == 1.0
        # 300 events are three pages and an empty one; the books of one event would be the fifth request.
        whole = await desk.scan()
        short = await desk.scan(dataclasses.replace(CRITERIA, max_requests=whole.requests - 1))
        assert (whole.complete, short.complete) == (True, False)
        assert (short.markets, short.requests) == (whole.markets, whole.requests - 1)


async def test_words_and_volume_narrow_a_scan(scanning: OpenScanning) -> None:
    async with scanning(30) as desk:
        one = await desk.scan(dataclasses.replace(CRITERIA, words=("EVENT 7", "nothing")))
        assert one.counts == {"sums": 1}
        busy = await desk.scan(dataclasses.replace(CRITERIA, screens=("momentum",), least_volume_usd=Decimal(5006)))
        assert busy.hits == ()
        assert busy.markets == 300
        narrow = dataclasses.replace(CRITERIA, screens=("news_edge",), words=("event 7",), least_volume_usd=Decimal(0))
        await desk.scan(narrow)
        assert {market.event_title.casefold() for market in desk.news.asked} == {"event 7"}
        assert len(desk.news.asked) == 10
        assert len(desk.news.events) == 30  # what corrects a value is not narrowed


async def test_what_was_found_is_kept_for_paging_and_then_forgotten(scanning: OpenScanning) -> None:
    async with scanning(10) as desk:
        with pytest.raises(InputRejected, match="no longer kept"):
            desk.scanner.kept(CRITERIA)
        scan = await desk.scan()
        assert desk.scanner.kept(CRITERIA) is scan
        await desk.clock.advance(SNAPSHOT_LASTS.total_seconds() + 1)
        with pytest.raises(InputRejected, match="no longer kept"):
            desk.scanner.kept(CRITERIA)


async def test_the_books_of_a_few_scans_are_kept_at_most(scanning: OpenScanning) -> None:
    async with scanning(1) as desk:
        for volume in range(9):
            await desk.scan(dataclasses.replace(CRITERIA, least_volume_usd=Decimal(volume)))
        with pytest.raises(InputRejected):
            desk.scanner.kept(dataclasses.replace(CRITERIA, least_volume_usd=Decimal(0)))
