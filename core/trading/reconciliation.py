"""Finds out what became of an order whose fate is not known, or may have changed. Never sends anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from ..clock import Clock
from ..models import OpenOrder, OrderStatus, Trade, TradeStatus
from ..venues.venue import Venue
from .journal import OrderJournal
from .order_record import OrderRecord, Refusal
from .venue_fixes import fix_for

ARRIVAL_WINDOW = timedelta(seconds=60)
"""An order the venue has not heard of this long after it was sent never arrived."""


class Reconciler:
    """Asks the venue about orders by their hash, and moves their records to what it says."""

    def __init__(
        self, venue: Venue, journal: OrderJournal, clock: Clock, *, arrival_window: timedelta = ARRIVAL_WINDOW
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._clock = clock
        self._arrival_window = arrival_window

    async def look_up(self, record: OrderRecord) -> OrderRecord:
        """The record as the venue knows its order now. Raises what the venue's reads raise."""
        if record.order_id is None:
            return record
        found = await self._venue.order(record.order_id)
        trades = await self._venue.trades() if found is None else ()
        with self._journal.atomically():
            return self._settle(self._journal.current(record), found, trades, self._clock.now())

    def is_filled(self, record: OrderRecord, trades: Sequence[Trade]) -> bool:
        """Whether the fills at hand make up a resting order whole; then it is matched, and nobody need be asked."""
        if record.status is not OrderStatus.LIVE or record.plan is None:
            return False
        fills = (each for each in trades if each.order_id == record.order_id and each.status is not TradeStatus.FAILED)
        if sum((fill.size for fill in fills), Decimal(0)) < record.plan.ticket.shares:
            return False
        with self._journal.atomically():
            if self._journal.current(record).status is OrderStatus.LIVE:
                self._journal.move(record, OrderStatus.MATCHED, now=self._clock.now())
        return True

    def _settle(
        self, record: OrderRecord, found: OpenOrder | None, trades: Sequence[Trade], now: datetime
    ) -> OrderRecord:
        """Move a record to what the venue has said of its order."""
        if not record.may_change:
            return record  # another call settled it meanwhile
        if found is not None:
            word = found.status.upper()
            if word == "MATCHED" or (found.size_matched and found.size_matched >= found.original_size):
                return self._journal.move(record, OrderStatus.MATCHED, now=now)
            if word.startswith(("CANCELED", "EXPIRED")) or word == "INVALID":
                ended = OrderStatus.EXPIRED if "EXPIRED" in word else OrderStatus.CANCELED
                return self._journal.move(record, ended, now=now)
            if word == "DELAYED":
                return (
                    self._journal.move(record, OrderStatus.DELAYED, now=now)
                    if record.status is not OrderStatus.LIVE
                    else record
                )
            return self._journal.move(record, OrderStatus.LIVE, now=now)
        answered_a_fill = record.result is not None and record.result.taking > 0
        if answered_a_fill or any(
            trade.order_id == record.order_id and trade.status is not TradeStatus.FAILED for trade in trades
        ):
            return self._journal.move(record, OrderStatus.MATCHED, now=now)
        if record.status is OrderStatus.UNKNOWN and not self._is_old(record, now):
            return record
        if record.status is OrderStatus.UNKNOWN:
            code = "never_arrived"
            refusal = Refusal("venue", code, "The venue has never seen this order.", fix=fix_for(code))
            return self._journal.move(record, OrderStatus.DEAD, now=now, refusal=refusal)
        if record.status is OrderStatus.LIVE or (record.status is OrderStatus.DELAYED and self._is_old(record, now)):
            return self._journal.move(record, OrderStatus.CANCELED, now=now)
        return record

    def _is_old(self, record: OrderRecord, now: datetime) -> bool:
        """Whether the venue has had time enough to hear of an order."""
        return now - (record.sent_at or record.updated_at) >= self._arrival_window
