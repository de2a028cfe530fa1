"""A strategy living through recorded prices: by hand-computed profits, and blind to what came later."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from polydesk.core.backtest.no_skill import QuoteLog
from polydesk.core.backtest.performance import Performance, performance
from polydesk.core.backtest.replay import Replay
from polydesk.core.backtest.run import Run, run_strategy
from polydesk.core.models import Market, OrderSide, TradingSignal
from polydesk.core.money import from_micro
from polydesk.core.strategies.declaration import Declaration, Need
from polydesk.core.strategies.strategy import PolymarketStrategy
from polydesk.core.strategies.surroundings import Execution

D = Decimal
HOUR = timedelta(hours=1)


class BuyBelow(PolymarketStrategy):
    """Buys ten shares of the first outcome whenever they cost less than a price, and remembers what it saw."""

    declaration: ClassVar[Declaration] = Declaration(
        name="buy_below", summary="Buys what is cheap.", needs=frozenset({Need.BOOKS})
    )

    def __init__(self, execution: Execution, replay: Replay, price: str) -> None:
        super().__init__(execution)
        self._replay = replay
        self._price = D(price)
        self.saw: list[tuple[datetime, str, Any]] = []

    async def analyze_market(self, market: Market) -> TradingSignal:
        now, token = self._replay.clock.now(), market.outcomes[0].token_id
        book = await self._replay.present.book(token)
        history = await self._replay.present.history(token)
        assert book is not None
        ask = book.best_ask.price if book.best_ask else D(1)
        self.saw.append((now, market.question, (ask, tuple(point.price for point in history.points))))
        assert all(point.at <= now for point in history.points)
        buys = ask <= self._price
        return TradingSignal(
            market_id=market.condition_id,
            token_id=token,
            outcome="Yes",
            side=OrderSide.BUY,
            verdict="buy" if buys else "no_edge",
            fair_value=D("0.6"),
            low=D("0.6"),
            high=D("0.6"),
            price=ask,
            limit_price=ask,
            edge=D("0.6") - ask,
            size=D(10) if buys else D(0),
            reason="cheap" if buys else "dear",
            as_of=now,
        )


async def lived(
    open_replay: Callable[..., Any], *series: Any, price: str = "0.45", **assumed: str
) -> tuple[Run, Performance, BuyBelow, Decimal]:
    async with open_replay(*series, **assumed) as (replay, execution):
        run = Run(D(1000))
        strategy = BuyBelow(execution, replay, price)
        await run_strategy(strategy, replay, run, every=HOUR)
        return run, performance(run, replay, quotes=QuoteLog(), seed=1), strategy, from_micro(replay.account.cash)


async def test_profit_is_what_a_pencil_says(open_replay: Any, make_series: Any) -> None:
    # Asks are 0.51, 0.41, 0.61, 0.44: bought at 0.41 and 0.44, and each share pays a dollar.
    series = make_series(["0.50", "0.40", "0.60", "0.43"], won=True)
    run, judged, _, cash = await lived(open_replay, series)
    assert [(fill.trade.price, fill.trade.size) for fill in run.fills] == [(D("0.41"), D(10)), (D("0.44"), D(10))]
    assert run.profit == D(20) - D("4.1") - D("4.4") == D("11.5")
    assert cash == D("1011.5")
    assert (judged.profit.fees, judged.profit.spread, judged.profit.rewards) == (D(0), D("-0.2"), D(0))
    # From midpoints of 0.40 and 0.43 to the last one, 0.43, and from there to a dollar.
    assert (judged.profit.prices, judged.profit.resolution) == (D("0.3"), D("11.4"))
    assert dict(judged.by_market) == {"Will it rain?": D("11.5")}
    assert (judged.hit_rate, judged.markets_decided, judged.turnover) == (1.0, 1, D("8.5"))
    lost, _, _, cash = await lived(open_replay, dataclasses.replace(series, first_won=False))
    assert (lost.profit, cash) == (D("-8.5"), D("991.5"))


async def test_markets_with_equal_questions_are_two_markets(open_replay: Any, make_series: Any) -> None:
    wet, dry = (make_series(["0.40", "0.43"], key=key, won=key == "wet") for key in ("wet", "dry"))
    run, judged, _, _ = await lived(open_replay, wet, dry)
    assert all(name.startswith("Will it rain? [0x") for name in judged.by_market)
    assert sorted(judged.by_market.values()) == [D("-8.5"), D("11.5")]
    assert (judged.hit_rate, sum(judged.by_market.values())) == (0.5, run.profit)


async def test_fees_are_the_venues_and_the_ledger_agrees_to_the_millionth(open_replay: Any, make_series: Any) -> None:
    series = make_series(["0.40", "0.43"], won=True)
    run, judged, _, cash = await lived(open_replay, series, fee_rate="0.05")
    expected = [D(10) * D("0.05") * price * (1 - price) for price in (D("0.41"), D("0.44"))]
    assert [fill.fee for fill in run.fills] == expected
    assert cash == D(1000) + run.profit
    assert run.profit == D(20) - D("8.5") - sum(expected)
    assert sum(judged.by_market.values()) == run.profit


async def test_what_was_taken_is_gone_until_the_price_moves(open_replay: Any, make_series: Any) -> None:
    series = make_series(["0.40", "0.40", "0.40"])
    run, _, _, _ = await lived(open_replay, series, depth_usd="6")
    # 14.63 shares rest at 0.41: ten are taken, then the rest, and then there is nothing.
    assert [fill.trade.size for fill in run.fills] == [D(10), D("4.63")]


async def test_the_end_cannot_be_seen_before_it_comes(open_replay: Any, make_series: Any) -> None:
    prices = ["0.50", "0.40", "0.60", "0.43", "0.44"]
    seen = {}
    for won in (True, False, None):
        run, _, strategy, _ = await lived(open_replay, make_series(prices, won=won))
        seen[won] = (strategy.saw, [(fill.trade.timestamp, fill.trade.price, fill.trade.size) for fill in run.fills])
    assert seen[True] == seen[False] == seen[None]
    assert len(seen[True][0]) == len(prices)
    # The future changes nothing of the past either.
    longer = make_series([*prices, "0.90", "0.95"], won=True)
    _, _, strategy, _ = await lived(open_replay, longer)
    assert strategy.saw[: len(prices)] == seen[True][0]


async def test_a_refused_order_is_counted_and_the_run_goes_on(open_replay: Any, make_series: Any) -> None:
    dear = make_series(["0.40"] * 3, won=True)
    async with open_replay(dear) as (replay, execution):
        run, strategy = Run(D(1000)), BuyBelow(execution, replay, "0.45")
        analyse = strategy.analyze_market

        async def greedy(market: Market) -> TradingSignal:
            return dataclasses.replace(await analyse(market), size=D(100_000))

        strategy.analyze_market = greedy  # type: ignore[method-assign]
        await run_strategy(strategy, replay, run, every=HOUR)
    assert (len(run.fills), sum(run.refused.values()), run.looks) == (0, 3, 3)
    assert run.profit == 0


@pytest.mark.parametrize("hours", [1, 2])
async def test_looks_are_as_far_apart_as_asked(open_replay: Any, make_series: Any, hours: int) -> None:
    async with open_replay(make_series(["0.50"] * 7)) as (replay, execution):
        run, strategy = Run(D(1000)), BuyBelow(execution, replay, "0.1")
        await run_strategy(strategy, replay, run, every=hours * HOUR)
    moments: Sequence[datetime] = [at for at, _, _ in strategy.saw]
    assert {later - earlier for earlier, later in itertools.pairwise(moments)} == {hours * HOUR}
