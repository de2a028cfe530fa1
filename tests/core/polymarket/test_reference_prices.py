"""Prices of coins over real sockets: what is kept, for how long, and what is said when there are none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.server import ServerConnection

from polydesk.core.clock import ManualClock, unix_ms
from polydesk.core.errors import VenueUnavailable
from polydesk.core.models import PricePoint
from polydesk.core.polymarket import reference_prices
from polydesk.core.polymarket.reference_prices import FollowedReferencePrices
from polydesk.core.polymarket.wire.stream_reference_prices import parse_reference_prices
from polydesk.core.storage.price_file import PriceFile

if TYPE_CHECKING:
    from tests.core.polymarket.conftest import ScriptedChannel

MINUTE = timedelta(minutes=1)


def frame(kind: str, payload: dict[str, Any], *, topic: str = "crypto_prices") -> str:
    return json.dumps({"topic": topic, "type": kind, "timestamp": 1767225600000, "payload": payload})


def now_frame(price: Any, at: datetime, *, symbol: str = "btcusdt") -> str:
    return frame("update", {"symbol": symbol, "timestamp": unix_ms(at), "value": price})


def history_frame(prices: Sequence[float], until: datetime, *, step: timedelta = MINUTE) -> str:
    first = until - (len(prices) - 1) * step
    data = [{"timestamp": unix_ms(first + number * step), "value": price} for number, price in enumerate(prices)]
    return frame("subscribe", {"symbol": "btcusdt", "data": data})


def followed(channel: ScriptedChannel, clock: ManualClock, file: Path | None = None) -> FollowedReferencePrices:
    return FollowedReferencePrices(
        channel.environment, clock=clock, random=Random(5), file=PriceFile(file) if file else None
    )


async def told(followed: FollowedReferencePrices, channel: ScriptedChannel, *frames: str) -> list[Decimal]:
    """What is answered about BTC after the first connection has said something."""
    asking = asyncio.create_task(followed.prices("BTC"))
    connection: ServerConnection = await channel.opened.get()
    for each in frames:
        await connection.send(each)
    return [point.price for point in await asking]


async def test_nothing_is_opened_before_somebody_asks_and_the_first_frame_has_the_past(
    channel: ScriptedChannel, clock: ManualClock
) -> None:
    prices = followed(channel, clock)
    assert await prices.prices("DOGE") == ()
    assert channel.paths == []
    found = await told(prices, channel, history_frame([100, 101.5, 102], clock.now()))
    assert found == [Decimal(100), Decimal("101.5"), Decimal(102)]
    assert channel.paths == ["/ws/live-data"]
    hello = json.loads(await channel.heard.get())
    assert hello == {
        "action": "subscribe",
        "subscriptions": [
            {"topic": "crypto_prices", "type": "update", "filters": "btcusdt,ethusdt,solusdt,xrpusdt"},
        ],
    }
    await prices.aclose()


async def test_one_price_a_minute_is_kept_for_a_week(channel: ScriptedChannel, clock: ManualClock) -> None:
    prices, now = followed(channel, clock), clock.now().replace(second=30, microsecond=0)
    old = now_frame(1, now - timedelta(days=7, minutes=1))
    ahead = now_frame(9, now + timedelta(hours=1))
    same = [now_frame(price, now + timedelta(seconds=number)) for number, price in enumerate((50, 51, 52))]
    late = now_frame(40, now - timedelta(seconds=5))
    await told(prices, channel, old, ahead, now_frame(49, now - MINUTE), *same, late)
    await clock.advance(40)
    for _ in range(500):
        found = [point.price for point in await prices.prices("BTC")]
        if found == [Decimal(49), Decimal(52)]:
            break
        await asyncio.sleep(0.01)
    assert found == [Decimal(49), Decimal(52)]
    await prices.aclose()


async def test_what_was_heard_outlives_the_process(
    channel: ScriptedChannel, clock: ManualClock, tmp_path: Path
) -> None:
    file = tmp_path / "desk" / "prices.txt"
    first = followed(channel, clock, file)
    await told(first, channel, history_frame([100, 101, 102], clock.now()))
    await first.aclose()
    with file.open("a") as damaged:
        damaged.write("BTC 17672\nBTC x 5\nBTC 1767225600 NaN\nBTC 1767225600 -1\nBTC 999")

    await clock.advance(600)
    again = followed(channel, clock, file)
    found = await told(again, channel, now_frame(110, clock.now()))
    assert found == [Decimal(100), Decimal(101), Decimal(102), Decimal(110)]
    await again.aclose()
    assert list({point.at: point.price for _, point in PriceFile(file).read()}.values()) == found

    await clock.advance(8 * 86_400)
    much_later = followed(channel, clock, file)
    assert await told(much_later, channel, now_frame(120, clock.now())) == [Decimal(120)]
    await much_later.aclose()


async def test_a_folder_that_cannot_be_written_costs_only_the_memory_of_it(
    channel: ScriptedChannel, clock: ManualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "desk").write_text("no folder")
    prices = followed(channel, clock, tmp_path / "desk" / "prices.txt")
    assert await told(prices, channel, now_frame(100, clock.now())) == [Decimal(100)]
    assert "kept in memory only" in caplog.text
    await prices.aclose()


async def test_a_price_that_is_minutes_old_is_no_price_of_now(
    channel: ScriptedChannel, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_prices, "_ANSWER_WITHIN_S", 0.05)
    prices = followed(channel, clock)
    with pytest.raises(VenueUnavailable, match="tells no price of BTC"):
        await prices.prices("BTC")
    connection = await channel.opened.get()
    await connection.send(now_frame(100, clock.now()))
    async with asyncio.timeout(5):
        while True:
            try:
                assert len(await prices.prices("BTC")) == 1
                break
            except VenueUnavailable:
                continue
    await clock.advance(180)
    with pytest.raises(VenueUnavailable):
        await prices.prices("BTC")
    await prices.aclose()


@pytest.mark.parametrize(
    "damaged",
    [
        "not json",
        "[]",
        frame("update", {"symbol": "btcusdt", "timestamp": 1767225600000, "value": -5}),
        frame("update", {"symbol": "btcusdt", "value": 5}),
        frame("update", {"symbol": "btcusdt", "timestamp": 0, "value": 5}),
        frame("update", {"symbol": "btcusdt", "timestamp": 10**40, "value": 5}),
        frame("subscribe", {"symbol": "btcusdt", "data": 5}),
        json.dumps({"topic": "crypto_prices", "payload": None}),
        frame("update", {"symbol": "btcusdt", "timestamp": 1767225600000, "value": "NaN"}),
        frame("comment_created", {"body": "hello"}, topic="comments"),
    ],
)
async def test_what_cannot_be_read_is_passed_over(channel: ScriptedChannel, clock: ManualClock, damaged: str) -> None:
    prices = followed(channel, clock)
    found = await told(prices, channel, damaged, now_frame("100.25", clock.now(), symbol="BTCUSDT"))
    assert found == [Decimal("100.25")]
    await prices.aclose()


def test_points_of_a_history_are_put_in_order(clock: ManualClock) -> None:
    rows = [{"timestamp": 1767225660000, "value": 2}, {"timestamp": 1767225600000, "value": 1}]
    update = parse_reference_prices({"topic": "crypto_prices", "payload": {"symbol": "BTCUSDT", "data": rows}})
    assert update is not None
    assert (update.symbol, [point.price for point in update.points]) == ("btcusdt", [Decimal(1), Decimal(2)])
    assert all(isinstance(point, PricePoint) for point in update.points)
