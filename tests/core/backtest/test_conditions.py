"""What stands between a decision and its money: latency, queues, delays, settlement and its failure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from polydesk.core.backtest.conditions import INSTANT, Conditions
from polydesk.core.backtest.profit import Profit, profit_of
from polydesk.core.backtest.replay import Replay
from polydesk.core.errors import OrderError
from polydesk.core.exchange.replay.payloads import Recorded, take
from polydesk.core.exchange.replay.recording import Recording, recording_of
from polydesk.core.models import OrderSide, TimeInForce, TradeStatus
from polydesk.core.trading.intent import OrderIntent
from polydesk.server.replay_desk import ReplayDesk, replay_desk

D = Decimal
START = datetime(2026, 3, 1, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
MARKET = "0x" + "ab" * 32
YES, NO = "111", "222"
TERMS = {"c": MARKET, "mts": 0.01, "mos": 5, "t": [{"t": YES, "o": "Yes"}, {"t": NO, "o": "No"}]}

Levels = dict[str, int]


def book(after_ms: int, bids: Levels, asks: Levels) -> dict[str, Any]:
    return {
        "market": MARKET,
        "asset_id": YES,
        "timestamp": str(START_MS + after_ms),
        "bids": [{"price": price, "size": str(size)} for price, size in bids.items()],
        "asks": [{"price": price, "size": str(size)} for price, size in asks.items()],
    }


def trade(after_ms: int, side: str, price: str, size: int) -> dict[str, Any]:
    return {
        "event_type": "last_trade_price",
        "market": MARKET,
        "asset_id": YES,
        "timestamp": str(START_MS + after_ms),
        "side": side,
        "price": price,
        "size": str(size),
    }


def resolved(after_ms: int, winner: str) -> dict[str, Any]:
    return {
        "event_type": "market_resolved",
        "market": MARKET,
        "assets_ids": [YES, NO],
        "winning_asset_id": winner,
        "timestamp": str(START_MS + after_ms),
    }


def recording(*frames: dict[str, Any], terms: dict[str, Any] | None = None) -> Recording:
    found = Recorded()
    for frame in ({**TERMS, **(terms or {})}, *frames):
        take(frame, found)
    return recording_of(found)


@asynccontextmanager
async def planted(
    *frames: dict[str, Any], conditions: Conditions = INSTANT, terms: dict[str, Any] | None = None
) -> AsyncIterator[ReplayDesk]:
    async with replay_desk(
        recording(*frames, terms=terms), starting_balance=D(1000), seed=1, conditions=conditions
    ) as opened:
        yield opened


async def order(
    opened: ReplayDesk,
    side: OrderSide,
    price: str,
    size: int,
    *,
    time_in_force: TimeInForce = TimeInForce.FAK,
    post_only: bool = False,
) -> None:
    (market,) = opened.replay.markets
    intent = OrderIntent(
        market=market,
        outcome=market.outcomes[0],
        side=side,
        size=D(size),
        price=D(price),
        time_in_force=time_in_force,
        post_only=post_only,
    )
    with suppress(OrderError):  # what meets nothing is killed, and the venue says so
        await opened.desk.place(intent)


def advance(replay: Replay, after_ms: int) -> None:
    replay.advance_to(START + timedelta(milliseconds=after_ms))


def filled(replay: Replay) -> list[tuple[str, Decimal, Decimal]]:
    return [(each.trade.side.value, each.trade.price, each.trade.size) for each in replay.fills.fills()]


THIN = (book(0, {"0.40": 100}, {"0.42": 100}), book(40, {"0.44": 100}, {"0.46": 100}))


async def test_an_order_meets_the_book_that_is_there_when_it_arrives() -> None:
    for latency_ms, expected in ((0, [("BUY", D("0.42"), D(10))]), (39, [("BUY", D("0.42"), D(10))]), (40, [])):
        async with planted(*THIN, conditions=Conditions(latency_ms=latency_ms)) as opened:
            await order(opened, OrderSide.BUY, "0.42", 10)
            assert filled(opened.replay) == expected
            assert opened.replay.clock.now() == START + timedelta(milliseconds=2 * latency_ms)


async def test_a_cancel_on_its_way_does_not_stop_a_fill() -> None:
    frames = (book(0, {"0.40": 100}, {"0.42": 100}), trade(150, "SELL", "0.39", 50), book(900, {}, {}))
    for latency_ms, expected in ((0, []), (60, [("BUY", D("0.40"), D(10))])):
        async with planted(*frames, conditions=Conditions(latency_ms=latency_ms)) as opened:
            await order(opened, OrderSide.BUY, "0.40", 10, time_in_force=TimeInForce.GTC)
            advance(opened.replay, 120)
            await opened.desk.cancels.of([each.id for each in await opened.replay.venue.open_orders()])
            advance(opened.replay, 900)
            assert filled(opened.replay) == expected


async def test_a_resting_order_fills_only_after_what_was_there_before_it() -> None:
    frames = (
        book(0, {"0.40": 100}, {"0.42": 100}),
        trade(100, "SELL", "0.40", 100),
        trade(200, "SELL", "0.40", 4),
        book(300, {}, {}),
    )
    async with planted(*frames) as opened:
        await order(opened, OrderSide.BUY, "0.40", 10, time_in_force=TimeInForce.GTC, post_only=True)
        advance(opened.replay, 150)
        assert filled(opened.replay) == []
        advance(opened.replay, 250)
        assert filled(opened.replay) == [("BUY", D("0.40"), D(4))]


async def test_without_recorded_trades_a_resting_order_fills_when_offers_reach_it_and_never_beside_the_queue() -> None:
    frames = (
        book(0, {"0.40": 100}, {"0.42": 100}),
        book(100, {"0.40": 1}, {"0.41": 100}),  # all before it is gone, and nothing is offered at its price
        book(200, {"0.39": 100}, {"0.40": 6}),
    )
    async with planted(*frames, book(300, {}, {})) as opened:
        await order(opened, OrderSide.BUY, "0.40", 10, time_in_force=TimeInForce.GTC, post_only=True)
        advance(opened.replay, 150)
        assert filled(opened.replay) == []
        advance(opened.replay, 250)
        assert filled(opened.replay) == [("BUY", D("0.40"), D(6))]


async def test_a_fast_market_holds_takers_for_a_moment_where_its_delay_counts() -> None:
    for delays, expected in ((False, [("BUY", D("0.42"), D(10))]), (True, [])):
        async with planted(*THIN, conditions=Conditions(matching_delays=delays), terms={"itode": True}) as opened:
            await order(opened, OrderSide.BUY, "0.42", 10)
            assert filled(opened.replay) == expected


async def test_shares_can_be_sold_once_their_trade_is_mined() -> None:
    frames = (book(0, {"0.40": 100}, {"0.42": 100}), book(9000, {"0.40": 100}, {"0.42": 100}))
    async with planted(*frames, conditions=Conditions(mined_after_s=2, confirmed_after_s=3)) as opened:
        await order(opened, OrderSide.BUY, "0.42", 10)
        account = opened.replay.account
        assert (account.positions[YES].size if YES in account.positions else 0) == 0
        advance(opened.replay, 2000)
        assert account.positions[YES].size == 10_000_000
        assert [each.trade.status for each in opened.replay.fills.fills()] == [TradeStatus.MINED]
        await order(opened, OrderSide.SELL, "0.40", 10)
        advance(opened.replay, 9000)
        assert filled(opened.replay) == [("BUY", D("0.42"), D(10)), ("SELL", D("0.40"), D(10))]
        assert opened.replay.account.cash == 999_800_000


async def test_a_trade_that_never_settles_costs_nothing_and_is_counted() -> None:
    frames = (book(0, {"0.40": 100}, {"0.42": 100}), book(9000, {"0.40": 100}, {"0.42": 100}))
    async with planted(*frames, conditions=Conditions(settlement_failures=1.0, mined_after_s=1)) as opened:
        await order(opened, OrderSide.BUY, "0.42", 10)
        assert len(filled(opened.replay)) == 1
        advance(opened.replay, 9000)
        assert (filled(opened.replay), opened.replay.fills.failed) == ([], 1)
        assert opened.replay.account.cash == 1_000_000_000


def causes(replay: Replay) -> Profit:
    return profit_of(
        replay.fills.fills(), last_midpoint=replay.last_midpoint, worth=replay.worth_of, rewards=replay.rewards()
    )


async def test_a_maker_earns_the_spread_and_loses_what_prices_do() -> None:
    frames = (
        book(0, {"0.40": 100}, {"0.44": 100}),
        trade(100, "SELL", "0.40", 20),
        book(200, {"0.36": 100}, {"0.40": 100}),
        book(300, {"0.36": 100}, {"0.40": 100}),
    )
    async with planted(*frames) as opened:
        await order(opened, OrderSide.BUY, "0.41", 20, time_in_force=TimeInForce.GTC, post_only=True)
        advance(opened.replay, 300)
        # The midpoint was 0.42 when it had filled at 0.41, and is 0.38 at the end.
        told = causes(opened.replay)
        assert (told.spread, told.prices, told.fees, told.resolution) == (D("0.2"), D("-0.8"), D(0), D(0))
        assert told.total == D(20) * D("0.38") - D("8.2")


async def test_the_causes_of_a_sale_and_of_an_end_are_kept_apart() -> None:
    frames = (
        book(0, {"0.40": 100}, {"0.42": 100}),
        book(100, {"0.50": 100}, {"0.52": 100}),
        resolved(200, YES),
    )
    async with planted(*frames) as opened:
        await order(opened, OrderSide.BUY, "0.42", 20)
        advance(opened.replay, 150)
        await order(opened, OrderSide.SELL, "0.50", 5)
        advance(opened.replay, 5000)
        told = causes(opened.replay)
        assert (told.spread, told.fees) == (D("-0.25"), D(0))
        assert (told.prices, told.resolution) == (D("2.0"), D("7.35"))
        assert told.total == D(15) + D("2.5") - D("8.4")
        assert opened.replay.account.cash == 1_009_100_000


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        (INSTANT, "orders and answers take 0 ms each, the markets' own delays, trades settle at once"),
        (
            Conditions(latency_ms=50, matching_delays=False, mined_after_s=2, settlement_failures=0.015),
            "orders and answers take 50 ms each, no delays of the markets, trades settle 2 s after the match, "
            "1.5 % of them never",
        ),
    ],
)
def test_conditions_are_told(conditions: Conditions, told: str) -> None:
    assert conditions.told() == told


async def test_who_waits_in_a_replay_lets_the_time_pass() -> None:
    async with planted(*THIN) as opened:
        await opened.replay.clock.sleep(0.06)
        assert opened.replay.clock.now() == START + timedelta(milliseconds=60)
        assert opened.replay.next_at is None
