"""Makes markets: rests a bid and an offer around what an outcome is worth, leaning against what it holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from ..identifiers import ConditionId
from ..models import Market, OrderBook, OrderSide, Outcome, PriceLevel, TradingSignal
from ..money import ceil_to_tick, floor_to_tick, round_down
from .decision import Adjustment, Decision, Quote, TargetQuotes
from .declaration import Declaration, Need, Parameter, Parameters
from .signals import nothing
from .strategy import ReadingStrategy
from .surroundings import Holdings, RewardTerms, Surroundings

_NOTHING = Decimal(0)
_EDGES = Decimal("0.03")
"""Nearer to 0 and 1 a market is nearly decided, and who still trades there knows more."""

_STEP = Decimal("1.25")
_SMOOTHING = Decimal("0.2")


@dataclass(slots=True)
class _Seen:
    """What the maker remembers of a market: the last midpoint, what it held, since when it stands aside."""

    midpoint: Decimal | None = None
    inventory: Decimal = _NOTHING
    aside_until: datetime | None = None


class MarketMakerStrategy(ReadingStrategy):
    """Quotes both sides, post-only, and takes everything back where the book is stale, jumps, or the end is near.

    What it is worth: the micro-price, shifted against the inventory by up to the half spread. A bid for the second
    outcome is the offer of the first, so that both sides can be quoted without holding anything.
    """

    declaration: ClassVar[Declaration] = Declaration(
        name="market_maker",
        summary=(
            "Rests a bid and an offer around the micro-price, never crossing the book, and moves both against what it "
            "holds, so that it earns the spread from both sides. Widens when prices run over its fills, narrows to "
            "earn liquidity rewards where the venue pays them. Takes its quotes back when the book is old, the price "
            "jumps or the market is about to be decided. Loses to whoever knows more."
        ),
        needs=frozenset({Need.BOOKS}),
        parameters=(
            Parameter(
                name="half_spread",
                meaning="distance of each quote from what the outcome is worth",
                default=Decimal("0.02"),
                low=Decimal("0.001"),
                high=Decimal("0.2"),
                unit="dollars a share",
                adjustable=True,
            ),
            Parameter(
                name="size",
                meaning="shares of each quote",
                default=Decimal(20),
                low=Decimal(5),
                high=Decimal(1_000_000),
                unit="shares",
            ),
            Parameter(
                name="most_inventory",
                meaning="shares of one outcome more than of the other at which one side is no longer quoted",
                default=Decimal(100),
                low=Decimal(5),
                high=Decimal(10_000_000),
                unit="shares",
            ),
            Parameter(
                name="stale_s",
                meaning="age of a book from which nothing is quoted on it",
                default=Decimal(30),
                low=Decimal(1),
                high=Decimal(86_400),
                unit="seconds",
            ),
            Parameter(
                name="jump",
                meaning="move of the midpoint between two looks after which it stands aside for a minute",
                default=Decimal("0.05"),
                low=Decimal("0.005"),
                high=Decimal("0.5"),
                unit="dollars a share",
            ),
            Parameter(
                name="hours_to_end",
                meaning="so long before the market's end nothing is quoted any more; 0 for until it closes",
                default=Decimal(1),
                low=Decimal(0),
                high=Decimal(720),
                unit="hours",
            ),
        ),
        every=timedelta(seconds=5),
        rests=True,
        most_markets=50,
    )

    def __init__(self, surroundings: Surroundings, parameters: Parameters) -> None:
        super().__init__(surroundings, parameters)
        self._rewards = surroundings.rewards
        self._seen: dict[ConditionId, _Seen] = {}
        self._run_over = _NOTHING  # dollars a share against what was held, averaged, the newest weighing most
        self._declared_half_spread = parameters["half_spread"]

    async def analyze_market(self, market: Market) -> TradingSignal:
        """A maker takes nothing: the signal says what it would quote, or why it would not."""
        holdings = await self._account.holdings()
        target = await self._target(market, holdings, _spendable(holdings, [market]))
        return nothing(market, market.outcomes[0], target.reason, now=target.as_of)

    async def decide(self, markets: Sequence[Market]) -> Decision:
        holdings = await self._account.holdings()
        cash = _spendable(holdings, markets)
        targets = []
        for market in markets:
            target = await self._target(market, holdings, cash)
            cash -= sum((_cost(quote) for quote in target.quotes), _NOTHING)
            targets.append(target)
        return Decision(quotes=targets, adjustments=self._adjusted())

    async def _target(self, market: Market, holdings: Holdings, cash: Decimal) -> TargetQuotes:
        now, first = self._clock.now(), market.outcomes[0]
        shown = await self._quotes.book(first.token_id)
        # What it quoted itself says nothing about what the market is worth.
        book = without_orders(shown, holdings.resting, market) if shown is not None else None
        inventory = self._inventory(market, holdings)
        reason = self._why_not(market, book, inventory, now)
        if reason or book is None or book.micro_price is None:
            return TargetQuotes(market.condition_id, (), None, reason, now)
        terms = await self._rewards(market) if self._rewards is not None else None
        half = self._half_spread(terms)
        most = self._parameters["most_inventory"]
        lean = max(min(inventory / most, Decimal(1)), Decimal(-1)) * half
        centre = book.micro_price - lean
        size = max(self._parameters["size"], market.min_size, terms.min_size if terms else _NOTHING)
        quotes: list[Quote] = []
        for quote in (
            self._bid(market, book, holdings, centre - half, size) if inventory < most else None,
            self._offer(market, book, holdings, centre + half, size) if -inventory < most else None,
        ):
            if quote is None:
                continue
            if _cost(quote) <= cash:
                cash -= _cost(quote)
                quotes.append(quote)
        told = f"worth {centre:.4f} after leaning {-lean:+.4f} against {inventory} shares, half a spread of {half:.4f}"
        if not quotes:
            told = f"{told}: nothing can be quoted with the cash that is left"
        return TargetQuotes(market.condition_id, tuple(quotes), round(centre, 6), told, now)

    def _why_not(self, market: Market, book: OrderBook | None, inventory: Decimal, now: datetime) -> str:
        """Why nothing is quoted now, or nothing; it takes note of the market's midpoint and of what was filled."""
        seen = self._seen.setdefault(market.condition_id, _Seen())
        if book is None or book.midpoint is None or book.micro_price is None:
            return "the book has only one side, or none"
        before, seen.midpoint = seen.midpoint, book.midpoint
        if before is not None:
            self._learn(seen, inventory, book.midpoint - before)
        seen.inventory = inventory
        if before is not None and abs(book.midpoint - before) >= self._parameters["jump"]:
            seen.aside_until = now + timedelta(minutes=1)
        if seen.aside_until is not None and now < seen.aside_until:
            return "the price has just jumped: standing aside for a minute"
        # A book that nobody changes is not old: what counts is when it was last told.
        age_s = (now - max(book.timestamp, book.received_at)).total_seconds()
        if age_s > self._parameters["stale_s"]:
            return f"the book is {age_s:.0f} s old"
        hours = self._parameters["hours_to_end"]
        if hours and market.end_date is not None and market.end_date - now < timedelta(hours=float(hours)):
            return f"the market ends in less than {hours} h"
        if not _EDGES <= book.midpoint <= 1 - _EDGES:
            return "the market is nearly decided"
        return ""

    def _learn(self, seen: _Seen, inventory: Decimal, moved: Decimal) -> None:
        """What the price did to what was bought before the last look, per share."""
        if seen.inventory:
            against = -moved if seen.inventory > 0 else moved
            self._run_over += _SMOOTHING * (against - self._run_over)

    def _adjusted(self) -> list[Adjustment]:
        """Widen by a quarter while prices run over what is held by more than half of what a quote earns; or narrow."""
        before, cost = self._parameters["half_spread"], self._run_over
        bounds = next(each for each in self.declaration.parameters if each.name == "half_spread")
        if cost > before / 2:
            after = min(before * _STEP, bounds.high)
        elif cost < before / 8 and before > self._declared_half_spread:
            after = max(before / _STEP, self._declared_half_spread)
        else:
            return []
        after = round(after, 6)
        if after == before:
            return []
        self._parameters["half_spread"] = after
        reason = f"after fills the price went {cost:.4f} dollars a share against what is held, on average"
        return [Adjustment("half_spread", before, after, reason, self._clock.now())]

    def _half_spread(self, terms: RewardTerms | None) -> Decimal:
        """As set; no wider than what earns rewards, where they are paid and what was learnt allows it."""
        half = self._parameters["half_spread"]
        if terms is None or half > self._declared_half_spread:
            return half
        return min(half, terms.max_spread)

    def _inventory(self, market: Market, holdings: Holdings) -> Decimal:
        """Shares of the first outcome beyond those of the second, which together pay a dollar whatever happens."""
        first, second = market.outcomes
        return holdings.of(first.token_id).shares - holdings.of(second.token_id).shares

    def _bid(self, market: Market, book: OrderBook, holdings: Holdings, price: Decimal, size: Decimal) -> Quote | None:
        """A bid for the first outcome: as the sale of the second where that is held, else as a purchase."""
        assert book.best_ask is not None  # there is a midpoint
        first, second = market.outcomes
        price = floor_to_tick(min(price, book.best_ask.price - book.tick), book.tick)
        return self._quote(market, first, second, holdings, price, size)

    def _offer(
        self, market: Market, book: OrderBook, holdings: Holdings, price: Decimal, size: Decimal
    ) -> Quote | None:
        """An offer of the first outcome: as its sale where it is held, else as a purchase of the second."""
        assert book.best_bid is not None  # there is a midpoint
        first, second = market.outcomes
        price = ceil_to_tick(max(price, book.best_bid.price + book.tick), book.tick)
        return self._quote(market, second, first, holdings, 1 - price, size)

    @staticmethod
    def _quote(
        market: Market, wanted: Outcome, other: Outcome, holdings: Holdings, price: Decimal, size: Decimal
    ) -> Quote | None:
        """Buy `wanted` at a price, or sell what is held of `other` at its complement, which is the same trade."""
        held = round_down(holdings.of(other.token_id).sellable, 2)
        if held >= market.min_size:
            return Quote(other.token_id, other.label, OrderSide.SELL, 1 - price, min(size, held))
        return Quote(wanted.token_id, wanted.label, OrderSide.BUY, price, size) if price > 0 else None


