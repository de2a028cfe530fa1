"""Lets the recorded moments happen on an exchange, each when its time has come."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from ...clock import ShiftedClock, unix_ms
from ..mirror import Mirror
from ..mirrored_book import MirroredBook, RealTrade
from ..units import UNIT
from ..venue import Exchange
from .moments import BookMoment, LevelMoment, Moment, ResolutionMoment, TickMoment, TradeMoment
from .recording import Recording

_log = logging.getLogger(__name__)


class Player:
    """Plays a recording on an exchange that was opened with its catalogue and lives by its clock.

    What happened at the recording's first moment is there from the start.
    """

    def __init__(self, exchange: Exchange, recording: Recording) -> None:
        self._exchange = exchange
        self._recording = recording
        self._mirror = Mirror(exchange)
        self._next = 0
        for market in recording.catalogue.markets:
            if not market.gamma.get("closed"):
                self._mirror.follow(market)
        self.play_due()

    @property
    def starts_at(self) -> datetime:
        """When the recording begins."""
        return self._recording.catalogue.starts_at

    @property
    def next_ms(self) -> int | None:
        """When the next moment is due; None at the end."""
        moments = self._recording.moments
        return moments[self._next].at_ms if self._next < len(moments) else None

    def book(self, condition_id: str) -> MirroredBook:
        """The book of a market of the recording."""
        return self._mirror.books[condition_id]

    def play_due(self) -> None:
        """Let everything happen that is due by the exchange's clock."""
        now_ms = self._exchange.now_ms
        while (due_ms := self.next_ms) is not None and due_ms <= now_ms:
            moment = self._recording.moments[self._next]
            self._next += 1
            self._play(moment)

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

    def _play(self, moment: Moment) -> None:
        book = self._mirror.books.get(moment.condition_id)
        if book is None or book.listing.closed:
            return
        match moment:
            case BookMoment():
                if moment.token_id in self._recording.source_tokens:
                    self._show(book, moment)
            case LevelMoment():
                self._change(book, moment)
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

    def _show(self, book: MirroredBook, moment: BookMoment) -> None:
        if book.listing.outcome_of(moment.token_id) == 0:
            book.apply_snapshot(moment.bids, moment.asks, at_ms=moment.at_ms)
        else:
            bids = {UNIT - price: size for price, size in moment.asks.items()}
            asks = {UNIT - price: size for price, size in moment.bids.items()}
            book.apply_snapshot(bids, asks, at_ms=moment.at_ms)

    def _change(self, book: MirroredBook, moment: LevelMoment) -> None:
        """Both tokens tell of every change, as mirror images: the followed one's rows, or the other's alone."""
        followed = [row for row in moment.rows if row[0] in self._recording.source_tokens]
        changes = []
        for token_id, side, price, size in followed or moment.rows:
            first = book.listing.outcome_of(token_id) == 0
            changes.append((((side == "BUY") == first, price if first else UNIT - price), size))
        book.apply_changes(changes, at_ms=moment.at_ms)
