"""The orders and trades that an exchange knows, and whose they are."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from .book import Order
from .ledger import Account
from .trades import Trade

_TAPE_LENGTH = 5000


class Registry:
    """`orders` and `trades` by id; `tape` holds the latest trades of all accounts, oldest first.

    House orders and their trades come and go without end: they are forgotten once they are done, as only those of
    clients can be asked for afterwards.
    """

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.trades: dict[str, Trade] = {}
        self.tape: deque[Trade] = deque(maxlen=_TAPE_LENGTH)
        self._trades_of: defaultdict[str, list[Trade]] = defaultdict(list)
        self._open_of: defaultdict[str, dict[str, Order]] = defaultdict(dict)

    def open_orders(self, account: Account) -> list[Order]:
        """Oldest first."""
        return list(self._open_of[account.address].values())

    def resting_orders(self) -> list[Order]:
        """Of all accounts."""
        return [order for orders in self._open_of.values() for order in orders.values()]

    def trades_of(self, account: Account) -> Sequence[Trade]:
        """Every trade the account took part in, oldest first."""
        return self._trades_of[account.address]

    def note_resting(self, order: Order) -> None:
        self._open_of[order.account.address][order.id] = order

    def note_off_book(self, order: Order) -> None:
        del self._open_of[order.account.address][order.id]

    def note_trade(self, trade: Trade) -> None:
        self.trades[trade.id] = trade
        for address in dict.fromkeys(order.account.address for order, *_ in trade.parts() if order.owner):
            self._trades_of[address].append(trade)
        self.tape.append(trade)

    def forget_if_done(self, order: Order) -> None:
        if not order.owner and not order.open_size:
            self.orders.pop(order.id, None)

    def forget_if_between_houses(self, trade: Trade) -> None:
        if not any(order.owner for order, *_ in trade.parts()):
            del self.trades[trade.id]
