"""One market's resting orders in price-time priority.

A share of the second outcome at p is a share of the first at 1 - p seen from the other side, so one book holds both:
buying the first outcome and selling the second are bids, the other two are asks, all priced in the first outcome.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from .ledger import Account
from .units import UNIT

Side = Literal["BUY", "SELL"]
OrderType = Literal["GTC", "GTD", "FOK", "FAK"]


@dataclass(slots=True, eq=False)
class Order:
    """An order from entry to its end. `price` is of its own token in ten-thousandths, sizes are millionths of a share.

    `budget` is the dollars (millionths) that a market BUY may spend; with it, `size` is only the least it should get.
    `resting` and `resting_filled` count from the moment the rest of the order went on the book, and `priority` numbers
    those moments, as an order that waited rests after later ones. `status` is LIVE,
    DELAYED, UNMATCHED, MATCHED, or CANCELED with its reason.
    """

    id: str
    account: Account
    condition_id: str
    token_id: str
    outcome: int
    side: Side
    price: int
    size: int
    order_type: OrderType
    created_at_ms: int
    owner: str = ""
    maker_address: str = ""
    expiration: int = 0
    budget: int | None = None
    filled: int = 0
    resting: int = 0
    resting_filled: int = 0
    status: str = "LIVE"
    priority: int = 0
    trade_ids: list[str] = field(default_factory=list)
    is_bid: bool = field(init=False)
    book_price: int = field(init=False)

    def __post_init__(self) -> None:
        self.is_bid = (self.side == "BUY") == (self.outcome == 0)
        self.book_price = self.price if self.outcome == 0 else UNIT - self.price

    @property
    def open_size(self) -> int:
        """Shares on the book."""
        return self.resting - self.resting_filled

    @property
    def reserved(self) -> int:
        """What the open part holds back: dollars of a BUY, shares of a SELL."""
        if self.side == "SELL":
            return self.resting - self.resting_filled
        # Rounded on the running total, so that the fills of one order add up to its exact value.
        return -(-self.resting * self.price // UNIT) + (-self.resting_filled * self.price // UNIT)


LevelKey = int
"""A price level of the first outcome's book: the price in price units, negative for an ask."""


def level_key(*, is_bid: bool, price: int) -> LevelKey:
    return price if is_bid else -price


class Level:
    """The orders at one price, oldest first, and `displayed` shares that no order stands for yet, behind them."""

    __slots__ = ("displayed", "price", "queue", "size")

    def __init__(self, price: int, displayed: int = 0) -> None:
        self.price = price
        self.size = self.displayed = displayed
        self.queue: OrderedDict[str, Order] | None = None

    @property
    def orders(self) -> Iterable[Order]:
        return self.queue.values() if self.queue else ()


