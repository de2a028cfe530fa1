"""What became of orders and cancels: the venue's answers, and the failures of whole requests, order by order."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import OutcomeUnknown, PolymarketAPIError
from ..identifiers import OrderId
from ..models import PlacementResult
from ..money import MICRO
from .rejections import order_error
from .signing import SignedOrder
from .wire.orders import PlacementAnswer

Placed = PlacementResult | PolymarketAPIError
"""What became of one order of several: the venue's answer, or why there is none."""


def placement_result(signed: SignedOrder, answer: PlacementAnswer) -> PlacementResult:
    """Raises what the venue's refusal means, or OutcomeUnknown when it accepted under another id."""
    if not answer.accepted:
        raise order_error(answer.error)
    if answer.order_id.lower() != signed.order_id.lower():
        raise OutcomeUnknown(
            f"the venue accepted an order under the id {answer.order_id}, which is not its hash",
            order_ids=(signed.order_id, answer.order_id),
        )
    making, taking = answer.making, answer.taking
    if making * MICRO > 2 * signed.gives:  # the documentation shows base units: nothing gives twice its amount
        making, taking = making / MICRO, taking / MICRO
    return PlacementResult(
        order_id=answer.order_id,
        status=answer.status,
        making=making,
        taking=taking,
        trade_ids=answer.trade_ids,
    )


def failure_of(signed: SignedOrder, error: PolymarketAPIError) -> PolymarketAPIError:
    """The failure of a whole request as the failure of one of its orders."""
    if isinstance(error, OutcomeUnknown):
        return OutcomeUnknown(error.message, order_ids=(signed.order_id,))
    return error


def failure_of_all(failures: Sequence[PolymarketAPIError], order_ids: Sequence[OrderId]) -> PolymarketAPIError:
    """Open if any part is: then every id must be looked up."""
    if any(isinstance(failure, OutcomeUnknown) for failure in failures):
        return OutcomeUnknown(failures[0].message, order_ids=tuple(order_ids))
    return failures[0]


def result_or_error(signed: SignedOrder, answer: PlacementAnswer) -> Placed:
    try:
        return placement_result(signed, answer)
    except PolymarketAPIError as error:
        return error
