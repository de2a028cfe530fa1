"""Sends a signed order once, and finds out what became of one whose answer was lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ..clock import Clock
from ..errors import (
    ConfigurationError,
    InputRejected,
    OrderError,
    OutcomeUnknown,
    PolymarketAPIError,
    RateLimitError,
    VenueUnavailable,
)
from ..models import OpenOrder, OrderStatus, PlacementResult, Trade, TradeStatus
from ..venues.venue import SignedTicket, Venue
from .journal import OrderJournal
from .order_record import OrderRecord, Refusal

ARRIVAL_WINDOW = timedelta(seconds=60)
"""An order the venue has not heard of this long after it was sent never arrived."""

_STATUS_OF_ANSWER = {
    "live": OrderStatus.LIVE,
    "matched": OrderStatus.MATCHED,
    "delayed": OrderStatus.DELAYED,
    # The venue documents `unmatched` in two ways; both mean accepted, and the order itself tells the rest.
    "unmatched": OrderStatus.LIVE,
}


async def submit(
    venue: Venue, journal: OrderJournal, record: OrderRecord, signed: SignedTicket, clock: Clock
) -> OrderRecord:
    """Send `signed`, whose record is already in the journal, and write down the outcome.

    Raises what the venue or the client refused it with, after recording that nothing rests or filled, and
    OutcomeUnknown after recording that the outcome is not known.
    """
    answer: PlacementResult | BaseException
    try:
        answer = await venue.submit(signed)
    except BaseException as error:
        answer = error
    return await conclude(venue, journal, record, signed, answer, clock)


async def conclude(
    venue: Venue,
    journal: OrderJournal,
    record: OrderRecord,
    signed: SignedTicket,
    answer: PlacementResult | BaseException,
    clock: Clock,
) -> OrderRecord:
    """Write down what a placement led to. Raises as `submit` does."""
    match answer:
        case PlacementResult():
            return await _accepted(venue, journal, record, signed, answer, clock)
        case OrderError() | RateLimitError() | VenueUnavailable() | ConfigurationError() | InputRejected():
            code = answer.code if isinstance(answer, OrderError | InputRejected) else type(answer).__name__
            journal.move(
                record,
                OrderStatus.REJECTED if _is_its_own_fault(answer) else OrderStatus.DEAD,
                now=clock.now(),
                refusal=Refusal(stage="venue", code=code, message=answer.message),
            )
            raise answer
    # Its answer never came, or the desk was cancelled or crashed after the first byte may have left.
    journal.move(record, OrderStatus.UNKNOWN, now=clock.now())
    if isinstance(answer, PolymarketAPIError) and not isinstance(answer, OutcomeUnknown):
        raise OutcomeUnknown(answer.message, order_ids=(signed.order_id,)) from answer
    raise answer


async def _accepted(
    venue: Venue,
    journal: OrderJournal,
    record: OrderRecord,
    signed: SignedTicket,
    result: PlacementResult,
    clock: Clock,
) -> OrderRecord:
    status = _STATUS_OF_ANSWER.get(result.status, OrderStatus.UNKNOWN)
    if status is not OrderStatus.MATCHED or not signed.approved.ticket.time_in_force.rests:
        return journal.move(record, status, now=clock.now(), result=result)
    # A resting order that matched in part answers `matched` too. Live until known better: matched would be final.
    record = journal.move(record, OrderStatus.LIVE, now=clock.now(), result=result)
    try:
        return await reconcile(venue, journal, record, clock)
    except PolymarketAPIError:
        return record  # a later look settles it


def _is_its_own_fault(error: PolymarketAPIError) -> bool:
    """Whether the venue looked at the order and refused it for what it is; else it was turned away unseen."""
    return isinstance(error, OrderError) and error.restriction is None


async def reconcile(venue: Venue, journal: OrderJournal, record: OrderRecord, clock: Clock) -> OrderRecord:
    """Look an order up by its hash and move its record to what the venue says. Never sends anything."""
    if record.order_id is None:
        return record
    found = await venue.order(record.order_id)
    trades = await venue.trades() if found is None else ()
    with journal.atomically():
        return _settle(journal, journal.current(record), found, trades, clock.now())


def _settle(
    journal: OrderJournal, record: OrderRecord, found: OpenOrder | None, trades: Sequence[Trade], now: datetime
) -> OrderRecord:
    """Move a record to what the venue has said of its order."""
    if not record.may_change:
        return record  # another call settled it meanwhile
    if found is not None:
        word = found.status.upper()
        if word == "MATCHED" or (found.size_matched and found.size_matched >= found.original_size):
            return journal.move(record, OrderStatus.MATCHED, now=now)
        if word.startswith(("CANCELED", "EXPIRED")) or word == "INVALID":
            ended = OrderStatus.EXPIRED if "EXPIRED" in word else OrderStatus.CANCELED
            return journal.move(record, ended, now=now)
        if word == "DELAYED":
            return (
                journal.move(record, OrderStatus.DELAYED, now=now) if record.status is not OrderStatus.LIVE else record
            )
        return journal.move(record, OrderStatus.LIVE, now=now)
    answered_a_fill = record.result is not None and record.result.taking > 0
    if answered_a_fill or any(
        trade.order_id == record.order_id and trade.status is not TradeStatus.FAILED for trade in trades
    ):
        return journal.move(record, OrderStatus.MATCHED, now=now)
    if record.status is OrderStatus.UNKNOWN and now - (record.sent_at or record.updated_at) < ARRIVAL_WINDOW:
        return record
    if record.status is OrderStatus.UNKNOWN:
        refusal = Refusal(stage="venue", code="never_arrived", message="The venue has never seen this order.")
        return journal.move(record, OrderStatus.DEAD, now=now, refusal=refusal)
    if record.status is OrderStatus.LIVE:
        return journal.move(record, OrderStatus.CANCELED, now=now)
    return record
