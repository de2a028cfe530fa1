"""What an account can still spend and sell: balances less what open orders and undelivered trades hold back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from ..clock import Clock
from ..identifiers import TokenId
from ..models import OpenOrder, OrderSide, Position, Trade
from ..venues.venue import Venue
from .cash_flow import FeeOf

_MICRO_DOLLAR = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class AccountState:
    """Dollars, shares of one outcome, and what the venue lists.

    `sellable` is 0 where nobody asked; `settling` shares are bought and in no balance yet. `trades` are oldest first,
    and those among them that no balance shows yet are `undelivered`.
    """

    cash: Decimal
    reserved: Decimal
    owed: Decimal
    sellable: Decimal
    settling: Decimal
    open_orders: tuple[OpenOrder, ...]
    trades: tuple[Trade, ...]
    undelivered: tuple[Trade, ...]
    positions: tuple[Position, ...]
    read_at: datetime

    @property
    def free(self) -> Decimal:
        """Cash that no open order and no undelivered purchase has a claim on."""
        return max(self.cash - self.reserved - self.owed, Decimal(0))


async def read_account(venue: Venue, token_id: TokenId, fee_of: FeeOf, clock: Clock, *, to_sell: bool) -> AccountState:
    """Ask the venue for all of an account at once, for the shares that could be sold only where they matter.

    Raises what the venue's reads raise.
    """
    read_at = clock.now()
    balance, shares, open_orders, trades, positions = await asyncio.gather(
        venue.balance(),
        venue.token_balance(token_id) if to_sell else _nothing(),
        venue.open_orders(),
        venue.trades(),
        venue.positions(),
    )
    undelivered = tuple(trade for trade in trades if trade.status.undelivered)
    of_outcome = [trade for trade in undelivered if trade.token_id == token_id]
    on_sale = sum(
        (
            order.original_size - order.size_matched
            for order in open_orders
            if order.side is OrderSide.SELL and order.token_id == token_id
        ),
        Decimal(0),
    )
    sold = sum((trade.size for trade in of_outcome if trade.side is OrderSide.SELL), Decimal(0))
    return AccountState(
        cash=balance.collateral,
        reserved=reserved_by(open_orders),
        owed=owed_for(undelivered, fee_of),
        sellable=max(shares - on_sale - sold, Decimal(0)),
        settling=sum((trade.size for trade in of_outcome if trade.side is OrderSide.BUY), Decimal(0)),
        open_orders=open_orders,
        trades=trades,
        undelivered=undelivered,
        positions=positions,
        read_at=read_at,
    )


async def _nothing() -> Decimal:
    return Decimal(0)


def reserved_by(open_orders: tuple[OpenOrder, ...]) -> Decimal:
    """Dollars that resting purchases may still cost."""
    return sum(
        (
            (order.original_size - order.size_matched) * order.price
            for order in open_orders
            if order.side is OrderSide.BUY
        ),
        Decimal(0),
    )


def owed_for(trades: tuple[Trade, ...], fee_of: FeeOf) -> Decimal:
    """Dollars of purchases, with fees, that the balance does not show yet."""
    return sum(
        (
            (trade.size * trade.price).quantize(_MICRO_DOLLAR, rounding=ROUND_CEILING) + fee_of(trade)
            for trade in trades
            if trade.side is OrderSide.BUY and trade.status.undelivered
        ),
        Decimal(0),
    )
