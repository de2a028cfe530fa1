"""What a plan is: an order in exact amounts, and what it will mean for the account."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from ..market_data.fill_estimate import FillEstimate, estimate_fill
from ..models import OrderBook, OrderSide, OrderTicket
from .intent import OrderIntent

if TYPE_CHECKING:
    from datetime import datetime

    from ..models import TimeInForce
    from ..polymarket.amounts import OrderAmounts

_BASE_UNIT = Decimal("0.000001")


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


def plan_for(
    intent: OrderIntent,
    book: OrderBook,
    amounts: OrderAmounts,
    *,
    price: Decimal,
    time_in_force: TimeInForce,
    estimate: FillEstimate,
    worst_fee: Decimal,
    rests: bool,
    adjustments: list[str],
    expires_at: datetime | None = None,
) -> OrderPlan:
    """The plan of an order whose amounts, price and lifetime are settled."""
    buying = intent.side is OrderSide.BUY
    ticket = OrderTicket(
        token_id=intent.outcome.token_id,
        condition_id=intent.market.condition_id,
        side=intent.side,
        price=price,
        shares=amounts.shares,
        dollars=amounts.dollars,
        time_in_force=time_in_force,
        tick=book.tick,
        neg_risk=book.neg_risk,
        post_only=intent.post_only,
        expires_at=expires_at,
    )
    bought = ticket.shares if time_in_force.rests else estimate.shares
    return OrderPlan(
        intent=intent,
        ticket=ticket,
        estimate=estimate,
        # Whole base units: a cost that has to be repeated must be one that can be written down.
        worst_cost=(ticket.dollars + worst_fee).quantize(_BASE_UNIT, rounding=ROUND_CEILING) if buying else Decimal(0),
        pays_if_right=bought if buying else Decimal(0),
        rests=rests,
        book=book,
        adjustments=tuple(adjustments),
    )
