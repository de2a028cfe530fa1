"""Sends a signed order once, and writes down what the venue answered."""

from __future__ import annotations

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
from ..models import OrderStatus, PlacementResult
from ..venues.venue import SignedTicket, Venue
from .journal import OrderJournal
from .order_record import OrderRecord, Refusal
from .reconciliation import Reconciler
from .venue_fixes import fix_for

_STATUS_OF_ANSWER = {
    "live": OrderStatus.LIVE,
    "matched": OrderStatus.MATCHED,
    "delayed": OrderStatus.DELAYED,
    # The venue documents `unmatched` in two ways; both mean accepted, and the order itself tells the rest.
    "unmatched": OrderStatus.LIVE,
}


async def submit(
    venue: Venue,
    journal: OrderJournal,
    reconciler: Reconciler,
    record: OrderRecord,
    signed: SignedTicket,
    clock: Clock,
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
    return await conclude(journal, reconciler, record, signed, answer, clock)


async def conclude(
    journal: OrderJournal,
    reconciler: Reconciler,
    record: OrderRecord,
    signed: SignedTicket,
    answer: PlacementResult | BaseException,
    clock: Clock,
) -> OrderRecord:
    """Write down what a placement led to. Raises as `submit` does."""
    match answer:
        case PlacementResult():
            return await _accepted(journal, reconciler, record, signed, answer, clock)
        case OrderError() | RateLimitError() | VenueUnavailable() | ConfigurationError() | InputRejected():
            code = answer.code if isinstance(answer, OrderError | InputRejected) else type(answer).__name__
            journal.move(
                record,
                OrderStatus.REJECTED if _is_its_own_fault(answer) else OrderStatus.DEAD,
                now=clock.now(),
                refusal=Refusal(stage="venue", code=code, message=answer.message, fix=fix_for(code)),
            )
            raise answer
    # Its answer never came, or the desk was cancelled or crashed after the first byte may have left.
    journal.move(record, OrderStatus.UNKNOWN, now=clock.now())
    if isinstance(answer, PolymarketAPIError) and not isinstance(answer, OutcomeUnknown):
        raise OutcomeUnknown(answer.message, order_ids=(signed.order_id,)) from answer
    raise answer


async def _accepted(
    journal: OrderJournal,
    reconciler: Reconciler,
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
        return await reconciler.look_up(record)
    except PolymarketAPIError:
        return record  # a later look settles it


def _is_its_own_fault(error: PolymarketAPIError) -> bool:
    """Whether the venue looked at the order and refused it for what it is; else it was turned away unseen."""
    return isinstance(error, OrderError) and error.restriction is None
