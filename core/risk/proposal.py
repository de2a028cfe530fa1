"""What the gate looks at: an order, its market, and the state of the desk it would be placed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..models import Market, OrderBook, OrderTicket
from .kill_switch import Halt
from .mandate import MandateState
from .worst_case import WorstCase


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskState:
    """How the desk stands without the order, and what could be lost with it.

    `open_orders` rest or are on their way; `unknown_orders` are those of the order's market. `exposure` is the worst
    case with the order, `exposure_before` without it. `day_usd` and `minute_orders` are what was sent since midnight
    UTC and in the last minute. `day_loss_usd` is None when it is not known. `region_refused_at` is when the venue last
    refused this place. `run` is how the strategy's run stands that wants the order, None for other orders.
    """

    halt: Halt | None
    open_orders: int
    unknown_orders: int
    exposure: WorstCase
    exposure_before: WorstCase
    day_usd: Decimal
    minute_orders: int
    day_loss_usd: Decimal | None
    region_refused_at: datetime | None
    run: MandateState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An order to be approved. `worst_cost` is dollars with fee, 0 for a sale of what is held."""

    ticket: OrderTicket
    market: Market
    book: OrderBook
    worst_cost: Decimal
    now: datetime
    state: DeskState

    @property
    def reduces(self) -> bool:
        """Whether the order spends nothing: what is held is sold."""
        return not self.worst_cost
