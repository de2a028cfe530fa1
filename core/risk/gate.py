"""The one way to an ApprovedOrder: every control looks at every order, and any of them can refuse it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from ..errors import RiskRefused
from ..models import Market, OrderBook, OrderSide, OrderTicket
from ..money import text
from ..venues.venue import ApprovedOrder
from .kill_switch import Halt
from .limits import RiskLimits

_RECONCILE_S = 15
"""Seconds after which asking again about an unknown order is worth it; it is settled within a minute or so."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order and the state of the desk it would be placed in. `worst_cost` is dollars with fee, 0 for a sale."""

    ticket: OrderTicket
    market: Market
    book: OrderBook
    worst_cost: Decimal
    now: datetime
    halt: Halt | None
    open_orders: int
    unknown_orders: int


class Control(Protocol):
    """A rule with a name. `check` returns the refusal, or None."""

    name: str

    def check(self, proposal: Proposal, limits: RiskLimits) -> RiskRefused | None: ...


class KillSwitchOff:
    name = "kill_switch"

    def check(self, proposal: Proposal, limits: RiskLimits) -> RiskRefused | None:
        if proposal.halt is None:
            return None
        return RiskRefused(
            f"Trading was halted: {proposal.halt.reason}.",
            control=self.name,
            value="halted",
            limit="a desk that is not halted",
            fix=f"a person lifts the halt with `{proposal.halt.lifted_by}`",
        )


class NoUnknownOrder:
    """An order whose fate is not known may still fill; a second one could double the position."""

    name = "unknown_order"

    def check(self, proposal: Proposal, limits: RiskLimits) -> RiskRefused | None:
        if not proposal.unknown_orders:
            return None
        return RiskRefused(
            "An earlier order in this market was sent and its outcome is not known yet.",
            control=self.name,
            value=f"{proposal.unknown_orders} unknown",
            limit="0 unknown orders in the market",
            fix="call polymarket_get_orders, which looks it up, and place this one afterwards",
            retry_after_s=_RECONCILE_S,
        )


class FreshBook:
    name = "book_age"

    def check(self, proposal: Proposal, limits: RiskLimits) -> RiskRefused | None:
        age = (proposal.now - proposal.book.received_at).total_seconds()
        if age <= limits.max_book_age_s:
            return None
        return RiskRefused(
            f"The order book is {age:.1f} s old.",
            control=self.name,
            value=f"{age:.1f} s",
            limit=f"{limits.max_book_age_s:g} s",
            fix="repeat the call, which reads the book again",
            retry_after_s=1,
        )


class OrderValue:
    name = "order_value"

    def check(self, proposal: Proposal, limits: RiskLimits) -> RiskRefused | None:
        if proposal.worst_cost <= limits.max_order_usd:
            return None
        return RiskRefused(
            f"The order could cost ${text(proposal.worst_cost)}, more than the limit of "
            f"${text(limits.max_order_usd)} per order.",
            control=self.name,
            value=f"${text(proposal.worst_cost)}",
            limit=f"${text(limits.max_order_usd)} per order",
        )


class OpenOrders:
    name = "open_orders"

    def check(self, proposal: Proposal, limits: RiskLimits) -> RiskRefused | None:
        if not proposal.ticket.time_in_force.rests or proposal.open_orders < limits.max_open_orders:
            return None
        return RiskRefused(
            f"{proposal.open_orders} orders already rest.",
            control=self.name,
            value=f"{proposal.open_orders} open",
            limit=f"{limits.max_open_orders} open orders",
        )


class PriceBand:
    """Keeps an order that trades at once from reaching far through a thin book."""

    name = "price_band"

    def check(self, proposal: Proposal, limits: RiskLimits) -> RiskRefused | None:
        ticket, book = proposal.ticket, proposal.book
        best = book.best_ask if ticket.side is OrderSide.BUY else book.best_bid
        if best is None:
            return None
        beyond = ticket.price - best.price if ticket.side is OrderSide.BUY else best.price - ticket.price
        if beyond <= limits.max_beyond_best:
            return None
        return RiskRefused(
            f"The price {text(ticket.price)} lies {text(beyond)} beyond the best price {text(best.price)}.",
            control=self.name,
            value=text(beyond),
            limit=f"{text(limits.max_beyond_best)} beyond the best price",
        )


CONTROLS: tuple[Control, ...] = (
    KillSwitchOff(),
    NoUnknownOrder(),
    FreshBook(),
    OrderValue(),
    OpenOrders(),
    PriceBand(),
)


class RiskGate:
    """Runs all controls. `approve` is the only place where an ApprovedOrder is made."""

    def __init__(self, limits: RiskLimits, controls: Sequence[Control] = CONTROLS) -> None:
        self.limits = limits
        self._controls = tuple(controls)

    def approve(self, proposal: Proposal) -> ApprovedOrder:
        """Raises RiskRefused for the first control that refuses, its message naming all that do."""
        refusals = [
            refusal for control in self._controls if (refusal := control.check(proposal, self.limits)) is not None
        ]
        if refusals:
            first = refusals[0]
            message = " ".join(refusal.message for refusal in refusals)
            raise RiskRefused(
                message,
                control=first.control,
                value=first.value,
                limit=first.limit,
                fix=first.fix,
                retry_after_s=first.retry_after_s,
            )
        return ApprovedOrder(
            ticket=proposal.ticket,
            worst_cost=proposal.worst_cost,
            approved_at=proposal.now,
            controls=tuple(control.name for control in self._controls),
        )
