"""Writes down what the streams tell of some markets, exactly, so that it can happen again."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from types import TracebackType
from typing import Any, Self

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock, unix_ms
from ..identifiers import TokenId
from ..models import Market, NewsItem, OrderSide
from ..money import MICRO
from ..polymarket.wire.stream_events import (
    PRICE_UNIT,
    BestBidAsk,
    BookSnapshot,
    LastTrade,
    MarketEvent,
    MarketResolved,
    PriceChanges,
    TickSizeChange,
    price_e4,
)
from ..recording.parts import PartWriter
from ..recording.rows import BOOK, CARRIED, GAP, LEVEL, MARKET, NEWS, QUOTE, RESOLVED, TICK, TRADE, Row
from .book_keeper import BookGap
from .live_book import LiveBook
from .market_feed import BooksFetched, MarketFeed

_tell_failure = logs_failure(logging.getLogger(__name__), "nothing more is recorded")

_FLUSH_S = 1.0
_MOST_WAITING = 500_000
"""Rows that wait for the disk; beyond them changes are left out, which is a gap."""


@dataclass(slots=True)
class RecorderCounts:
    """What was taken so far. `dropped` are rows that the disk was too slow for."""

    books: int = 0
    changes: int = 0
    trades: int = 0
    gaps: int = 0
    news: int = 0
    dropped: int = 0


class Recorder:
    """Records markets for as long as its `async with` lasts; the feed is run by who opened it.

    Of each market the first outcome's book is written (the second's is its mirror image), trades of both. A book that
    is stale is blind: that is written as a gap, and nothing of it until it is whole again. Every file begins with the
    markets and with their books as they stand, so that older files may go.
    """

    def __init__(
        self,
        feed: MarketFeed,
        markets: Sequence[Market],
        writer: PartWriter,
        clock: Clock,
        *,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._feed = feed
        self._markets = {market.outcomes[0].token_id: market for market in markets}
        self._conditions = {market.condition_id: market for market in markets}
        self._writer = writer
        self._clock = clock
        self._most_waiting = most_waiting
        self._rows: list[Row] = []
        self._group = 0
        self._blind: set[TokenId] = set()
        self._leave: list[Callable[[], None]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._seen_news: dict[tuple[str, str, str], None] = {}
        self.counts = RecorderCounts()
        self.failure: OSError | None = None

    async def __aenter__(self) -> Self:
        now_ms = unix_ms(self._clock.now())
        self._rows += self._descriptions(now_ms)
        for market in self._markets.values():
            self._add(GAP, now_ms, now_ms, market=market.condition_id, text="recording began")
        self._leave = [self._feed.on_event(self._heard), self._feed.on_gap(self._missed)]
        await self._feed.follow([outcome.token_id for each in self._markets.values() for outcome in each.outcomes])
        self._flushing = asyncio.create_task(self._flush_regularly())
        self._flushing.add_done_callback(_tell_failure)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for leave in self._leave:
            leave()
        async with self._writing:  # a write that has begun goes on in its thread, cancelled or not
            if self._flushing is not None:
                await cancelled(self._flushing)
            rows, self._rows = self._rows, []
            if self.failure is None:
                await asyncio.to_thread(self._writer.write, rows, self._clock.now())

    async def flush(self) -> None:
        """Write what waits. Where a file has lasted long enough it ends with that, and the next one begins.

        Raises OSError for a disk that cannot be written.
        """
        async with self._writing:
            now = self._clock.now()
            ending = self._writer.is_due(now)
            rows, self._rows = self._rows, []
            opening = self._opening(now) if ending else []  # the books as the rows before have left them
            await asyncio.to_thread(self._writer.write, rows, now)
            if ending:
                await asyncio.to_thread(self._writer.finish)
                await asyncio.to_thread(self._writer.write, opening, now)

    async def wait_failed(self) -> None:
        """Return once nothing can be written any more; `failure` says why."""
        assert self._flushing is not None
        await asyncio.wait([self._flushing])

    def take_news(self, items: Iterable[NewsItem]) -> None:
        """Write items down that were not seen before, as first seen now. A title that was rewritten is a new item."""
        now = self._clock.now()
        for item in items:
            key = (item.source, item.id or item.url, item.title)
            if key in self._seen_news:
                continue
            self._seen_news[key] = None
            self.counts.news += 1
            told = {
                "title": item.title,
                "text": item.text,
                "source": item.source,
                "url": item.url,
                "id": item.id,
                "published": None if item.published is None else item.published.isoformat(),
                "first_seen": now.isoformat(),
            }
            self._group += 1
            self._add(NEWS, unix_ms(now), unix_ms(now), text=json.dumps(told, ensure_ascii=False))

    # -- what is heard -----------------------------------------------------------------------------------------------

    def _heard(self, event: MarketEvent | BooksFetched) -> None:
        now_ms = unix_ms(self._clock.now())
        if len(self._rows) >= self._most_waiting:
            self._overflow(event, now_ms)
            return
        self._group += 1
        match event:
            case PriceChanges():
                self._changed(event, now_ms)
            case BookSnapshot() if (book := self._whole(event.token_id)) is not None:
                self._book(BOOK, book, event.timestamp_ms, now_ms)
            case BooksFetched():
                for token_id in event.token_ids:
                    if (fetched := self._whole(token_id)) is not None:
                        self._book(BOOK, fetched, fetched.updated_ms, now_ms)
            case LastTrade() if event.condition_id in self._conditions:
                self._traded(event, now_ms)
            case TickSizeChange() if event.token_id in self._markets:
                at_ms = unix_ms(event.timestamp)
                self._add(TICK, at_ms, now_ms, market=event.condition_id, price=price_e4(event.new_tick))
            case BestBidAsk() if event.token_id in self._markets:
                self._quoted(event, now_ms)
            case MarketResolved() if event.condition_id in self._conditions:
                at_ms, winner = unix_ms(event.timestamp), event.winning_token_id or None
                self._add(RESOLVED, at_ms, now_ms, market=event.condition_id, token=winner)
            case _:
                return

    def _changed(self, event: PriceChanges, now_ms: int) -> None:
        for token_id, side, price, size, _, _, _ in event.rows:
            if token_id not in self._blind and self._whole(token_id) is not None:
                self.counts.changes += 1
                self._add(
                    LEVEL,
                    event.timestamp_ms,
                    now_ms,
                    market=event.condition_id,
                    token=token_id,
                    side=side.value,
                    price=price,
                    size=size,
                )

    def _traded(self, event: LastTrade, now_ms: int) -> None:
        """A trade at several prices is told with their average, rounded towards the price that it began at."""
        self.counts.trades += 1
        rounding = ROUND_FLOOR if event.side is OrderSide.BUY else ROUND_CEILING
        self._add(
            TRADE,
            unix_ms(event.timestamp),
            now_ms,
            market=event.condition_id,
            token=event.token_id,
            side=event.side.value,
            price=int((event.price * PRICE_UNIT).to_integral_value(rounding)),
            size=int(event.size * MICRO),
            text=event.transaction_hash,
        )

    def _quoted(self, event: BestBidAsk, now_ms: int) -> None:
        at_ms = unix_ms(event.timestamp)
        for side, best in ((OrderSide.BUY, event.best_bid), (OrderSide.SELL, event.best_ask)):
            if best is not None:
                self._add(
                    QUOTE,
                    at_ms,
                    now_ms,
                    market=event.condition_id,
                    token=event.token_id,
                    side=side.value,
                    price=price_e4(best),
                )

    def _missed(self, gap: BookGap) -> None:
        if gap.token_id in self._markets:
            self._group += 1
            self._gap(gap.token_id, unix_ms(gap.since), gap.reason)

    def _gap(self, token_id: TokenId, since_ms: int, reason: str) -> None:
        self.counts.gaps += 1
        condition_id = self._markets[token_id].condition_id
        self._add(GAP, since_ms, unix_ms(self._clock.now()), market=condition_id, text=reason)

    def _overflow(self, event: MarketEvent | BooksFetched, now_ms: int) -> None:
        """Nothing can be kept: every market is blind until what waits has been written."""
        self.counts.dropped += len(event.rows) if isinstance(event, PriceChanges) else 1
        for token_id in self._markets.keys() - self._blind:
            self._gap(token_id, now_ms, "the disk was too slow")
            self._blind.add(token_id)

    # -- what is written ---------------------------------------------------------------------------------------------

    def _add(self, kind: str, at_ms: int, received_ms: int, **values: Any) -> None:
        self._rows.append(Row(kind, self._group, at_ms, received_ms, **values))

    def _book(self, kind: str, book: LiveBook, at_ms: int, now_ms: int) -> None:
        self._blind.discard(book.token_id)
        self.counts.books += 1
        condition_id, token = self._markets[book.token_id].condition_id, book.token_id
        self._add(kind, at_ms, now_ms, market=condition_id, token=token)
        for side, levels in ((OrderSide.BUY, book.bids), (OrderSide.SELL, book.asks)):
            for price, size in levels.items():
                self._add(
                    kind, at_ms, now_ms, market=condition_id, token=token, side=side.value, price=price, size=size
                )

    def _whole(self, token_id: TokenId) -> LiveBook | None:
        """A followed book of a first outcome that nothing is missing from."""
        if token_id not in self._markets:
            return None
        book = self._feed.live_book(token_id)
        return None if book is None or book.stale else book

    def _opening(self, now: datetime) -> list[Row]:
        """What a file begins with when another has just ended."""
        now_ms = unix_ms(now)
        waiting, self._rows = self._rows, self._descriptions(now_ms)
        for token_id in self._markets:
            self._group += 1
            if token_id not in self._blind and (book := self._whole(token_id)) is not None:
                self._book(CARRIED, book, book.updated_ms, now_ms)
        rows, self._rows = self._rows, waiting
        return rows

    def _descriptions(self, now_ms: int) -> list[Row]:
        described = []
        for token_id, market in self._markets.items():
            self._group += 1
            book = self._feed.live_book(token_id)
            tick = book.tick if book is not None and book.tick is not None else market.tick
            told = json.dumps(_gamma_market(market, tick), ensure_ascii=False)
            described.append(Row(MARKET, self._group, now_ms, now_ms, market=market.condition_id, text=told))
        return described

    async def _flush_regularly(self) -> None:
        while True:
            await self._clock.sleep(_FLUSH_S)
            try:
                await self.flush()
            except OSError as error:
                self.failure = error
                return
            self._see_again()

    def _see_again(self) -> None:
        """After what waited has been written, the books that were left out are written as they stand now."""
        now_ms = unix_ms(self._clock.now())
        for token_id in tuple(self._blind):
            if (book := self._whole(token_id)) is not None:
                self._group += 1
                self._book(BOOK, book, book.updated_ms, now_ms)


def _gamma_market(market: Market, tick: Decimal) -> dict[str, Any]:
    """A market in the catalogue's own form, as far as the desk knows it; how it ended is left out."""
    fees = market.fees
    return {
        "id": market.id,
        "conditionId": market.condition_id,
        "slug": market.slug,
        "question": market.question,
        "description": market.description,
        "groupItemTitle": market.group_title,
        "category": market.category,
        "outcomes": json.dumps([outcome.label for outcome in market.outcomes]),
        "clobTokenIds": json.dumps([outcome.token_id for outcome in market.outcomes]),
        "startDate": None if market.start_date is None else market.start_date.isoformat(),
        "endDate": None if market.end_date is None else market.end_date.isoformat(),
        "negRisk": market.neg_risk,
        "negRiskMarketID": market.neg_risk_market_id,
        "orderPriceMinTickSize": float(tick),
        "orderMinSize": float(market.min_size),
        "feesEnabled": not market.fee_free,
        "feeSchedule": {"rate": float(fees.rate), "exponent": fees.exponent, "takerOnly": fees.taker_only},
        "events": [{"id": market.event_id, "slug": market.event_slug, "title": market.event_title}],
    }
