"""Trades from match to settlement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .book import Order
from .ledger import Ledger

TradeStatus = Literal["MATCHED", "RETRYING", "MINED", "CONFIRMED", "FAILED"]


@dataclass(frozen=True, slots=True)
class MakerFill:
    """A maker's part of a trade, in the maker's own token and price. `cash` is what it pays or receives."""

    order: Order
    shares: int
    cash: int
    price: int


@dataclass(slots=True, eq=False)
class Trade:
    """One incoming order against the resting orders of one price.

    An order that takes several prices makes several trades, numbered by `bucket_index`, so that size x price of each
    is what changed hands. `cash` excludes the taker's `fee`. Amounts are millionths, `price` price units.
    """

    id: str
    taker: Order
    bucket_index: int
    shares: int
    cash: int
    price: int
    fee: int
    makers: tuple[MakerFill, ...]
    matched_at_ms: int
    updated_at_ms: int
    status: TradeStatus = "MATCHED"
    transaction_hash: str = ""

    def parts(self) -> list[tuple[Order, int, int, int]]:
        """(order, shares, cash, fee) of everyone in the trade, the taker first."""
        makers = [(fill.order, fill.shares, fill.cash, 0) for fill in self.makers]
        return [(self.taker, self.shares, self.cash, self.fee), *makers]

    def hold(self) -> None:
        """Set aside what each side owes until the trade settles."""
        for order, shares, cash, fee in self.parts():
            if order.side == "BUY":
                order.account.matched_cash += cash + fee
            else:
                order.account.matched_shares[order.token_id] += shares

    def release(self) -> None:
        """Give back what `hold` set aside: the trade never happened."""
        for order, shares, cash, fee in self.parts():
            if order.side == "BUY":
                order.account.matched_cash -= cash + fee
            else:
                order.account.matched_shares[order.token_id] -= shares

    @property
    def settled(self) -> bool:
        """Whether money and shares have moved."""
        return self.status in ("MINED", "CONFIRMED")

    def settle(self, ledger: Ledger) -> None:
        """Move what was set aside. Two buyers lock a dollar per set, two sellers free one."""
        at = self.updated_at_ms // 1000
        for order, shares, cash, fee in self.parts():
            if order.side == "BUY":
                order.account.matched_cash -= cash + fee
                ledger.buy(order.account, order.token_id, shares, cost=cash, fee=fee, at=at, trade_id=self.id)
            else:
                order.account.matched_shares[order.token_id] -= shares
                ledger.sell(order.account, order.token_id, shares, proceeds=cash, fee=fee, at=at, trade_id=self.id)
        for fill in self.makers:
            if fill.order.outcome != self.taker.outcome:
                change = fill.shares if self.taker.side == "BUY" else -fill.shares
                ledger.lock(self.taker.condition_id, change)
