"""What a plan is: an order in exact amounts, and what it will mean for the account."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..market_data.fill_estimate import FillEstimate
    from ..models import OrderBook, OrderTicket
    from .intent import OrderIntent


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """An executable order and what it will mean. Dollars include the fee where the name says cost or proceeds.

    `worst_cost` is the most that can leave the account (0 for a sell); `estimate` is the fill on the book of
    `book`; `adjustments` say in words what was changed to be legal.
    """

    intent: OrderIntent
    ticket: OrderTicket
    estimate: FillEstimate
    worst_cost: Decimal
    worst_fee: Decimal
    pays_if_right: Decimal
    rests: bool
    book: OrderBook
    adjustments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares of one outcome: `settled` ones can be sold, `settling` ones are bought but not delivered yet."""

    settled: Decimal
    settling: Decimal


NOTHING_HELD = Holding(Decimal(0), Decimal(0))
