"""One account at one moment: cash, what is reserved, positions at the price they could be sold for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..clock import Clock
from ..models import OpenOrder, OrderSide, Position, Trade
from ..venues.venue import Venue
from .account_state import AccountState, owed_for, reserved_by
from .cash_flow import CashFlow, FeeOf, flows_of, is_whole
from .statement import LOOKS, ReadActivity, Statement, TokensOf, read_statement, shown_by_balances


@dataclass(frozen=True, slots=True)
class PortfolioSnapshot:
    """Dollars throughout. `cash` and `positions` are what the venue's balances show. `trades` are all fills, oldest
    first, and `settling` those that are not confirmed. `settled` is cash without what such fills brought or took,
    `provisional` what all of them together bring (negative: take) if they are confirmed, and `free` is cash neither
    promised to open buy orders nor owed, with fees, for buys that no balance shows yet. `realized` and `unrealized` are
    before fees; `entry_fees` are those of the shares still held.

    `value` counts positions with a known price; `unpriced` are the titles of the others, left out of it.
    """

    cash: Decimal
    settled: Decimal
    provisional: Decimal
    reserved: Decimal
    free: Decimal
    positions: tuple[Position, ...]
    value: Decimal
    equity: Decimal
    realized: Decimal
    unrealized: Decimal
    entry_fees: Decimal
    open_orders: tuple[OpenOrder, ...]
    trades: tuple[Trade, ...]
    settling: tuple[Trade, ...]
    unpriced: tuple[str, ...]
    as_of: datetime

    @property
    def account_state(self) -> AccountState:
        """The same moment as the gate looks at an account, without reading it again."""
        return AccountState(
            cash=self.cash,
            reserved=self.reserved,
            owed=self.cash - self.reserved - self.free,
            sellable=Decimal(0),
            settling=Decimal(0),
            open_orders=self.open_orders,
            trades=self.trades,
            undelivered=tuple(trade for trade in self.trades if trade.status.undelivered),
            positions=self.positions,
            read_at=self.as_of,
        )

    @property
    def settled_equity(self) -> Decimal:
        """Equity without the cash and the shares of fills that are not confirmed."""
        prices = {each.token_id: each.current_price for each in self.positions}
        moving = (each for each in self.settling if not each.status.undelivered)
        shares = sum(
            (
                (prices.get(each.token_id) or each.price) * (each.size if each.side is OrderSide.BUY else -each.size)
                for each in moving
            ),
            Decimal(0),
        )
        return self.settled + self.value - shares


class Portfolio:
    """The account behind one venue.

    `fee_of` tells the fee of a trade, which the venue's records leave out, `activity` what is in the public record of
    the account, `tokens_of` the outcomes of a market.
    """

    def __init__(
        self, venue: Venue, clock: Clock, fee_of: FeeOf, *, activity: ReadActivity, tokens_of: TokensOf
    ) -> None:
        self._venue = venue
        self._clock = clock
        self._fee_of = fee_of
        self._activity = activity
        self._tokens_of = tokens_of

    async def snapshot(self) -> PortfolioSnapshot:
        """Read balance, positions, open orders and trades at once and add them up.

        While trades settle, balance and trades are read anew until they tell of the same moment.
        """
        balance, positions, open_orders, trades = await asyncio.gather(
            self._venue.balance(), self._venue.positions(), self._venue.open_orders(), self._venue.trades()
        )
        for _ in range(LOOKS if any(trade.status.settling for trade in trades) else 0):
            shown = shown_by_balances(trades)
            balance, positions = await asyncio.gather(self._venue.balance(), self._venue.positions())
            trades = await self._venue.trades()
            if shown_by_balances(trades) == shown:
                break
        settling = await self._flows_of([trade for trade in trades if trade.status.settling])
        value = sum((position.value for position in positions if position.value is not None), Decimal(0))
        reserved = reserved_by(open_orders)
        return PortfolioSnapshot(
            cash=balance.collateral,
            settled=balance.collateral - sum((flow.cash for flow in settling if flow.delivered), Decimal(0)),
            provisional=sum((flow.cash for flow in settling), Decimal(0)),
            reserved=reserved,
            free=max(balance.collateral - reserved - owed_for(trades, self._fee_of), Decimal(0)),
            positions=positions,
            value=value,
            equity=balance.collateral + value,
            realized=sum((position.realized for position in positions), Decimal(0)),
            unrealized=sum((each.unrealized for each in positions if each.unrealized is not None), Decimal(0)),
            entry_fees=sum((position.fees for position in positions), Decimal(0)),
            open_orders=open_orders,
            trades=trades,
            settling=tuple(trade for trade in trades if trade.status.settling),
            unpriced=tuple(position.title for position in positions if position.value is None),
            as_of=self._clock.now(),
        )

    async def _flows_of(self, settling: Sequence[Trade]) -> Sequence[CashFlow]:
        """What trades that settle have moved; what a fraction of a millionth became is read in the public record."""
        rounded = any(not trade.status.undelivered and not is_whole(trade.price * trade.size) for trade in settling)
        hashes = {trade.transaction_hash for trade in settling}
        rows = [row for row in await self._activity() if row.transaction_hash in hashes] if rounded else []
        trades = [row for row in rows if row.kind == "TRADE"]
        return flows_of(settling, trades, fee_of=self._fee_of, tokens_of={}).items

    async def statement(self) -> Statement:
        """The account's profit by its cash flows, held against the venue's balances."""
        return await read_statement(
            self._venue, activity=self._activity, tokens_of=self._tokens_of, fee_of=self._fee_of
        )
