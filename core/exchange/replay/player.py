"""Lets the recorded moments happen on an exchange, each when its time has come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from ...clock import ShiftedClock, unix_ms
from ..mirror import Mirror
from ..mirrored_book import MirroredBook, RealTrade
from ..venue import Exchange
from .moments import ResolutionMoment, TickMoment, TradeMoment
from .recording import Recording
from .timeline import timeline_of

_log = logging.getLogger(__name__)


class Player:
    """Plays a recording on an exchange that was opened with its catalogue and lives by its clock.

    What happened at the recording's first moment is there from the start.
    """

    def __init__(self, exchange: Exchange, recording: Recording) -> None:
        self._exchange = exchange
        self._recording = recording
        self._timeline = timeline_of(recording)
        self._mirror = Mirror(exchange)
        self._next = 0
        for market in recording.catalogue.markets:
            if not market.gamma.get("closed"):
                self._mirror.follow(market)
        self._books = [self._mirror.books.get(condition_id) for condition_id in self._timeline.condition_ids]
        self.play_due()

    @property
    def starts_at(self) -> datetime:
        """When the recording begins."""
        return self._recording.catalogue.starts_at

    @property
    def next_ms(self) -> int | None:
        """When the next moment is due; None at the end."""
        times_ms = self._timeline.times_ms
        return times_ms[self._next] if self._next < len(times_ms) else None

    @property
    def events_played(self) -> int:
        """Changes of levels and trades that have happened so far."""
        return self._timeline.events_before(self._next)

    @property
    def begins_ms(self) -> Mapping[str, int]:
        """When the first thing is recorded of each market of which there is anything."""
        found: dict[str, int] = {}
        for at_ms, market in zip(self._timeline.times_ms, self._timeline.markets, strict=True):
            found.setdefault(self._timeline.condition_ids[market], at_ms)
        return found

    def book(self, condition_id: str) -> MirroredBook:
        """The book of a market of the recording."""
        return self._mirror.books[condition_id]

    def play_due(self) -> None:
        """Let everything happen that is due by the exchange's clock."""
        self.play_until(self._exchange.now_ms)

    def play_until(self, moment_ms: int) -> None:
        """Let everything happen that is due by a moment, which the exchange's clock has reached."""
        times_ms = self._timeline.times_ms
        while self._next < len(times_ms) and times_ms[self._next] <= moment_ms:
            step = self._next
            self._next += 1
            self._play(step)

    async def run(self) -> None:
        """Keep pace with the exchange's clock until the recording ends."""
        while (due_ms := self.next_ms) is not None:
            await self._exchange.clock.sleep(max(due_ms - unix_ms(self._exchange.clock.now()), 0) / 1000)
            self.play_due()
        _log.info("the recording has ended")

    async def run_at_once(self, clock: ShiftedClock) -> None:
        """Go through the recording as fast as it can be served, taking the clock along, which then goes on."""
        while (due_ms := self.next_ms) is not None:
            clock.leap(datetime.fromtimestamp(due_ms / 1000, UTC))
            self._exchange.agenda.run_due()
            self.play_due()
            await asyncio.sleep(0)
        _log.info("the recording has ended")

    def _play(self, step: int) -> None:
        timeline = self._timeline
        book = self._books[timeline.markets[step]]
        if book is None or book.listing.closed:
            return
        moment = timeline.others.get(step)
        match moment:
            case None:
                book.apply_changes(timeline.changes(step), at_ms=timeline.times_ms[step])
                if step in timeline.whole_books:
                    book.place_unplaced()
            case TradeMoment():
                outcome = book.listing.outcome_of(moment.token_id)
                trade = RealTrade(
                    outcome, moment.side, moment.price, moment.size, moment.at_ms, moment.transaction_hash
                )
                book.apply_trade(trade)
            case TickMoment():
                self._exchange.trading.set_tick(book.listing, moment.tick)
            case ResolutionMoment():
                tokens = book.listing.tokens
                winner = None if moment.winner is None else tokens.index(moment.winner)
                self._exchange.resolve(moment.condition_id, winner)
