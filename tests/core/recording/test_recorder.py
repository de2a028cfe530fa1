"""What the recorder writes happens again exactly: the books at every change, the trades, the times."""

from __future__ import annotations

import asyncio
import json
import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from polydesk.core.backtest.recorded_news import recorded_news
from polydesk.core.clock import ManualClock, ReplayClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.events import BookChanged, ExchangeEvent
from polydesk.core.exchange.replay.moments import BookMoment, LevelMoment, ResolutionMoment, TickMoment, TradeMoment
from polydesk.core.exchange.replay.payloads import Recorded
from polydesk.core.exchange.replay.player import Player
from polydesk.core.exchange.replay.recorded_rows import take_rows
from polydesk.core.exchange.replay.recording import Recording, read_recording
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.market_data.book_keeper import BookGap
from polydesk.core.market_data.market_feed import MarketFeed
from polydesk.core.market_data.recorder import Recorder
from polydesk.core.models import Market, NewsItem
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.gamma import GammaClient
from polydesk.core.polymarket.transport import Transport
from polydesk.core.recording.parts import PartWriter, Rotation
from polydesk.core.recording.rows import Row, read_rows
from tests.support.exchanges import environment_of

_PATIENCE_S = 30
Book = tuple[dict[int, int], dict[int, int]]


class Witness:
    """What really happened on the exchange: each book after each change, and the trades."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.books: dict[str, list[tuple[int, Book]]] = defaultdict(list)
        self.trades: list[tuple[int, str, str, int, int]] = []
        exchange.events.subscribe(self._on_event)

    def _on_event(self, event: ExchangeEvent) -> None:
        if isinstance(event, BookChanged):
            bids, asks = event.listing.book.levels_for(0)
            self.books[event.listing.condition_id].append((self._exchange.now_ms, (dict(bids), dict(asks))))
            for trade in event.trades:
                self.trades.append(
                    (self._exchange.now_ms, trade.taker.token_id, trade.taker.side, trade.price, trade.shares)
                )

    def book_at(self, condition_id: str, at_ms: int) -> Book | None:
        known = self.books[condition_id]
        place = bisect_right(known, at_ms, key=lambda each: each[0])
        return known[place - 1][1] if place else None


class Stage:
    """An exchange with traders, its witness, and a feed that follows it."""

    def __init__(self, exchange: Exchange, clock: ManualClock, feed: MarketFeed, markets: list[Market]) -> None:
        self.exchange, self.clock, self.feed, self.markets = exchange, clock, feed, markets
        self.witness = Witness(exchange)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass, on the exchange's clock and for sockets, until something is so."""
        async with asyncio.timeout(_PATIENCE_S):
            while not condition():
                await self.clock.advance(1)
                for _ in range(4):
                    await asyncio.sleep(0.0005)

    async def until_changed(self, recorder: Recorder, changes: int) -> None:
        await self.until(lambda: recorder.counts.changes >= changes)


@asynccontextmanager
async def staged(*, seed: int = 5, traders: bool = True) -> AsyncIterator[Stage]:
    catalogue = load_catalogue()
    clock = ManualClock(catalogue.starts_at)
    settings = ExchangeSettings(simulated_traders=traders, seed=seed)
    exchange = Exchange(catalogue, settings, clock)
    async with (
        ExchangeServer(exchange) as server,
        Transport(environment_of(server), clock=clock, random=Random(1)) as transport,
    ):
        clob = CLOBClient(transport)
        page = await GammaClient(transport).markets(limit=100, closed=False)
        async with MarketFeed(transport.environment, clock=clock, random=Random(2), fetch_books=clob.books) as feed:
            yield Stage(exchange, clock, feed, list(page.markets))


async def recorded(
    folder: Path, *, changes: int, rotation: Rotation | None = None, flush_every: int | None = None
) -> tuple[Stage, Recorder]:
    """Record until so many changes came, ending files on the way where that is asked for."""
    async with staged() as stage:
        with PartWriter(folder, rotation or Rotation()) as writer:
            async with Recorder(stage.feed, stage.markets, writer, stage.clock) as recorder:
                for goal in range(flush_every or changes, changes + 1, flush_every or changes):
                    await stage.until_changed(recorder, goal)
                    await recorder.flush()
        return stage, recorder


class SlowDisk(PartWriter):
    """A disk that takes nothing for as long as it does not work."""

    def __init__(self, folder: Path, rotation: Rotation) -> None:
        super().__init__(folder, rotation)
        self.works = threading.Event()
        self.works.set()

    def write(self, rows: Sequence[Row], now: datetime) -> None:
        self.works.wait()
        super().write(rows, now)


