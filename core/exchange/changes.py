"""What has changed since the ledger file was last written: collected while an event happens, written when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .book import Order
from .events import ExchangeEvent, MarketResolved, OrderChanged, TickChanged, TradeChanged
from .ledger import Account, MovementKind
from .ledger_schema import UNWRAPPED_DOLLARS, Row, Table
from .listing import Listing
from .trades import Trade


class Movement(NamedTuple):
    """Cash that came to (or left) a client's account. Amounts are millionths; `token_id` is empty for deposits."""

    address: str
    kind: MovementKind
    amount: int
    token_id: str
    shares: int
    trade_id: str


@dataclass(slots=True)
class Changes:
    """The objects to write, each once however often it changed, in the order in which they first did.

    Orders and trades are those of clients; a trade brings the house's orders along that it met. Accounts are
    everybody's, as the proof of conservation needs them all; movements are those of clients. `placed` are the orders
    that the exchange knows: one that was killed on entry is not among them. `records` are further rows to write, then
    those of the keys in `dropped` are removed.
    """

    placed: Mapping[str, Order]
    accounts: dict[Account, None] = field(default_factory=dict)
    positions: dict[tuple[Account, str], None] = field(default_factory=dict)
    orders: dict[Order, None] = field(default_factory=dict)
    trades: dict[Trade, None] = field(default_factory=dict)
    listings: dict[Listing, None] = field(default_factory=dict)
    collateral: dict[str, None] = field(default_factory=dict)
    wallets: dict[str, str] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    records: list[tuple[Table, Row]] = field(default_factory=list)
    dropped: list[tuple[Table, Row]] = field(default_factory=list)
    credentials: bool = False
    _traded: set[Listing] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(
            self.accounts
            or self.positions
            or self.orders
            or self.trades
            or self.listings
            or self.collateral
            or self.wallets
            or self.movements
            or self.records
            or self.dropped
            or self.credentials
        )

    def clear(self) -> None:
        self.accounts.clear()
        self.positions.clear()
        self.orders.clear()
        self.trades.clear()
        self.listings.clear()
        self.collateral.clear()
        self.wallets.clear()
        self.movements.clear()
        self.records.clear()
        self.dropped.clear()
        self.credentials = False

    def note_cash(
        self,
        account: Account,
        kind: MovementKind,
        amount: int,
        *,
        token_id: str = "",
        shares: int = 0,
        trade_id: str = "",
    ) -> None:
        """Cash of an account has changed, and its shares of `token_id` with it where one is given."""
        self.accounts[account] = None
        if token_id:
            self.positions[(account, token_id)] = None
        if not account.is_house:
            self.movements.append(Movement(account.address, kind, amount, token_id, shares, trade_id))

    def note_unwrapped(self, account: Account) -> None:
        """The unwrapped dollars of an account changed."""
        self.accounts[account] = None
        self.records.append((UNWRAPPED_DOLLARS, (account.address, account.unwrapped)))

    def note_collateral(self, condition_id: str) -> None:
        """The dollars locked in a market changed, or its payout was fixed."""
        self.collateral[condition_id] = None

    def note_event(self, event: ExchangeEvent) -> None:
        """Listen to the exchange: orders, trades and markets of clients that changed."""
        if isinstance(event, OrderChanged):
            if event.order.owner and event.order.id in self.placed:
                self.orders[event.order] = None
                if event.listing not in self._traded:
                    self._traded.add(event.listing)
                    self.listings[event.listing] = None
        elif isinstance(event, TradeChanged):
            parts = event.trade.parts()
            if any(order.owner for order, *_ in parts):
                self.trades[event.trade] = None
                self.listings[event.listing] = None
                for order, *_ in parts:
                    self.orders[order] = None
                    self.accounts[order.account] = None
        elif isinstance(event, MarketResolved) or (isinstance(event, TickChanged) and event.listing in self._traded):
            self.listings[event.listing] = None
