"""Backtests: events per second of a strategy on recorded books, beside polymarket-paper-trader's own backtester.

The recording is the seconds of Bitcoin's quarter hours, looped. Ours plays every change of a level on the exchange, with
queue, own impact, fees and the whole way of an order. The other one is given the midpoints of the same moments, which
is all that it reads: it trades against three levels that it makes up around a midpoint, without fees.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from polydesk.core.backtest.present import Present
from polydesk.core.backtest.run import Run, run_strategy
from polydesk.core.clock import Clock
from polydesk.core.exchange.replay.recording import Recording
from polydesk.core.identifiers import ConditionId
from polydesk.core.models import Market, OrderSide, Trade, TradingSignal
from polydesk.core.strategies.decision import Decision
from polydesk.core.strategies.declaration import Declaration, Need
from polydesk.core.strategies.strategy import PolymarketStrategy
from polydesk.core.strategies.surroundings import Execution
from polydesk.server.replay_desk import replay_desk

DATA = Path(__file__).parents[2] / "shared" / "data" / "l2" / "btc_updown_15m_2026-09-28"
SAMPLE = Path(__file__).parents[1] / "tests" / "recordings" / "btc_updown_15m"
EVENTS = 2_000_000

WINDOW = 120
ENTRY = 0.12
SHARES = 10.0


class Breakout:
    """The rule of both sides: buy what has risen `ENTRY` above its mean of the last `WINDOW` midpoints, sell it when it
    falls below; once a market."""

    def __init__(self) -> None:
        self._prices: deque[float] = deque(maxlen=WINDOW)
        self._total = 0.0
        self._holds = False
        self._done = False

    def side(self, midpoint: float) -> str | None:
        """ "buy", "sell" or None, after one more midpoint."""
        if self._done:
            return None
        prices = self._prices
        if len(prices) == WINDOW:
            self._total -= prices[0]
        prices.append(midpoint)
        self._total += midpoint
        if len(prices) < WINDOW:
            return None
        mean = self._total / WINDOW
        if not self._holds and midpoint > mean + ENTRY:
            self._holds = True
            return "buy"
        if self._holds and midpoint < mean:
            self._holds, self._done = False, True
            return "sell"
        return None


class BreakoutStrategy(PolymarketStrategy):
    """The rule as a strategy of the desk: it looks at the midpoint, and at the whole book when it trades.

    With `whole_books` it reads the whole book each time, as strategies do that weigh depth.
    """

    declaration: ClassVar[Declaration] = Declaration(
        name="breakout", summary="Follows a break out of the mean.", needs=frozenset({Need.BOOKS})
    )

    def __init__(self, execution: Execution, present: Present, clock: Clock, *, whole_books: bool) -> None:
        super().__init__(execution)
        self._present = present
        self._clock = clock
        self._whole_books = whole_books
        self._rules: dict[ConditionId, Breakout] = {}
        self._held: dict[ConditionId, Decimal] = {}

    async def execute_trade(self, signal: TradingSignal) -> Trade:
        trade = await super().execute_trade(signal)
        self._held[signal.market_id] = trade.size
        return trade

    async def analyze_market(self, market: Market) -> TradingSignal:
        raise NotImplementedError

    async def decide(self, markets: Sequence[Market]) -> Decision:
        signals = []
        for market in markets:
            token = market.outcomes[0].token_id
            if self._whole_books:
                book = await self._present.book(token)
                midpoint = None if book is None else book.midpoint
            else:
                midpoint = self._present.midpoint(token)
            rule = self._rules.get(market.condition_id)
            if rule is None:
                rule = self._rules[market.condition_id] = Breakout()
            if midpoint is not None and (side := rule.side(float(midpoint))) is not None:
                shares = Decimal(SHARES) if side == "buy" else self._held.get(market.condition_id, Decimal(0))
                if shares:
                    signals.append(await self._signal(market, OrderSide(side.upper()), shares))
        return Decision(signals=signals)

    async def _signal(self, market: Market, side: OrderSide, shares: Decimal) -> TradingSignal:
        outcome = market.outcomes[0]
        book = await self._present.book(outcome.token_id)
        assert book is not None
        level = book.best_ask if side is OrderSide.BUY else book.best_bid
        assert level is not None
        return TradingSignal(
            market_id=market.condition_id,
            token_id=outcome.token_id,
            outcome=outcome.label,
            side=side,
            verdict="buy" if side is OrderSide.BUY else "sell",
            fair_value=level.price,
            low=level.price,
            high=level.price,
            price=level.price,
            limit_price=level.price,
            edge=Decimal(0),
            size=shares,
            reason="breakout",
            as_of=self._clock.now(),
        )


async def ours(recording: Recording, *, whole_books: bool) -> tuple[float, int, Run]:
    """Seconds of a run without reading and opening, events played, and what happened."""
    async with replay_desk(recording, starting_balance=Decimal(10_000), seed=1) as (replay, _, execution):
        run = Run(Decimal(10_000))
        strategy = BreakoutStrategy(execution, replay.present, replay.clock, whole_books=whole_books)
        before = replay.events_played
        started = time.perf_counter()
        await run_strategy(strategy, replay, run, every=timedelta(milliseconds=1))
        return time.perf_counter() - started, replay.events_played - before, run
