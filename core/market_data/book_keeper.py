"""Live books of one stream connection: applies its events, notices what is missing and says how to mend it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from ..clock import unix_ms
from ..identifiers import TokenId
from ..models import OrderBook
from ..polymarket.event_queue import Gap
from ..polymarket.wire.stream_events import (
    BestBidAsk,
    BookSnapshot,
    LastTrade,
    LevelRow,
    MarketEvent,
    MarketResolved,
    PriceChanges,
    TickSizeChange,
)
from .live_book import LiveBook, snapshot_of

GapReason = Literal["reconnected", "overflow", "unreadable", "best_price", "levels", "out_of_order", "silent"]
RepairStep = Literal["resubscribe", "reconnect", "fetch"]

_NEXT_STEP: dict[RepairStep, RepairStep] = {
    "resubscribe": "reconnect",
    "reconnect": "fetch",
    "fetch": "resubscribe",
}


@dataclass(frozen=True, slots=True)
class BookGap:
    """Changes of a book were missed; it is stale from `detected_at` until it has been repaired.

    `reason`: the connection was `reconnected`, the queue had an `overflow`, a frame was `unreadable` or arrived
    `out_of_order`, the venue's `best_price` differs from ours, its `levels` differ under the same hash, or it fell
    `silent`. `since` is when the book was last known to be whole.
    """

    token_id: TokenId
    reason: GapReason
    since: datetime
    detected_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairSettings:
    """When a book counts as stale and how patiently it is repaired.

    `stale_after_s` is the age of the last data about one outcome, pongs do not count; for a book from REST, which no
    stream confirms yet, it is `fetched_stale_after_s`. Each repair step is given `answer_s`. Repairs of one
    book begin at least `pause_s` apart, so that a broken feed is not stormed.
    """

    stale_after_s: float = 30.0
    fetched_stale_after_s: float = 10.0
    answer_s: float = 5.0
    pause_s: float = 2.0


@dataclass(slots=True)
class Repairs:
    """What is due now: tokens to subscribe again, whether to open a new connection, tokens to fetch by REST."""

    resubscribe: list[TokenId] = field(default_factory=list)
    reconnect: bool = False
    fetch: list[TokenId] = field(default_factory=list)


@dataclass(slots=True)
class _Repair:
    """One book's way back: the next step and when it is due. `quiet` until silence has proved to be a gap."""

    step: RepairStep
    due: datetime
    since: datetime
    quiet: bool = False


