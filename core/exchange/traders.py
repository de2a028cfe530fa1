"""Simulated traders: they keep prices moving around the recorded state and the books filled, through the same engine.

Every market has a fair value that only they know, as a gap between two neighbouring ticks. It wanders a few ticks
around the recorded middle. Bids of the house stay below the gap and asks above it, so that prices follow it.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ..money import to_micro
from .book import Order
from .ledger import Account
from .listing import Listing
from .rejections import Rejection
from .seeding import HOUSE, house_account, house_address, house_order
from .units import UNIT, price_units
from .venue import Exchange

_WANDER_TICKS = 3
_RETURN = 0.15
"""How much likelier, per tick of distance, a step leads back to the recorded middle."""
_QUOTE_TICKS = 3
_QUOTE_SHARES = (20, 400)
_TAKE_SHARES = (5, 120)


@dataclass(slots=True)
class FairValue:
    """The highest tick at which the house bids in one market, and where it began."""

    listing: Listing
    tick: int
    gap: int
    home: int

    def step(self, rng: random.Random) -> None:
        """Move by a tick, rather towards home, within a few ticks of it and of the legal prices."""
        offset = self.gap - self.home
        up = rng.random() < 0.5 - _RETURN * offset
        target = self.gap + (1 if up else -1)
        if abs(target - self.home) <= _WANDER_TICKS and 1 <= target <= UNIT // self.tick - 2:
            self.gap = target

    @property
    def best_bid(self) -> int:
        return self.gap * self.tick

    @property
    def best_ask(self) -> int:
        return (self.gap + 1) * self.tick


class Desk:
    """What the simulated traders share: the markets and their fair values."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._fair: dict[str, FairValue] = {}

    def pick(self, rng: random.Random) -> FairValue | None:
        """A market that trades, by chance."""
        open_now = [
            listing for listing in self.exchange.markets.listings if listing.accepting_orders and not listing.closed
        ]
        return self.fair_value(rng.choice(open_now)) if open_now else None

    def fair_value(self, listing: Listing) -> FairValue:
        """Of the market on its present tick; it starts at the recorded middle."""
        known = self._fair.get(listing.condition_id)
        if known is None or known.tick != listing.tick:
            gap = _middle_gap(listing)
            known = self._fair[listing.condition_id] = FairValue(listing, listing.tick, gap, gap)
        return known

    def send(
        self,
        account: Account,
        fair: FairValue,
        *,
        is_bid: bool,
        book_price: int,
        shares: int,
        rng: random.Random,
        take: bool,
    ) -> None:
        """Enter an order of a simulated trader; a refusal is its bad luck."""
        order = house_order(
            self.exchange,
            account,
            fair.listing,
            is_bid=is_bid,
            book_price=book_price,
            size=shares,
            mirrored=rng.random() < 0.5,
            order_type="FAK" if take else "GTC",
        )
        try:
            self.exchange.trading.enter(order)
        except Rejection:
            return


class SimulatedTrader(ABC):
    """One habit, acted out at random intervals around `mean_pause_s`. Runs until cancelled."""

    mean_pause_s = 1.0

    def __init__(self, desk: Desk, account: Account, rng: random.Random) -> None:
        self.desk = desk
        self.account = account
        self.rng = rng

    async def run(self) -> None:
        while True:
            await self.desk.exchange.clock.sleep(self.rng.expovariate(1 / self.mean_pause_s))
            self.act()

    def act(self) -> None:
        fair = self.desk.pick(self.rng)
        if fair is not None:
            self.trade(fair)

    @abstractmethod
    def trade(self, fair: FairValue) -> None:
        """Do one thing in this market."""

    def shares(self, bounds: tuple[int, int]) -> int:
        return to_micro(Decimal(self.rng.randint(*bounds)))


