"""One account at one moment: cash, what is reserved, positions at the price they could be sold for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..clock import Clock
from ..models import AccountBalance, OpenOrder, OrderSide, Position, Trade
from ..venues.venue import Venue


@dataclass(frozen=True, slots=True)
class PortfolioSnapshot:
    """Dollars throughout. `cash` and `positions` are what the venue's balances show; `settling` are fills that are
    not confirmed, and `free` is cash neither promised to open buy orders nor owed for buys that no balance shows yet
    (their fees come on top).

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
    fees: Decimal
    open_orders: tuple[OpenOrder, ...]
    settling: tuple[Trade, ...]
    unpriced: tuple[str, ...]
    as_of: datetime


class Portfolio:
    """The account behind one venue."""

    def __init__(self, venue: Venue, clock: Clock) -> None:
        self._venue = venue
        self._clock = clock

    async def snapshot(self) -> PortfolioSnapshot:
        """Read balance, positions and open orders at once and add them up."""
        balance, positions, open_orders, trades = await asyncio.gather(
            self._venue.balance(), self._venue.positions(), self._venue.open_orders(), self._venue.trades()
        )
        settling = tuple(trade for trade in trades if trade.status.settling)
        return add_up(balance, positions, open_orders, settling, as_of=self._clock.now())


def add_up(
    balance: AccountBalance,
    positions: tuple[Position, ...],
    open_orders: tuple[OpenOrder, ...],
    settling: tuple[Trade, ...],
    *,
    as_of: datetime,
) -> PortfolioSnapshot:
    """The sums of a snapshot, from its parts."""
    reserved = sum(
        (
            (order.original_size - order.size_matched) * order.price
            for order in open_orders
            if order.side is OrderSide.BUY
        ),
        Decimal(0),
    )
    owed = sum(
        (trade.size * trade.price for trade in settling if trade.side is OrderSide.BUY and trade.status.undelivered),
        Decimal(0),
    )
    value = sum((position.value for position in positions if position.value is not None), Decimal(0))
    return PortfolioSnapshot(
        cash=balance.collateral,
        reserved=reserved,
        free=balance.collateral - reserved - owed,
        positions=positions,
        value=value,
        equity=balance.collateral + value,
        realized=sum((position.realized for position in positions), Decimal(0)),
        unrealized=sum((each.unrealized for each in positions if each.unrealized is not None), Decimal(0)),
        fees=sum((position.fees for position in positions), Decimal(0)),
        open_orders=open_orders,
        settling=settling,
        unpriced=tuple(position.title for position in positions if position.value is None),
        as_of=as_of,
    )