class BookKeeper:
    """Books of the outcomes followed on one connection. Without I/O: `due` says what to do, the feed does it.

    The order of repair is: subscribe again, open a new connection, fetch the book by REST. `report` is told every
    gap when it is found; `needs_attention` then says that `due` should be asked at once.
    """

    def __init__(self, settings: RepairSettings, *, report: Callable[[BookGap], None]) -> None:
        self._settings = settings
        self._report = report
        self._repairs: dict[TokenId, _Repair] = {}
        self._latest_repair: dict[TokenId, datetime] = {}
        self._frame = 0
        self.needs_attention = False
        self.books: dict[TokenId, LiveBook] = {}

    # -- what is followed --------------------------------------------------------------------------------------------

    def follow(self, token_ids: Iterable[TokenId], now: datetime) -> None:
        """Expect the first books of these outcomes, whose subscription is being sent."""
        for token_id in token_ids:
            self.adopt(LiveBook(token_id, as_of=now), now)

    def adopt(self, book: LiveBook, now: datetime) -> None:
        """Take over a book from another connection; it is stale until this one has sent it anew."""
        book.stale = True
        book.held_back = None
        self.books[book.token_id] = book
        self._expect(book, after="resubscribe", now=now)

    def release(self, token_id: TokenId) -> LiveBook | None:
        """Stop keeping a book."""
        self._repairs.pop(token_id, None)
        self._latest_repair.pop(token_id, None)
        return self.books.pop(token_id, None)

    # -- what arrives ------------------------------------------------------------------------------------------------

    def apply(self, event: MarketEvent | Gap, now: datetime) -> None:
        """Bring the books up to date with one event. Events about outcomes that are not followed do nothing."""
        if isinstance(event, PriceChanges):
            self._apply_changes(event, now)
        elif isinstance(event, BookSnapshot):
            self._apply_snapshot(event, now)
        elif isinstance(event, Gap):
            self._interrupt(event, now)
        elif isinstance(event, MarketResolved):
            for token_id in event.token_ids:
                self._close(token_id)
        elif isinstance(event, (LastTrade, TickSizeChange, BestBidAsk)):
            book = self.books.get(event.token_id)
            if book is None:
                return
            book.as_of = now
            if isinstance(event, LastTrade):
                book.last_trade_price = event.price
            elif isinstance(event, TickSizeChange):
                book.tick = event.new_tick

    def _apply_changes(self, event: PriceChanges, now: datetime) -> None:
        """The best prices in a frame are those after all of its changes, so only what it says last has to agree."""
        _, timestamp_ms, rows = event
        books = self.books
        self._frame = frame = self._frame + 1
        doubtful = False
        for row in rows:
            token_id, side, price, size, fingerprint, best_bid, best_ask = row
            book = books.get(token_id)
            if book is None:
                continue
            if book.stale:
                book.hold_back(timestamp_ms, row)
                continue
            if timestamp_ms > book.updated_ms:
                book.updated_ms = timestamp_ms
                book.hashes = (fingerprint,)
            elif book.frame != frame and not self._is_next(book, timestamp_ms, fingerprint, now):
                continue
            book.frame = frame
            book.as_of = now
            book.change(side, price, size)
            if (best_bid is not None and best_bid != book.best_bid) or (
                best_ask is not None and best_ask != book.best_ask
            ):
                doubtful = True
        if doubtful:
            for token_id, row in {row[0]: row for row in rows}.items():
                book = books.get(token_id)
                if book is not None and not book.stale and book.frame == frame and not book.agrees_with(row):
                    self._damage(book, "best_price", now)

    def _is_next(self, book: LiveBook, timestamp_ms: int, fingerprint: str, now: datetime) -> bool:
        """Whether to apply a change that is not newer than the book: not if the book holds it, nor if it comes late."""
        if timestamp_ms < book.snapshot_ms:
            return False
        if timestamp_ms < book.updated_ms:
            self._damage(book, "out_of_order", now)
            return False
        if fingerprint and fingerprint in book.hashes:
            return False
        book.advance(timestamp_ms, fingerprint)
        return True

    def _apply_snapshot(self, event: BookSnapshot, now: datetime) -> None:
        """A book sent after a trade repeats the hash of the change before it, and may be stamped some ms earlier."""
        book = self.books.get(event.token_id)
        if book is None:
            return
        current = event.hash != "" and event.hash == book.hash
        if event.timestamp_ms < book.updated_ms and not current:
            if not book.stale:
                self._damage(book, "out_of_order", now)
            return
        repair = self._repairs.get(event.token_id)
        if repair is not None and repair.quiet and not book.holds(event):
            self._count(book, "silent", since=repair.since, now=now)
        if current and not book.stale and not book.holds(event):
            self._count(book, "levels", since=book.as_of, now=now)
        book.install(event, now=now, source="stream")
        self._repairs.pop(book.token_id, None)

    def _interrupt(self, gap: Gap, now: datetime) -> None:
        """After a lost connection every book comes anew unasked; after other losses it must be asked for."""
        for book in self.books.values():
            if book.absent:
                continue
            if not book.stale:
                self._damage(book, gap.reason, now)
            book.held_back = None
            if gap.reason == "reconnected":
                self._expect(book, after="reconnect", now=now)

    def install_fetched(
        self, token_ids: Iterable[TokenId], fetched: Mapping[TokenId, OrderBook], now: datetime
    ) -> None:
        """Take over books read by REST, with the changes that the stream sent in the meantime.

        Ignored where the stream was quicker, or where changes were lost while the answer was on its way.
        """
        for token_id in token_ids:
            book = self.books.get(token_id)
            if book is None or not book.stale or book.held_back is None:
                continue
            if (answer := fetched.get(token_id)) is None:
                self._close(token_id)
                continue
            later = _later_than(answer, book.held_back)
            book.install(snapshot_of(answer), now=now, source="rest")
            book.learn(answer)
            self._repairs.pop(book.token_id, None)
            for timestamp_ms, row in later:
                _, side, price, size, fingerprint, _, _ = row
                book.change(side, price, size)
                book.advance(timestamp_ms, fingerprint)
            if later and not book.agrees_with(later[-1][1]):
                self._damage(book, "best_price", now)

    # -- repair ------------------------------------------------------------------------------------------------------

    def due(self, now: datetime) -> Repairs:
        """The steps to take now. Silent books are looked for here, so call it regularly."""
        self.needs_attention = False
        self._find_silent(now)
        repairs = Repairs()
        for token_id, repair in self._repairs.items():
            if repair.due > now:
                continue
            book = self.books[token_id]
            if repair.quiet and repair.step != "resubscribe":
                repair.quiet = False
                self._count(book, "silent", since=repair.since, now=now)
            if repair.step == "resubscribe":
                repairs.resubscribe.append(token_id)
            elif repair.step == "reconnect":
                repairs.reconnect = True
            else:
                book.held_back = deque()
                repairs.fetch.append(token_id)
            repair.step = self._after(repair.step, book)
            repair.due = now + timedelta(seconds=self._settings.answer_s)
        return repairs

    def _find_silent(self, now: datetime) -> None:
        settings = self._settings
        limits = {
            "stream": now - timedelta(seconds=settings.stale_after_s),
            "rest": now - timedelta(seconds=settings.fetched_stale_after_s),
        }
        for book in self.books.values():
            if not book.stale and book.as_of <= limits[book.source]:
                book.stale = True
                self._repairs[book.token_id] = _Repair("resubscribe", now, since=book.as_of, quiet=True)

    @staticmethod
    def _after(step: RepairStep, book: LiveBook) -> RepairStep:
        """A token that never had a book is not worth a new connection for all the others."""
        if step == "resubscribe" and not book.seen:
            return "fetch"
        return _NEXT_STEP[step]

    def _expect(self, book: LiveBook, *, after: RepairStep, now: datetime) -> None:
        """A step has just been taken: give it its time before the next."""
        due = now + timedelta(seconds=self._settings.answer_s)
        self._repairs[book.token_id] = _Repair(self._after(after, book), due, since=book.as_of)

    def _damage(self, book: LiveBook, reason: GapReason, now: datetime) -> None:
        self._count(book, reason, since=book.as_of, now=now)
        book.stale = True
        due = now
        if (latest := self._latest_repair.get(book.token_id)) is not None:
            due = max(now, latest + timedelta(seconds=self._settings.pause_s))
        self._latest_repair[book.token_id] = due
        self._repairs[book.token_id] = _Repair("resubscribe", due, since=book.as_of)
        self.needs_attention = True

    def _count(self, book: LiveBook, reason: GapReason, *, since: datetime, now: datetime) -> None:
        book.gaps += 1
        self._report(BookGap(book.token_id, reason, since=since, detected_at=now))

    def _close(self, token_id: TokenId) -> None:
        """The venue has no such book, or none any more: nothing to repair until it sends one."""
        if (book := self.books.get(token_id)) is not None:
            book.absent = book.stale = True
            book.held_back = None
            self._repairs.pop(token_id, None)


def _later_than(answer: OrderBook, held_back: Iterable[tuple[int, LevelRow]]) -> list[tuple[int, LevelRow]]:
    """The changes that an answer cannot hold yet: those after its hash, else those not older than its time.

    Sizes are totals, so applying one that the answer does hold changes nothing.
    """
    changes = list(held_back)
    for index in range(len(changes) - 1, -1, -1):
        if answer.hash and changes[index][1][4] == answer.hash:
            return changes[index + 1 :]
    answered_ms = unix_ms(answer.timestamp)
    return [change for change in changes if change[0] >= answered_ms]