class Quoter(SimulatedTrader):
    """Moves the fair value and quotes around it; what it quoted before on the wrong side it takes back."""

    mean_pause_s = 1.5

    def trade(self, fair: FairValue) -> None:
        fair.step(self.rng)
        exchange = self.desk.exchange
        own = [
            order
            for order in exchange.registry.open_orders(self.account)
            if order.condition_id == fair.listing.condition_id
        ]
        exchange.trading.cancel_many(order for order in own if _wrong_side(order, fair) or self.rng.random() < 0.2)
        is_bid = self.rng.random() < 0.5
        depth = self.rng.randrange(_QUOTE_TICKS)
        price = fair.best_bid - depth * fair.tick if is_bid else fair.best_ask + depth * fair.tick
        if fair.tick <= price <= UNIT - fair.tick:
            shares = self.shares(_QUOTE_SHARES)
            self.desk.send(self.account, fair, is_bid=is_bid, book_price=price, shares=shares, rng=self.rng, take=False)


class Taker(SimulatedTrader):
    """Buys or sells a little at the best price."""

    mean_pause_s = 3.0

    def trade(self, fair: FairValue) -> None:
        is_bid = self.rng.random() < 0.5
        book = fair.listing.book
        best = book.asks.best if is_bid else book.bids.best
        if best is not None:
            shares = self.shares(_TAKE_SHARES)
            self.desk.send(self.account, fair, is_bid=is_bid, book_price=best, shares=shares, rng=self.rng, take=True)


class Keeper(SimulatedTrader):
    """The house: takes recorded depth off the wrong side of the fair value and puts it back once it fits again."""

    mean_pause_s = 1.0

    def trade(self, fair: FairValue) -> None:
        exchange = self.desk.exchange
        listing = fair.listing
        mine = [
            order for order in exchange.registry.open_orders(self.account) if order.condition_id == listing.condition_id
        ]
        wrong = [order for order in mine if _wrong_side(order, fair)]
        if wrong:
            exchange.trading.cancel_many(wrong)
            return
        missing = list(self._missing(mine, fair))
        if missing:
            is_bid, price, shares = self.rng.choice(missing[:5])
            self.desk.send(self.account, fair, is_bid=is_bid, book_price=price, shares=shares, rng=self.rng, take=False)

    def _missing(self, mine: list[Order], fair: FairValue) -> Iterator[tuple[bool, int, int]]:
        """Recorded levels that fit the fair value and lack size, the best of each side first."""
        resting: dict[tuple[bool, int], int] = {}
        for order in mine:
            key = (order.is_bid, order.book_price)
            resting[key] = resting.get(key, 0) + order.open_size
        recorded = fair.listing.recorded
        for is_bid, levels in ((True, recorded.bids), (False, recorded.asks)):
            for price, size in levels:
                place = price_units(price)
                fits = place <= fair.best_bid if is_bid else place >= fair.best_ask
                lack = to_micro(size) - resting.get((is_bid, place), 0)
                if fits and lack > 0:
                    yield is_bid, place, lack


def simulated_traders(exchange: Exchange) -> list[SimulatedTrader]:
    """One trader of each habit, each with an account and a generator of its own, seeded from the exchange's seed."""
    desk = Desk(exchange)
    seed = exchange.settings.seed
    house = exchange.accounts.open_account(house_address(exchange, HOUSE))
    return [
        Keeper(desk, house, random.Random(f"{seed} keeper")),
        Quoter(desk, house_account(exchange, "quoter"), random.Random(f"{seed} quoter")),
        Taker(desk, house_account(exchange, "taker"), random.Random(f"{seed} taker")),
    ]


def _wrong_side(order: Order, fair: FairValue) -> bool:
    return order.book_price > fair.best_bid if order.is_bid else order.book_price < fair.best_ask


def _middle_gap(listing: Listing) -> int:
    """The tick below the recorded middle; below the book's present middle or at half a dollar without a recording."""
    bids, asks = listing.recorded.bids, listing.recorded.asks
    if bids and asks:
        middle = (price_units(bids[0][0]) + price_units(asks[0][0])) // 2
    elif bids:
        middle = price_units(bids[0][0])
    elif asks:
        middle = price_units(asks[0][0]) - listing.tick
    else:
        middle = UNIT // 2
    return min(max(middle // listing.tick, 1), UNIT // listing.tick - 2)