def without_orders(book: OrderBook, own: Sequence[Quote], market: Market) -> OrderBook:
    """The first outcome's book as others made it: orders on the second outcome rest in it as their complement."""
    sizes: dict[tuple[bool, Decimal], Decimal] = {}
    for order in own:
        if market.outcome_of(order.token_id) is None:
            continue
        first = order.token_id == book.token_id
        key = ((order.side is OrderSide.BUY) == first, order.price if first else 1 - order.price)
        sizes[key] = sizes.get(key, _NOTHING) + order.size
    if not sizes:
        return book

    def others(levels: Sequence[PriceLevel], *, bids: bool) -> tuple[PriceLevel, ...]:
        left = ((level.price, level.size - sizes.get((bids, level.price), _NOTHING)) for level in levels)
        return tuple(PriceLevel(price, size) for price, size in left if size > 0)

    return dataclasses.replace(book, bids=others(book.bids, bids=True), asks=others(book.asks, bids=False))


def _cost(quote: Quote) -> Decimal:
    return quote.price * quote.size if quote.side is OrderSide.BUY else _NOTHING


def _spendable(holdings: Holdings, markets: Sequence[Market]) -> Decimal:
    """Cash, and what its quotes in these markets hold back: they make room for the new ones."""
    tokens = {outcome.token_id for market in markets for outcome in market.outcomes}
    return holdings.cash + sum((_cost(each) for each in holdings.resting if each.token_id in tokens), _NOTHING)
