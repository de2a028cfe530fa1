"""Recorded books under a strategy: reads from memory are those of the wire, and a run is the same each time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest

from polydesk.core.backtest.replay import Replay
from polydesk.core.backtest.run import Run, run_strategy
from polydesk.core.exchange.replay.recording import Recording, read_recording
from polydesk.core.models import Market, OrderSide, TradingSignal
from polydesk.core.money import from_micro
from polydesk.core.strategies.decision import Decision
from polydesk.core.strategies.declaration import Declaration, Need
from polydesk.core.strategies.strategy import PolymarketStrategy
from polydesk.core.strategies.surroundings import Execution
from polydesk.server.replay_desk import replay_desk

D = Decimal
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="session")
def fall() -> Recording:
    """From 0.78 to 0.38 in 71 seconds, a snapshot a second."""
    return read_recording([Path(__file__).parents[2] / "recordings" / "btc_updown_15m" / "books.parquet"])


class SellsHigh(PolymarketStrategy):
    """Buys what heavy bids stand for, and sells all of it three looks later."""

    declaration: ClassVar[Declaration] = Declaration(
        name="sells_high", summary="Follows heavy bids.", needs=frozenset({Need.BOOKS})
    )

    def __init__(self, execution: Execution, replay: Replay) -> None:
        super().__init__(execution)
        self._replay = replay
        self._held: dict[str, tuple[Decimal, int]] = {}
        self._looks: dict[str, int] = defaultdict(int)

    async def analyze_market(self, market: Market) -> TradingSignal:
        raise NotImplementedError

    async def decide(self, markets: Sequence[Market]) -> Decision:
        signals = [signal for market in markets if (signal := await self._signal(market)) is not None]
        return Decision(signals=signals)

    async def _signal(self, market: Market) -> TradingSignal | None:
        token = market.outcomes[0].token_id
        book = await self._replay.present.book(token)
        if book is None or book.best_bid is None or book.best_ask is None:
            return None
        self._looks[token] += 1
        shares, since = self._held.get(token, (D(0), 0))
        if shares and self._looks[token] >= since + 3:
            del self._held[token]
            return self._order(market, OrderSide.SELL, book.best_bid.price - D("0.05"), shares)
        if not shares and book.best_bid.size > book.best_ask.size:
            self._held[token] = (D(10), self._looks[token])
            return self._order(market, OrderSide.BUY, book.best_ask.price + D("0.05"), D(10))
        return None

    def _order(self, market: Market, side: OrderSide, price: Decimal, shares: Decimal) -> TradingSignal:
        return TradingSignal(
            market_id=market.condition_id,
            token_id=market.outcomes[0].token_id,
            outcome=market.outcomes[0].label,
            side=side,
            verdict="buy" if side is OrderSide.BUY else "sell",
            fair_value=price,
            low=price,
            high=price,
            price=price,
            limit_price=price,
            edge=D(0),
            size=shares,
            reason="weight",
            as_of=self._replay.clock.now(),
        )


async def test_a_book_read_from_memory_is_the_one_on_the_wire(fall: Recording) -> None:
    async with replay_desk(fall, starting_balance=D(1000), seed=1) as (replay, _, _):
        (market,) = replay.markets
        compared = 0
        while (at := replay.next_at) is not None:
            replay.advance_to(at)
            for outcome in market.outcomes if replay.present.open_markets() else ():
                mine, wire = await replay.present.book(outcome.token_id), await replay.venue.book(outcome.token_id)
                assert mine is not None
                assert wire is not None
                assert (mine.bids, mine.asks, mine.tick, mine.min_size) == (
                    wire.bids,
                    wire.asks,
                    wire.tick,
                    wire.min_size,
                )
                assert (mine.timestamp, mine.last_trade_price) == (wire.timestamp, wire.last_trade_price)
                compared += 1
    assert compared > 100


async def test_a_run_with_the_same_seed_is_the_same_to_the_millionth(fall: Recording) -> None:
    lived = []
    for _ in range(2):
        async with replay_desk(fall, starting_balance=D(1000), seed=3) as (replay, desk, execution):
            run = await run_strategy(SellsHigh(execution, replay), replay, Run(D(1000)), every=SECOND)
            journal = [
                (record.intent.side, record.intent.price, record.intent.size, record.order_id)
                for record in desk.journal.of_tokens("")
            ]
            lived.append((run.fills, run.equity, run.refused, journal, from_micro(replay.account.cash)))
    assert lived[0] == lived[1]
    assert {fill.trade.side for fill in lived[0][0]} == {OrderSide.BUY, OrderSide.SELL}


async def test_a_market_is_not_known_before_anything_is_recorded_of_it_nor_open_after_its_end(fall: Recording) -> None:
    async with replay_desk(fall, starting_balance=D(1000), seed=1) as (replay, _, _):
        began = datetime.fromtimestamp(fall.moments[0].at_ms / 1000, UTC)
        assert (replay.clock.now(), len(replay.present.open_markets())) == (began, 1)
        replay.advance_to(datetime.fromtimestamp(fall.moments[-1].at_ms / 1000, UTC) + SECOND)
        assert replay.present.open_markets() == ()
        assert await replay.present.book(replay.markets[0].outcomes[0].token_id) is None
