"""What a strategy is given: what it may read, what it holds, who executes, and time and chance."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from ..clock import Clock
from ..identifiers import ConditionId, TokenId
from ..models import Market, OrderBook, PriceHistory, PricePoint, Trade, TradingSignal
from ..news.news_source import NewsSource
from ..news.stance import NewsReadings, Question
from .decision import Basket, Quote, TargetQuotes

Siblings = Callable[[Market], Awaitable[Sequence[Market]]]
"""The markets of which at most one comes true with this one, as they are quoted now; none where nobody knows."""

EventMarkets = Callable[[Market], Awaitable[Sequence[Market]]]
"""All markets of a market's event, itself among them, as far as they are known."""

ReadNews = Callable[[Sequence[Question]], Awaitable[Sequence[NewsReadings]]]
"""Judges the items of many questions in one call; see NewsJudge.read_many."""


class Quotes(Protocol):
    """Books and prices as they are now."""

    async def book(self, token_id: TokenId) -> OrderBook | None: ...

    async def history(self, token_id: TokenId) -> PriceHistory: ...


class ReferencePrices(Protocol):
    """Prices of what markets are about, e.g. BTC in dollars."""

    async def prices(self, symbol: str) -> Sequence[PricePoint]:
        """Up to now, oldest first; empty for a symbol nobody knows."""
        ...


@dataclass(frozen=True, slots=True)
class RewardTerms:
    """What a market's liquidity programme asks: quotes within `max_spread` dollars of the midpoint, of `min_size`."""

    max_spread: Decimal
    min_size: Decimal


Rewards = Callable[[Market], Awaitable[RewardTerms | None]]
"""The programme of a market, None where it pays nothing."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares of an outcome, what they cost with fees, and how many of them have settled and can be sold."""

    shares: Decimal
    cost: Decimal
    sellable: Decimal


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a strategy has bought itself, whatever else its account holds, and the dollars it may still stake.

    `profit` is what its trades have brought by now, with what it holds at the prices of now. `resting` are its orders
    on the book, with what is left of each; what they may cost is no part of `cash`. `earned` is the profit market by
    market.
    """

    cash: Decimal
    by_token: Mapping[TokenId, Holding]
    profit: Decimal = Decimal(0)
    resting: Sequence[Quote] = ()
    earned: Mapping[ConditionId, Decimal] = field(default_factory=dict)

    def of(self, token_id: TokenId) -> Holding:
        """What is held of an outcome; nothing of one that was never bought."""
        return self.by_token.get(token_id, _NOTHING)


_NOTHING = Holding(Decimal(0), Decimal(0), Decimal(0))


class StrategyAccount(Protocol):
    """A strategy's own part of an account."""

    async def holdings(self) -> Holdings: ...


@dataclass(frozen=True, slots=True)
class QuotesKept:
    """What came of target quotes: how many rest as before, were placed, were taken back, and codes of those refused."""

    kept: int = 0
    placed: int = 0
    cancelled: int = 0
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BasketResult:
    """The trades of a basket, in the order of its legs as far as it came, and why it ended before the last one.

    `shares` are complete sets; what was bought beyond them is held, and the strategy sees it at its next look.
    """

    trades: tuple[Trade, ...]
    shares: Decimal
    problem: str = ""


class Execution(Protocol):
    """Where decisions become orders: the desk of a venue, whether that is live or a recording of the past."""

    async def execute(self, signal: TradingSignal) -> Trade:
        """Order what a signal says, once, and answer what has filled of it by now as one trade.

        The trade's size is 0 while nothing has filled. Raises InputRejected and RiskRefused (nothing was sent),
        OrderError (the venue said no), VenueUnavailable (nothing was sent) and OutcomeUnknown (it may have acted; the
        desk finds out, and refuses the market until it has).
        """
        ...

    async def execute_basket(self, basket: Basket) -> BasketResult:
        """Take the legs one after the other, each for what the ones before it have filled.

        A leg that fails ends the basket, and is told of as its `problem`. Raises nothing that execute raises after
        the first leg.
        """
        ...

    async def keep_quotes(self, targets: Sequence[TargetQuotes]) -> QuotesKept:
        """Have exactly the target quotes rest in their markets: others of the strategy's there are taken back first.

        An order that rests at a quote's price keeps its place in the queue, unless little of it is left. Refusals are
        counted, not raised. Raises VenueUnavailable and OutcomeUnknown of the reads and the cancels.
        """
        ...

    async def withdraw(self, market_id: ConditionId | None = None) -> int:
        """Take back every resting order of the strategy's, in one market or in all; answers how many."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything around a strategy. `news`, `read_news`, `reference` and `rewards` are None where there are none."""

    clock: Clock
    random: random.Random
    quotes: Quotes
    siblings: Siblings
    event_markets: EventMarkets
    account: StrategyAccount
    execution: Execution
    news: NewsSource | None = None
    read_news: ReadNews | None = None
    reference: ReferencePrices | None = None
    rewards: Rewards | None = None
