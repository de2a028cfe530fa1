"""One account at one moment: cash, what is reserved, positions at the price they could be sold for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..clock import Clock
from ..models import OpenOrder, Position, Trade
from ..venues.venue import Venue
from .account_state import FeeOf, owed_for, reserved_by


@dataclass(frozen=True, slots=True)
class PortfolioSnapshot:
    """Dollars throughout. `cash` and `positions` are what the venue's balances show; `settling` are fills that are
    not confirmed, and `free` is cash neither promised to open buy orders nor owed, with fees, for buys that no
    balance shows yet. `realized` and `unrealized` are before fees; `entry_fees` are those of the shares still held.

    `value` counts positions with a known price; `unpriced` are the titles of the others, left out of it.
    """

    cash: Decimal
    reserved: Decimal
    free: Decimal
    positions: tuple[Position, ...]
    value: Decimal
    equity: Decimal
    realized: Decimal
    unrealized: Decimal
    entry_fees: Decimal
    open_orders: tuple[OpenOrder, ...]
    settling: tuple[Trade, ...]
    unpriced: tuple[str, ...]
    as_of: datetime


class Portfolio:
    """The account behind one venue. `fee_of` tells the fee of a trade, which the venue's records leave out."""

    def __init__(self, venue: Venue, clock: Clock, fee_of: FeeOf) -> None:
        self._venue = venue
        self._clock = clock
        self._fee_of = fee_of

    async def snapshot(self) -> PortfolioSnapshot:
        """Read balance, positions, open orders and trades at once and add them up."""
        balance, positions, open_orders, trades = await asyncio.gather(
            self._venue.balance(), self._venue.positions(), self._venue.open_orders(), self._venue.trades()
        )
        value = sum((position.value for position in positions if position.value is not None), Decimal(0))
        reserved = reserved_by(open_orders)
        return PortfolioSnapshot(
            cash=balance.collateral,
            reserved=reserved,
            free=max(balance.collateral - reserved - owed_for(trades, self._fee_of), Decimal(0)),
            positions=positions,
            value=value,
            equity=balance.collateral + value,
            realized=sum((position.realized for position in positions), Decimal(0)),
            unrealized=sum((each.unrealized for each in positions if each.unrealized is not None), Decimal(0)),
            entry_fees=sum((position.fees for position in positions), Decimal(0)),
            open_orders=open_orders,
            settling=tuple(trade for trade in trades if trade.status.settling),
            unpriced=tuple(position.title for position in positions if position.value is None),
            as_of=self._clock.now(),
        )
