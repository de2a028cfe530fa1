"""One market's book as it is elsewhere: it displays what really rests there, less what clients took here.

What clients do here has no effect there, so it is remembered. Of each real level only the part that nobody took is
shown, and what was taken stays gone until the real level grows. A client's resting order waits behind the real size
that was there first; it trades when real trades get past that, or when the real market offers at its price or better.

Sizes are integers without orders, as most change again before anybody trades with them; house orders stand for those
that an order of a client reaches, and only as long as it is matched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .book import LevelKey, Order, Side, level_key
from .events import ExchangeEvent, OrderChanged
from .ledger import Account
from .listing import Listing
from .mirrored_orders import fill_resting, report, rest_for, withdraw
from .queue_position import QueuePosition
from .seeding import house_order
from .trades import Trade
from .units import UNIT
from .venue import Exchange


@dataclass(frozen=True, slots=True)
class RealTrade:
    """A trade between others, as its taker saw it. `price` is in price units of `outcome`, `shares` in millionths."""

    outcome: int
    side: Side
    price: int
    shares: int
    at_ms: int
    transaction_hash: str = ""

    @property
    def hits_bids(self) -> bool:
        return (self.side == "SELL") == (self.outcome == 0)

    @property
    def book_price(self) -> int:
        return self.price if self.outcome == 0 else UNIT - self.price


class MirroredBook:
    """Follows the real book of one listing on `exchange`, with the orders of `house`.

    Prices are price units of the first outcome, sizes millionths of a share. The first outcome's book is enough: the
    second's is its mirror image. `updated_ms` is the real market's time of the latest change, 0 before the first.
    """

    def __init__(self, exchange: Exchange, listing: Listing, house: Account) -> None:
        self.listing = listing
        self.updated_ms = 0
        self._exchange = exchange
        self._house = house
        self._taken: dict[LevelKey, int] = {}
        self._standing: dict[LevelKey, Order] = {}
        self._arrived: list[Order] = []
        self._queue: dict[str, QueuePosition] = {}
        listing.mirrored = True
        listing.book.clients_meet = False
        listing.book.stand_for = self._stand_for

    # -- what the real market tells ----------------------------------------------------------------------------------

    def apply_snapshot(self, bids: Mapping[int, int], asks: Mapping[int, int], *, at_ms: int) -> list[Trade]:
        """The whole real book: size by price. Levels that it leaves out are gone. The fills that follow."""
        self._relieve()
        book = self.listing.book
        wanted = {level_key(is_bid=True, price=price): size for price, size in bids.items()}
        wanted.update({level_key(is_bid=False, price=price): size for price, size in asks.items()})
        known = [key for key, _ in book.displayed()]
        gone = [(key, 0) for key in dict.fromkeys([*known, *self._taken]) if key not in wanted]
        changed = [(key, size) for key, size in wanted.items() if size != self._real(key)]
        made = self.apply_changes([*gone, *changed], at_ms=at_ms)
        self.place_unplaced()
        return made

    def apply_changes(self, changes: Sequence[tuple[LevelKey, int]], *, at_ms: int) -> list[Trade]:
        """Real levels whose total size is now this; 0 removes one. The fills that follow."""
        if at_ms > self.updated_ms:
            self.updated_ms = at_ms
        if self._standing:
            self._relieve()
        book = self.listing.book
        best_before = book.bids.best, book.asks.best
        made: list[Trade] = []
        if self._taken or self._queue or self._arrived:
            changes, made = self._left_by_clients(changes, at_ms=at_ms)
        if changes:
            book.display(changes)
            self._exchange.trading.tell_displayed(self.listing, changes, best_before, at_ms=at_ms)
        return made

    def place_unplaced(self) -> None:
        """Put orders whose place was not known behind all that really rests at their prices."""
        for position in self._queue.values():
            if position.ahead is None:
                position.ahead = self._real_at(position.order)

    def apply_trade(self, trade: RealTrade) -> list[Trade]:
        """A real trade: tell of it, and fill the clients' orders that it reaches, best price first."""
        report(self._exchange, self.reported(trade))
        return self.settle(trade)

    def settle(self, trade: RealTrade) -> list[Trade]:
        """Fill the clients' orders that a real trade reaches, all of them together with no more than its size."""
        made: list[Trade] = []
        used = 0
        for position in self._waiting():
            order = position.order
            if order.is_bid != trade.hits_bids:
                continue
            if order.order_type == "GTD" and self._exchange.trading.expires_ms(order) <= trade.at_ms:
                continue
            beyond = order.book_price - trade.book_price if order.is_bid else trade.book_price - order.book_price
            if beyond < 0:
                continue
            reached = position.reached_by(trade.shares, through=beyond > 0, at_ms=trade.at_ms) - used
            shares = min(reached, order.open_size)
            if shares > 0:
                used += shares
                made.append(self._fill(order, shares))
        return made

    def reported(self, trade: RealTrade) -> Trade:
        """A real trade as the tape has it: between nobody of this exchange, and settled."""
        exchange = self._exchange
        taker = house_order(
            exchange,
            self._house,
            self.listing,
            is_bid=not trade.hits_bids,
            book_price=trade.book_price,
            size=trade.shares,
            mirrored=trade.outcome == 1,
            order_type="FAK",
        )
        digest = hashlib.sha256(f"{taker.id} {trade.at_ms}".encode()).hexdigest()
        return Trade(
            id=f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}",
            taker=taker,
            bucket_index=0,
            shares=trade.shares,
            cash=trade.shares * trade.price // UNIT,
            price=trade.price,
            fee=0,
            makers=(),
            matched_at_ms=trade.at_ms,
            updated_at_ms=trade.at_ms,
            status="CONFIRMED",
            transaction_hash=trade.transaction_hash or "0x" + digest,
        )

    # -- clients' orders ---------------------------------------------------------------------------------------------

    def on_event(self, event: ExchangeEvent) -> None:
        """Know the clients' orders; it hears of each before it trades, waits or rests."""
        if isinstance(event, OrderChanged) and event.kind == "PLACEMENT" and event.order.owner:
            self._arrived.append(event.order)

    def ahead_of(self, order_id: str) -> int | None:
        """The real size before a client's order; None when it does not rest."""
        self._waiting()
        position = self._queue.get(order_id)
        return position.ahead if position else None

    def resume(self, order: Order, ahead: int | None) -> None:
        """Know an order that has rested since before this book was followed.

        Without a remembered position it stands behind all that really rests at its price at the next snapshot.
        """
        self._arrived = [each for each in self._arrived if each is not order]
        self._queue[order.id] = QueuePosition(order, ahead)

    @property
    def waiting(self) -> list[Order]:
        """The clients' orders that rest, best price first, then oldest first."""
        return [position.order for position in self._waiting()]

    def _real_at(self, order: Order) -> int:
        return self._real(level_key(is_bid=order.is_bid, price=order.book_price))

    def _real(self, key: LevelKey) -> int:
        """The size elsewhere: what is displayed of it, and what was taken here."""
        book = self.listing.book
        displayed = book.bids.displayed_at(key) if key > 0 else book.asks.displayed_at(-key)
        standing = self._standing.get(key)
        if standing is not None:
            displayed += standing.open_size + standing.filled
        return displayed + self._taken.get(key, 0)

    def _waiting(self) -> list[QueuePosition]:
        """The orders that rest. One that has come to rest since the last call met the real book as it still is."""
        if self._arrived:
            for order in self._arrived:
                if order.open_size:
                    self._queue[order.id] = QueuePosition(order, self._real_at(order))
            self._arrived = [order for order in self._arrived if order.status == "DELAYED"]
        if not self._queue:
            return []
        self._queue = {order_id: each for order_id, each in self._queue.items() if each.order.open_size}
        return sorted(self._queue.values(), key=_priority)

    def _left_by_clients(
        self, changes: Iterable[tuple[LevelKey, int]], *, at_ms: int
    ) -> tuple[list[tuple[LevelKey, int]], list[Trade]]:
        """What of changed levels is left to display, after clients took it and their resting orders met it."""
        available: dict[LevelKey, int] = {}
        for key, real in dict(changes).items():
            if real == self._real(key):
                continue
            taken = min(self._taken.pop(key, 0), real)
            if taken:
                self._taken[key] = taken
            available[key] = real - taken
        waiting = self._waiting()
        for position in waiting:
            key = level_key(is_bid=position.order.is_bid, price=position.order.book_price)
            if key in available:
                position.level_is(available[key] + self._taken.get(key, 0), at_ms=at_ms)
        made = self._cross(waiting, available) if waiting else []
        return list(available.items()), made

    def _cross(self, waiting: list[QueuePosition], available: dict[LevelKey, int]) -> list[Trade]:
        """Orders that the real market now offers at their price or better trade with that offer, at their price."""
        made: list[Trade] = []
        highest = max((each.order.book_price for each in waiting if each.order.is_bid), default=0)
        lowest = min((each.order.book_price for each in waiting if not each.order.is_bid), default=UNIT)
        offers = sorted((key for key in available if (key >= lowest if key > 0 else -key <= highest)), key=abs)
        for position in waiting if offers else ():
            order = position.order
            for key in offers if order.is_bid else reversed(offers):
                if (key > 0) == order.is_bid or not available[key]:
                    continue
                if (-key > order.book_price) if order.is_bid else (key < order.book_price):
                    continue
                shares = min(available[key], order.open_size)
                if shares:
                    available[key] -= shares
                    self._taken[key] = self._taken.get(key, 0) + shares
                    made.append(self._fill(order, shares))
        return made

    def _fill(self, order: Order, shares: int) -> Trade:
        taker = house_order(
            self._exchange,
            self._house,
            self.listing,
            is_bid=not order.is_bid,
            book_price=order.book_price,
            size=shares,
            mirrored=order.outcome == 1,
            order_type="FAK",
        )
        return fill_resting(self._exchange, order, taker, shares)

    # -- house orders ------------------------------------------------------------------------------------------------

    def _stand_for(self, is_bid: bool, limit: int) -> None:
        """Rest house orders for what a side displays at `limit` or better."""
        exchange, listing = self._exchange, self.listing
        side = listing.book.bids if is_bid else listing.book.asks
        for key, size in side.displayed():
            price = abs(key)
            if (price < limit) if is_bid else (price > limit):
                break
            side.display(key, 0)
            order = house_order(
                exchange, self._house, listing, is_bid=is_bid, book_price=price, size=size, mirrored=False
            )
            rest_for(exchange, order, listing)
            self._standing[key] = order

    def _relieve(self) -> None:
        """Display again what house orders stand for, less what was taken off them."""
        book = self.listing.book
        for key, order in self._standing.items():
            if order.filled:
                self._taken[key] = self._taken.get(key, 0) + order.filled
            left = order.open_size
            if left:
                withdraw(self._exchange, order, self.listing)
                (book.bids if key > 0 else book.asks).display(key, left)
        self._standing.clear()


def _priority(position: QueuePosition) -> tuple[int, int]:
    order = position.order
    return (-order.book_price if order.is_bid else order.book_price, order.created_at_ms)