class BookSide:
    """Bids or asks. Keys ascend from the worst price to the best, as ask prices are negated."""

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, *, is_bid: bool) -> None:
        self._sign = 1 if is_bid else -1
        self._keys: list[LevelKey] = []
        self._levels: dict[LevelKey, Level] = {}

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def best(self) -> int | None:
        """The best price, None when the side is empty."""
        return self._keys[-1] * self._sign if self._keys else None

    def size_at(self, price: int) -> int:
        level = self._levels.get(price * self._sign)
        return level.size if level else 0

    def displayed_at(self, price: int) -> int:
        """The shares at a price that no order stands for."""
        level = self._levels.get(price * self._sign)
        return level.displayed if level else 0

    def display(self, key: LevelKey, size: int) -> None:
        """Show `size` shares at a price beside the orders there; 0 shows none."""
        level = self._levels.get(key)
        if level is None:
            if size:
                self._levels[key] = Level(key * self._sign, size)
                insort(self._keys, key)
            return
        level.size += size - level.displayed
        level.displayed = size
        if not level.size:
            self._forget(level)

    def add(self, order: Order) -> None:
        key = order.book_price * self._sign
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = Level(order.book_price)
            insort(self._keys, key)
        if level.queue is None:
            level.queue = OrderedDict()
        level.queue[order.id] = order
        level.size += order.open_size

    def fill(self, order: Order, shares: int) -> None:
        """Take `shares` off a resting order, and the order off the book when nothing is left."""
        level = self._levels[order.book_price * self._sign]
        order.resting_filled += shares
        order.filled += shares
        level.size -= shares
        if order.resting_filled == order.resting:
            self._drop(order, level)

    def remove(self, order: Order) -> None:
        level = self._levels[order.book_price * self._sign]
        level.size -= order.open_size
        self._drop(order, level)

    def best_first(self) -> Iterator[Level]:
        for key in reversed(self._keys):
            yield self._levels[key]

    def worst_first(self) -> Iterator[Level]:
        for key in self._keys:
            yield self._levels[key]

    def displayed(self) -> list[tuple[LevelKey, int]]:
        """Shares that no order stands for, best first."""
        levels = self._levels
        return [(key, level.displayed) for key in reversed(self._keys) if (level := levels[key]).displayed]

    def _drop(self, order: Order, level: Level) -> None:
        if level.queue is not None:
            del level.queue[order.id]
            if not level.queue:
                level.queue = None
        if not level.size:
            self._forget(level)

    def _forget(self, level: Level) -> None:
        key = level.price * self._sign
        del self._levels[key]
        del self._keys[bisect_left(self._keys, key)]


class OrderBook:
    """Both sides of one market, priced in its first outcome.

    `clients_meet` is False where the book is that of another venue: there no client would find another's order. Such a
    book may display sizes without orders; `stand_for` then puts orders behind those of a side (True for bids) that are
    at a price or better, before somebody trades with them.
    """

    __slots__ = ("asks", "bids", "clients_meet", "stand_for")

    def __init__(self) -> None:
        self.clients_meet = True
        self.stand_for: Callable[[bool, int], None] | None = None
        self.bids = BookSide(is_bid=True)
        self.asks = BookSide(is_bid=False)

    def side_of(self, order: Order) -> BookSide:
        return self.bids if order.is_bid else self.asks

    def opposite_of(self, order: Order) -> BookSide:
        return self.asks if order.is_bid else self.bids

    def display(self, changes: Iterable[tuple[LevelKey, int]]) -> None:
        """Show these sizes, each in the place of what was displayed at its price before."""
        bids, asks = self.bids, self.asks
        bid_levels, ask_levels = bids._levels, asks._levels
        for key, size in changes:
            # What happens most is done here, as millions of recorded changes pass through.
            level = (bid_levels if key > 0 else ask_levels).get(key)
            if level is not None and size:
                level.size += size - level.displayed
                level.displayed = size
            else:
                (bids if key > 0 else asks).display(key, size)

    def stand_for_all(self) -> None:
        """Put orders behind every size that is displayed."""
        if self.stand_for is not None:
            self.stand_for(True, 0)
            self.stand_for(False, UNIT)

    def displayed(self) -> list[tuple[LevelKey, int]]:
        """The sizes of both sides that no order stands for."""
        return [*self.bids.displayed(), *self.asks.displayed()]

    def best_for(self, outcome: int) -> tuple[int | None, int | None]:
        """Best bid and best ask of one outcome's token, in price units."""
        bid, ask = self.bids.best, self.asks.best
        if outcome == 0:
            return bid, ask
        return (None if ask is None else UNIT - ask), (None if bid is None else UNIT - bid)

    def levels_for(self, outcome: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """(price, size) of bids and asks of one outcome's token, worst first."""
        bids, asks = self.bids.worst_first(), self.asks.worst_first()
        if outcome == 0:
            return [(level.price, level.size) for level in bids], [(level.price, level.size) for level in asks]
        return (
            [(UNIT - level.price, level.size) for level in asks],
            [(UNIT - level.price, level.size) for level in bids],
        )
