"""Every recording is labelled by what it holds, and says how orders fill in it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from polydesk.core.backtest.bars import BarAssumptions
from polydesk.core.backtest.fidelity import faithful
from polydesk.core.exchange.replay.moments import BookMoment
from polydesk.core.exchange.replay.payloads import Recorded, take
from polydesk.core.exchange.replay.recording import Recording, recording_of
from polydesk.core.models import OrderSide, TimeInForce
from polydesk.core.trading.intent import OrderIntent
from polydesk.server.replay_desk import replay_desk

D = Decimal
START_MS = 1_772_323_200_000
MARKET = "0x" + "cd" * 32
TERMS = {"c": MARKET, "mts": 0.01, "mos": 5, "t": [{"t": "1", "o": "Yes"}, {"t": "2", "o": "No"}]}
BOOK = {"market": MARKET, "asset_id": "1", "timestamp": str(START_MS), "bids": [], "asks": []}


def trade(after_ms: int, price: str, *, token: str = "1", side: str = "SELL", size: str = "2000") -> dict[str, Any]:
    return {
        "event_type": "last_trade_price",
        "market": MARKET,
        "asset_id": token,
        "timestamp": str(START_MS + after_ms),
        "side": side,
        "price": price,
        "size": size,
    }


def recorded(*frames: dict[str, Any]) -> Recording:
    found = Recorded()
    for frame in (TERMS, *frames):
        take(frame, found)
    return recording_of(found)


@pytest.mark.parametrize(
    ("frames", "label", "rule"),
    [
        ((BOOK, trade(5, "0.4")), "l2", "recorded books and trades: "),
        ((BOOK,), "l2", "fills only when the other side offers at its price or better"),
        ((trade(5, "0.4"),), "trades", "half a spread of 0.01 dollars on each side with 500 dollars"),
    ],
)
def test_a_recording_is_labelled_by_what_it_holds(frames: tuple[dict[str, Any], ...], label: str, rule: str) -> None:
    _, fidelity, told = faithful(recorded(*frames), BarAssumptions())
    assert fidelity == label
    assert rule in told


def test_trades_of_either_outcome_stand_in_one_book() -> None:
    recording, _, _ = faithful(recorded(trade(0, "0.40"), trade(5, "0.55", token="2", side="BUY")), BarAssumptions())
    books = [(moment.bids, moment.asks) for moment in recording.moments if isinstance(moment, BookMoment)]
    assert [(set(bids), set(asks)) for bids, asks in books] == [({3900}, {4100}), ({4400}, {4600})]
    assert books[0][0] == {3900: 1_282_050_000}


async def test_where_only_trades_were_recorded_a_resting_order_waits_behind_the_stated_depth() -> None:
    frames = (trade(0, "0.40"), trade(100, "0.39"), trade(200, "0.39"), trade(300, "0.38"), trade(400, "0.50"))
    recording, _, _ = faithful(recorded(*frames), BarAssumptions())
    async with replay_desk(recording, starting_balance=D(1000), seed=1) as (replay, desk, _):
        (market,) = replay.markets
        intent = OrderIntent(
            market=market,
            outcome=market.outcomes[0],
            side=OrderSide.BUY,
            size=D(10),
            price=D("0.39"),
            time_in_force=TimeInForce.GTC,
            post_only=True,
        )
        await desk.place(intent)
        start, shares = replay.clock.now(), []
        for after_ms in (50, 150, 450):
            replay.advance_to(start + timedelta(milliseconds=after_ms))
            shares.append(sum(fill.trade.size for fill in replay.fills.fills()))
    # 1,282.05 shares were there first: the first 2,000 at 0.39 get past them.
    assert shares == [0, 10, 10]