def replayed(recording: Recording) -> Iterator[tuple[int, dict[str, Book]]]:
    """The books of the markets that something happened to, at each moment, on another exchange."""
    clock = ReplayClock(recording.catalogue.starts_at)
    exchange = Exchange(recording.catalogue, ExchangeSettings(simulated_traders=False), clock)
    player = Player(exchange, recording)
    touched: dict[int, set[str]] = defaultdict(set)
    for moment in recording.moments:
        touched[moment.at_ms].add(moment.condition_id)
    while True:
        books = {}
        for condition_id in touched[exchange.now_ms]:
            bids, asks = exchange.markets.by_condition[condition_id].book.levels_for(0)
            books[condition_id] = (dict(bids), dict(asks))
        yield exchange.now_ms, books
        if (due_ms := player.next_ms) is None:
            return
        clock.leap(datetime.fromtimestamp(due_ms / 1000, UTC))
        exchange.agenda.run_due()
        player.play_due()


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def check(recording: Recording, stage: Stage) -> int:
    """Each replayed book is the witness's of that millisecond, once it was recorded; how many were compared."""
    begins: dict[str, int] = {}
    for moment in recording.moments:
        if isinstance(moment, BookMoment):
            begins.setdefault(moment.condition_id, moment.at_ms)
    compared = 0
    for at_ms, books in replayed(recording):
        for condition_id, book in books.items():
            known = stage.witness.book_at(condition_id, at_ms)
            if known is not None and begins.get(condition_id, at_ms + 1) <= at_ms:
                assert book == known, (condition_id, at_ms)
                compared += 1
    return compared


async def test_what_was_recorded_happens_again_at_every_change(tmp_path: Path) -> None:
    stage, recorder = await recorded(tmp_path, changes=150)
    assert recorder.counts.gaps == 0 and recorder.counts.dropped == 0
    recording = read_recording([tmp_path])
    assert check(recording, stage) > 90
    told = {(each.at_ms, each.token_id, each.side, each.price, each.size) for each in recording.moments
            if isinstance(each, TradeMoment)}  # fmt: skip
    assert len(told) == recorder.counts.trades > 1
    assert told <= set(stage.witness.trades)
    by_condition = {str(market.gamma["conditionId"]): market for market in recording.catalogue.markets}
    for market in stage.markets:
        again = by_condition[market.condition_id]
        assert (again.gamma["question"], again.gamma["slug"]) == (market.question, market.slug)
        assert (again.clob["nr"], again.clob["mos"]) == (market.neg_risk, float(market.min_size))
        assert again.event_id == market.event_id


