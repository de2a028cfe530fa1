"""Each look at the fills asks only for what may be new, and nothing is missed."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from decimal import Decimal

from polydesk.core.clock import ManualClock
from polydesk.core.identifiers import ConditionId, OrderId, TokenId, TradeId
from polydesk.core.models import OrderSide, Trade, TradeStatus
from polydesk.core.venues.trade_log import TradeLog


def fill(number: int, at: datetime, status: TradeStatus = TradeStatus.CONFIRMED, *, order: int = 1) -> Trade:
    return Trade(
        id=TradeId(f"t{number}"),
        order_id=OrderId(f"o{order}"),
        price=Decimal("0.5"),
        size=Decimal(10),
        timestamp=at,
        market_id=ConditionId("m"),
        token_id=TokenId("1"),
        side=OrderSide.BUY,
        outcome="Yes",
        status=status,
        is_taker=True,
    )


class Venue:
    """Answers with the fills matched after a moment, and remembers which moments were asked for."""

    def __init__(self, *fills: Trade) -> None:
        self.fills = list(fills)
        self.asked: list[datetime | None] = []

    async def after(self, moment: datetime | None) -> tuple[Trade, ...]:
        self.asked.append(moment)
        return tuple(each for each in reversed(self.fills) if moment is None or each.timestamp > moment)


async def test_settled_fills_are_not_asked_for_again(now: datetime) -> None:
    venue = Venue(*(fill(number, now + timedelta(minutes=number)) for number in range(30)))
    log = TradeLog(venue.after, ManualClock(now))
    assert await log.trades() == tuple(venue.fills)
    venue.fills.append(fill(30, now + timedelta(minutes=30)))
    assert await log.trades() == tuple(venue.fills)
    assert venue.asked == [None, now + timedelta(minutes=27)]


async def test_a_long_look_back_is_taken_now_and_then_and_a_short_one_otherwise(now: datetime) -> None:
    clock, venue = ManualClock(now), Venue(fill(1, now))
    log = TradeLog(venue.after, clock)
    for _ in range(5):
        await log.trades()
        await clock.advance(10)
    short, deep = now - timedelta(seconds=2), now - timedelta(minutes=2)
    assert venue.asked == [None, deep, short, short, deep]


async def test_a_fill_is_asked_for_until_it_is_settled_however_old(now: datetime) -> None:
    venue = Venue(fill(1, now, TradeStatus.RETRYING), fill(2, now + timedelta(hours=1)))
    log = TradeLog(venue.after, ManualClock(now))
    await log.trades()
    venue.fills[0] = dataclasses.replace(venue.fills[0], status=TradeStatus.FAILED)
    assert [each.status for each in await log.trades()] == [TradeStatus.FAILED, TradeStatus.CONFIRMED]
    await log.trades()
    assert venue.asked == [None, now - timedelta(minutes=2), now + timedelta(minutes=60, seconds=-2)]


async def test_fills_of_one_trade_by_several_orders_are_all_kept(now: datetime) -> None:
    venue = Venue(fill(1, now, order=1), fill(1, now, order=2))
    assert len(await TradeLog(venue.after, ManualClock(now)).trades()) == 2


async def test_a_fill_listed_late_is_found(now: datetime) -> None:
    venue = Venue(fill(1, now))
    log = TradeLog(venue.after, ManualClock(now))
    await log.trades()
    venue.fills.insert(0, fill(2, now - timedelta(minutes=1)))
    assert len(await log.trades()) == 2


async def test_every_fill_is_counted_once_and_one_that_fails_once_more(now: datetime) -> None:
    pending = fill(1, now, TradeStatus.MATCHED)
    venue = Venue(pending, fill(2, now))
    log = TradeLog(venue.after, ManualClock(now))
    for _ in range(3):
        await log.trades()
    bought = log.totals.by_side[OrderSide.BUY]
    assert (bought.fills, bought.shares, bought.dollars, bought.failed) == (2, Decimal(20), Decimal(10), 0)
    venue.fills[0] = dataclasses.replace(pending, status=TradeStatus.FAILED)
    for _ in range(2):
        await log.trades()
    assert (bought.fills, bought.failed) == (2, 1)
    assert log.totals.by_side[OrderSide.SELL].fills == 0
