"""One market's resting orders in price-time priority.

A share of the second outcome at p is a share of the first at 1 - p seen from the other side, so one book holds both:
buying the first outcome and selling the second are bids, the other two are asks, all priced in the first outcome.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
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


class Level:
    """The orders at one price, oldest first."""

    __slots__ = ("price", "queue", "size")

    def __init__(self, price: int) -> None:
        self.price = price
        self.size = 0
        self.queue: OrderedDict[str, Order] = OrderedDict()


class BookSide:
    """Bids or asks. Keys ascend from the worst price to the best, as ask prices are negated."""

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, *, is_bid: bool) -> None:
        self._sign = 1 if is_bid else -1
        self._keys: list[int] = []
        self._levels: dict[int, Level] = {}

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def best(self) -> int | None:
        """The best price, None when the side is empty."""
        return self._keys[-1] * self._sign if self._keys else None

    def size_at(self, price: int) -> int:
        level = self._levels.get(price)
        return level.size if level else 0

    def add(self, order: Order) -> None:
        level = self._levels.get(order.book_price)
        if level is None:
            level = self._levels[order.book_price] = Level(order.book_price)
            insort(self._keys, order.book_price * self._sign)
        level.queue[order.id] = order
        level.size += order.open_size

    def fill(self, order: Order, shares: int) -> None:
        """Take `shares` off a resting order, and the order off the book when nothing is left."""
        level = self._levels[order.book_price]
        order.resting_filled += shares
        order.filled += shares
        level.size -= shares
        if order.resting_filled == order.resting:
            self._drop(order, level)

    def resize(self, order: Order, open_size: int) -> None:
        """Let an order offer more or less than it did, in its place in the queue; 0 takes it off the book."""
        level = self._levels[order.book_price]
        level.size += open_size - order.open_size
        order.resting = order.resting_filled + open_size
        if not open_size:
            self._drop(order, level)

    def remove(self, order: Order) -> None:
        level = self._levels[order.book_price]
        level.size -= order.open_size
        self._drop(order, level)

    def best_first(self) -> Iterator[Level]:
        for key in reversed(self._keys):
            yield self._levels[key * self._sign]

    def worst_first(self) -> Iterator[Level]:
        for key in self._keys:
            yield self._levels[key * self._sign]

    def _drop(self, order: Order, level: Level) -> None:
        del level.queue[order.id]
        if not level.queue:
            del self._levels[level.price]
            del self._keys[bisect_left(self._keys, level.price * self._sign)]


class OrderBook:
    """Both sides of one market, priced in its first outcome.

    `clients_meet` is False where the book is that of another venue: there no client would find another's order.
    """

    __slots__ = ("asks", "bids", "clients_meet")

    def __init__(self) -> None:
        self.clients_meet = True
        self.bids = BookSide(is_bid=True)
        self.asks = BookSide(is_bid=False)

    def side_of(self, order: Order) -> BookSide:
        return self.bids if order.is_bid else self.asks

    def opposite_of(self, order: Order) -> BookSide:
        return self.asks if order.is_bid else self.bids

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