async def test_files_that_follow_one_another_are_one_recording_and_each_stands_alone(tmp_path: Path) -> None:
    rotation = Rotation(every=timedelta(0))
    stage, _ = await recorded(tmp_path, changes=120, rotation=rotation, flush_every=30)
    files = files_of(tmp_path)
    assert len(files) > 3
    assert {path.suffix for path in files} == {".parquet"}
    whole = read_recording([tmp_path])
    # Carried books are no books of the recording: the files before have them.
    assert sum(isinstance(each, BookMoment) for each in whole.moments) == sum(
        row.kind == "book" and row.side is None for path in files for row in read_rows(path)
    )
    assert check(whole, stage) > 60
    later = read_recording(files[len(files) // 2 :])
    assert {str(each.gamma["conditionId"]) for each in later.catalogue.markets} == {
        each.condition_id for each in stage.markets
    }
    assert check(later, stage) > 20


async def test_a_lost_connection_is_a_gap_and_the_books_after_it_are_right(tmp_path: Path) -> None:
    async with staged() as stage:
        with PartWriter(tmp_path, Rotation()) as writer:
            async with Recorder(stage.feed, stage.markets, writer, stage.clock) as recorder:
                await stage.until_changed(recorder, 60)
                gaps: list[BookGap] = []
                stage.feed.on_gap(gaps.append)
                await stage.feed._connections[0].stream.reconnect()
                await stage.until(
                    lambda: (
                        bool(gaps)
                        and all(stage.feed.whole_book(each.outcomes[0].token_id) is not None for each in stage.markets)
                    )
                )
                await stage.until_changed(recorder, recorder.counts.changes + 60)
    rows = [row for path in files_of(tmp_path) for row in read_rows(path)]
    told = [row for row in rows if row.kind == "gap" and row.text == "reconnected"]
    assert {row.market for row in told} == {each.condition_id for each in stage.markets}
    for gap in told:
        after = [row for row in rows[rows.index(gap) + 1 :] if row.market == gap.market]
        first = next(row.kind for row in after if row.kind in ("book", "level"))
        assert first == "book"
    until_gap = min(row.at_ms for row in told)
    recording = read_recording([tmp_path])
    seen_again = max(row.at_ms for row in rows if row.kind == "book" and row.side is None)
    for at_ms, books in replayed(recording):
        if at_ms < until_gap or at_ms > seen_again:
            for condition_id, book in books.items():
                known = stage.witness.book_at(condition_id, at_ms)
                assert known is None or book in (known, ({}, {}))


async def test_a_disk_that_is_too_slow_leaves_a_gap_and_then_whole_books(tmp_path: Path) -> None:
    async with staged() as stage:
        with SlowDisk(tmp_path, Rotation()) as writer:
            recorder = Recorder(stage.feed, stage.markets, writer, stage.clock, most_waiting=50)
            async with recorder:
                await stage.until(lambda: recorder.counts.changes > 0)
                writer.works.clear()
                await stage.until(lambda: recorder.counts.dropped > 0)
                writer.works.set()
                await stage.until_changed(recorder, recorder.counts.changes + 30)
    rows = [row for path in files_of(tmp_path) for row in read_rows(path)]
    for market in stage.markets:
        mine = [row for row in rows if row.market == market.condition_id]
        gap = next(index for index, row in enumerate(mine) if row.text == "the disk was too slow")
        assert next((row.kind for row in mine[gap + 1 :] if row.kind in ("book", "level")), "book") == "book"


async def test_ticks_and_ends_are_told_and_news_is_written_once(tmp_path: Path) -> None:
    async with staged(traders=False) as stage:
        with PartWriter(tmp_path, Rotation()) as writer:
            async with Recorder(stage.feed, stage.markets, writer, stage.clock) as recorder:
                market = stage.markets[0]
                listing = stage.exchange.markets.by_condition[market.condition_id]
                token = market.outcomes[0].token_id
                await stage.until(lambda: stage.feed.whole_book(token) is not None)
                stage.exchange.trading.set_tick(listing, listing.tick // 10)
                stage.exchange.resolve(market.condition_id, 1)
                await stage.until(lambda: (book := stage.feed.live_book(token)) is not None and book.absent)
                item = NewsItem("Rain <b>tomorrow</b>", source="BBC", url="https://bbc.example/1")
                recorder.take_news([item, item])
                recorder.take_news([item])
    recording = read_recording([tmp_path])
    assert [each.tick for each in recording.moments if isinstance(each, TickMoment)] == [listing.tick]
    (end,) = [each for each in recording.moments if isinstance(each, ResolutionMoment)]
    assert end.winner == market.outcomes[1].token_id
    news = [row for path in files_of(tmp_path) for row in read_rows(path) if row.kind == "news"]
    assert [json.loads(row.text or "")["title"] for row in news] == ["Rain <b>tomorrow</b>"]
    for given in (tmp_path, files_of(tmp_path)[0]):
        (known,) = recorded_news(given).items
        assert (known.title, known.url, known.first_seen) == (item.title, item.url, stage.clock.now())


def test_integers_come_back_as_they_were(tmp_path: Path) -> None:
    rng = Random(4)
    rows: Sequence[Row] = [
        Row("level", number, 1_790_000_000_000 + number, 1_790_000_000_001, "0xa", str(rng.getrandbits(256)),
            rng.choice(("BUY", "SELL")), rng.randrange(10_001), rng.randrange(10**15), None)
        for number in range(500)
    ]  # fmt: skip
    with PartWriter(tmp_path, Rotation()) as writer:
        for start in range(0, 500, 100):
            writer.write(rows[start : start + 100], datetime(2026, 1, 1, tzinfo=UTC))
    (path,) = files_of(tmp_path)
    assert list(read_rows(path)) == list(rows)


def test_level_rows_of_a_message_stay_together(tmp_path: Path) -> None:
    rows = [Row("level", group, 5, 6, "0xa", "1", "BUY", 4000 + index, 7, None) for group in (1, 2) for index in (0, 1)]
    with PartWriter(tmp_path, Rotation()) as writer:
        writer.write(rows, datetime(2026, 1, 1, tzinfo=UTC))
    found = Recorded()
    (path,) = files_of(tmp_path)
    take_rows(path, found)
    assert [len(each.rows) for each in found.moments if isinstance(each, LevelMoment)] == [2, 2]
