"""What a plan is: an order in exact amounts, and what it will mean for the account."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ..market_data.fill_estimate import FillEstimate, estimate_fill
from ..models import OrderSide

if TYPE_CHECKING:
    from ..models import OrderBook, OrderTicket
    from .intent import OrderIntent


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """An executable order and what it will mean. Dollars include the fee where the name says cost or proceeds.

    `worst_cost` is the most that can leave the account (0 for a sell), as long as the price does not fall by more
    than ten cents while a purchase is under way: the fee per dollar grows as the price falls. `estimate` is the fill
    on `book`; `adjustments` say in words what was changed to be legal.
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

    def on(self, book: OrderBook) -> OrderPlan:
        """The same order, estimated on a later book. What would be signed stays as it is."""
        ticket = self.ticket
        spends = ticket.side is OrderSide.BUY and not ticket.time_in_force.rests
        amount = {"dollars": ticket.dollars} if spends else {"shares": ticket.shares}
        estimate = estimate_fill(book, ticket.side, self.intent.market.fees, limit=ticket.price, **amount)
        return dataclasses.replace(self, book=book, estimate=estimate)
