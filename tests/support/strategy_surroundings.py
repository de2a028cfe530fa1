"""Surroundings that a test fills by hand."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from polydesk.core.clock import ManualClock
from polydesk.core.identifiers import ConditionId, OrderId, TokenId, TradeId
from polydesk.core.models import Market, OrderBook, PriceHistory, PricePoint, Trade, TradeStatus, TradingSignal
from polydesk.core.strategies.decision import Basket, Quote, TargetQuotes
from polydesk.core.strategies.registry import strategy_class
from polydesk.core.strategies.strategy import PolymarketStrategy
from polydesk.core.strategies.surroundings import BasketResult, Holding, Holdings, QuotesKept, RewardTerms, Surroundings

D = Decimal


@dataclass
class Surrounded:
    """Books, holdings and histories of a test, and what was executed. Everything fills at once."""

    now: datetime
    books: dict[TokenId, OrderBook] = field(default_factory=dict)
    histories: dict[TokenId, Sequence[PricePoint]] = field(default_factory=dict)
    held: dict[TokenId, Holding] = field(default_factory=dict)
    cash: Decimal = Decimal(1000)
    event: Sequence[Market] = ()
    terms: RewardTerms | None = None
    resting: Sequence[Quote] = ()
    executed: list[TradingSignal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock(self.now)

    async def book(self, token_id: TokenId) -> OrderBook | None:
        return self.books.get(token_id)

    async def history(self, token_id: TokenId) -> PriceHistory:
        return PriceHistory(token_id, tuple(self.histories.get(token_id, ())), self.clock.now())

    async def holdings(self) -> Holdings:
        return Holdings(self.cash, self.held, resting=self.resting)

    async def execute(self, signal: TradingSignal) -> Trade:
        self.executed.append(signal)
        return Trade(
            TradeId("t"),
            OrderId("o"),
            signal.price,
            signal.size,
            signal.as_of,
            signal.market_id,
            signal.token_id,
            signal.side,
            signal.outcome,
            TradeStatus.CONFIRMED,
            is_taker=True,
        )

    async def execute_basket(self, basket: Basket) -> BasketResult:
        return BasketResult(tuple([await self.execute(leg) for leg in basket.legs]), basket.legs[0].size)

    async def keep_quotes(self, targets: Sequence[TargetQuotes]) -> QuotesKept:
        return QuotesKept(placed=sum(len(each.quotes) for each in targets))

    async def withdraw(self, market_id: ConditionId | None = None) -> int:
        return 0

    def strategy(self, name: str, parameters: Mapping[str, Any] | None = None) -> PolymarketStrategy:
        async def event_markets(market: Market) -> Sequence[Market]:
            return self.event

        async def rewards(market: Market) -> RewardTerms | None:
            return self.terms

        kind = strategy_class(name)
        around = Surroundings(
            clock=self.clock,
            random=random.Random(1),
            quotes=self,
            siblings=event_markets,
            event_markets=event_markets,
            account=self,
            execution=self,
            rewards=rewards,
        )
        return kind.of(around, kind.declaration.read_parameters(parameters or {}))
