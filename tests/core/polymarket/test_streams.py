"""Streams over real sockets: what they say, what they understand, and how they come back."""

from __future__ import annotations

import asyncio
import json
import socket
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from polydesk.core.clock import ManualClock
from polydesk.core.errors import InputRejected
from polydesk.core.identifiers import Address, ConditionId, TokenId
from polydesk.core.models import OrderSide, TradeStatus
from polydesk.core.polymarket.credentials import ApiCredentials
from polydesk.core.polymarket.environments import environment_at
from polydesk.core.polymarket.event_queue import Gap
from polydesk.core.polymarket.stream_connection import StreamSettings
from polydesk.core.polymarket.streams import MarketStream, SportsStream, UserStream
from polydesk.core.polymarket.wire.stream_events import (
    BestBidAsk,
    BookSnapshot,
    GameUpdate,
    LastTrade,
    MarketEvent,
    MarketResolved,
    NewMarket,
    OrderUpdate,
    PriceChanges,
    TickSizeChange,
    TradeUpdate,
)

if TYPE_CHECKING:
    from tests.core.polymarket.conftest import ScriptedChannel

YES, NO, OTHER = TokenId("111"), TokenId("222"), TokenId("333")
CONDITION = ConditionId("0x" + "aa" * 32)
STAMP = "1767225600123"
CREDENTIALS = ApiCredentials("KEY", "the-secret", "the-phrase")


def book(token_id: str = YES) -> dict[str, Any]:
    return {
        "event_type": "book",
        "market": CONDITION,
        "asset_id": token_id,
        "timestamp": STAMP,
        "hash": "5c0a",
        "bids": [{"price": ".48", "size": "30"}, {"price": "0.49", "size": "20"}],
        "asks": [],
        "last_trade_price": "",
    }


def last_trade(price: str) -> dict[str, Any]:
    return {
        "event_type": "last_trade_price",
        "market": CONDITION,
        "asset_id": YES,
        "price": price,
        "size": "3",
        "side": "SELL",
        "timestamp": STAMP,
    }


def stream_of(channel: ScriptedChannel, clock: ManualClock, *tokens: TokenId, queue_size: int = 100) -> MarketStream:
    return MarketStream(
        channel.environment,
        tokens or (YES,),
        clock=clock,
        random=Random(5),
        settings=StreamSettings(queue_size=queue_size),
    )


async def until(condition: asyncio.Future[Any] | asyncio.Task[Any], clock: ManualClock) -> Any:
    """Let time pass until something that also needs sockets has happened."""
    while not condition.done():
        await clock.advance(0.25)
        await asyncio.wait([condition], timeout=0.01)
    return condition.result()


async def test_a_market_stream_says_hello_and_takes_arrays_and_objects(
    channel: ScriptedChannel, clock: ManualClock
) -> None:
    async with stream_of(channel, clock, NO, YES) as stream:
        connection = await channel.opened.get()
        assert channel.paths == ["/ws/market"]
        assert json.loads(await channel.heard.get()) == {
            "type": "market",
            "assets_ids": [YES, NO],
            "custom_feature_enabled": True,
        }
        await connection.send(json.dumps([book(YES), book(NO)]))
        await connection.send("PONG")
        await connection.send(json.dumps(last_trade("0.491")))
        first, second, third = await anext(stream), await anext(stream), await anext(stream)
        assert isinstance(first, BookSnapshot)
        assert [(level.price, level.size) for level in first.bids] == [
            (Decimal("0.49"), Decimal(20)),
            (Decimal("0.48"), Decimal(30)),
        ]
        assert (first.tick, first.last_trade_price, first.hash) == (None, None, "5c0a")
        assert first.timestamp == datetime.fromtimestamp(1767225600.123, UTC)
        assert isinstance(second, BookSnapshot)
        assert second.token_id == NO
        assert isinstance(third, LastTrade)
        assert (third.price, third.side) == (Decimal("0.491"), OrderSide.SELL)
        assert (stream.counts.frames, stream.counts.events) == (3, 3)
        assert stream.connected
        assert stream.last_frame_at == clock.now()


async def test_every_kind_of_market_event_is_typed(channel: ScriptedChannel, clock: ManualClock) -> None:
    common = {"market": CONDITION, "timestamp": STAMP}
    change = {"asset_id": YES, "price": "0.5", "size": "0", "side": "BUY", "hash": "h", "best_bid": "", "best_ask": "1"}
    frames = [
        {**common, "event_type": "price_change", "price_changes": [change, {**change, "side": "SELL", "size": "7"}]},
        {
            **common,
            "event_type": "tick_size_change",
            "asset_id": YES,
            "old_tick_size": "0.01",
            "new_tick_size": "0.001",
        },
        {**common, "event_type": "best_bid_ask", "asset_id": YES, "best_bid": "0", "best_ask": "1", "spread": "1"},
        {**common, "event_type": "new_market", "id": 7, "question": "Q?", "slug": "q", "assets_ids": [YES, NO]},
        {**common, "event_type": "market_resolved", "id": "7", "winning_asset_id": YES, "winning_outcome": "Yes"},
    ]
    async with stream_of(channel, clock) as stream:
        connection = await channel.opened.get()
        await connection.send(json.dumps(frames))
        changes, tick, best, new, resolved = [await anext(stream) for _ in frames]
    assert isinstance(changes, PriceChanges)
    assert [(level.side, level.size) for level in changes.changes] == [
        (OrderSide.BUY, Decimal(0)),
        (OrderSide.SELL, Decimal(7)),
    ]
    assert (changes.changes[0].best_bid, changes.changes[0].best_ask) == (None, Decimal(1))
    assert isinstance(tick, TickSizeChange)
    assert tick.new_tick == Decimal("0.001")
    assert isinstance(best, BestBidAsk)
    assert (best.best_bid, best.best_ask) == (None, None)
    assert isinstance(new, NewMarket)
    assert (new.market_id, new.token_ids) == ("7", (YES, NO))
    assert isinstance(resolved, MarketResolved)
    assert resolved.winning_token_id == YES


async def test_what_cannot_be_understood_is_counted_and_survived(channel: ScriptedChannel, clock: ManualClock) -> None:
    async with stream_of(channel, clock) as stream:
        connection = await channel.opened.get()
        await connection.send("not json")
        await connection.send(json.dumps({"event_type": "weather"}))
        await connection.send(json.dumps(["a string", {"event_type": "book"}]))
        await connection.send(json.dumps({"event_type": "price_change", "market": CONDITION, "price_changes": [{}]}))
        await connection.send(json.dumps({"event_type": "new_market", "id": 7}))
        await connection.send(json.dumps(last_trade("0.5")))
        seen = [await anext(stream) for _ in range(4)]
        assert [event.reason for event in seen[:3] if isinstance(event, Gap)] == ["unreadable"] * 3
        assert isinstance(seen[3], LastTrade)
        assert (stream.counts.malformed, stream.counts.unknown) == (5, 1)
        assert "market" in stream.last_error


async def test_changes_of_subscription_are_differences(channel: ScriptedChannel, clock: ManualClock) -> None:
    async with stream_of(channel, clock, YES) as stream:
        await stream.wait_connected()
        await channel.heard.get()
        await stream.set_tokens([NO, OTHER])
        assert json.loads(await channel.heard.get()) == {
            "operation": "subscribe",
            "assets_ids": [NO, OTHER],
            "custom_feature_enabled": True,
        }
        assert json.loads(await channel.heard.get())["operation"] == "unsubscribe"
        await stream.subscribe([NO, YES])
        assert json.loads(await channel.heard.get())["assets_ids"] == [YES]
        await stream.unsubscribe([YES])
        assert json.loads(await channel.heard.get()) == {
            "operation": "unsubscribe",
            "assets_ids": [YES],
            "custom_feature_enabled": True,
        }
        await stream.resubscribe([NO, TokenId("never followed")])
        assert [json.loads(await channel.heard.get())["operation"] for _ in range(2)] == ["unsubscribe", "subscribe"]
        await stream.resubscribe([TokenId("never followed")])
        await stream.set_tokens([NO, OTHER])
        assert channel.heard.empty()
        assert stream.token_ids == {NO, OTHER}


async def test_one_connection_carries_five_hundred_tokens(channel: ScriptedChannel, clock: ManualClock) -> None:
    too_many = [TokenId(str(number)) for number in range(501)]
    with pytest.raises(InputRejected, match="501 tokens"):
        stream_of(channel, clock, *too_many)
    stream = stream_of(channel, clock, *too_many[:500])
    with pytest.raises(InputRejected):
        await stream.subscribe(too_many)
    assert len(stream.token_ids) == 500


async def test_a_ping_goes_out_every_ten_seconds(channel: ScriptedChannel, clock: ManualClock) -> None:
    async with stream_of(channel, clock) as stream:
        await stream.wait_connected()
        await channel.heard.get()
        await clock.advance(9.9)
        assert channel.heard.empty()
        await clock.advance(0.2)
        assert await channel.heard.get() == "PING"
        await clock.advance(10)
        assert await channel.heard.get() == "PING"


async def test_after_a_lost_connection_it_subscribes_again_and_reports_the_gap(
    channel: ScriptedChannel, clock: ManualClock
) -> None:
    async with stream_of(channel, clock, YES) as stream:
        connection = await channel.opened.get()
        await channel.heard.get()
        await connection.send(json.dumps(last_trade("0.5")))
        assert isinstance(await anext(stream), LastTrade)
        heard_at = clock.now()
        await clock.advance(5)
        await stream.subscribe([NO])
        await channel.heard.get()
        await connection.close()
        again = await until(asyncio.create_task(channel.opened.get()), clock)
        assert json.loads(await channel.heard.get())["assets_ids"] == [YES, NO]
        await again.send(json.dumps(book()))
        gap, snapshot = await anext(stream), await anext(stream)
        assert isinstance(gap, Gap)
        assert (gap.reason, gap.since, gap.dropped) == ("reconnected", heard_at, 0)
        assert gap.until > heard_at
        assert isinstance(snapshot, BookSnapshot)
        assert stream.counts.connections == 2


async def test_silence_means_a_dead_connection(channel: ScriptedChannel, clock: ManualClock) -> None:
    async with stream_of(channel, clock) as stream:
        await channel.opened.get()
        await stream.wait_connected()
        await until(asyncio.create_task(channel.opened.get()), clock)
        assert isinstance(await anext(stream), Gap)
        assert (clock.now() - datetime(2026, 11, 1, 12, tzinfo=UTC)).total_seconds() >= 40


async def test_pongs_keep_a_quiet_connection_alive(channel: ScriptedChannel, clock: ManualClock) -> None:
    async with stream_of(channel, clock) as stream:
        connection = await channel.opened.get()
        await channel.heard.get()
        for answered in range(1, 8):
            await clock.advance(10)
            assert await channel.heard.get() == "PING"
            await connection.send("PONG")
            while stream.counts.frames < answered:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert stream.counts.connections == 1


async def test_a_reconnection_can_be_asked_for(channel: ScriptedChannel, clock: ManualClock) -> None:
    stream = stream_of(channel, clock)
    await stream.reconnect()
    async with stream:
        await channel.opened.get()
        await stream.wait_connected()
        await stream.reconnect()
        await until(asyncio.create_task(channel.opened.get()), clock)
        assert isinstance(await anext(stream), Gap)


async def test_it_waits_for_a_venue_that_is_not_there_yet(clock: ManualClock) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = environment_at(
        "late", clob_url=url, gamma_url=url, data_url=url, ws_url=f"ws://127.0.0.1:{port}/ws", chain_id=137
    )
    async with MarketStream(environment, [YES], clock=clock, random=Random(5)) as stream:
        while not stream.last_error:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert not stream.connected

        async def hear(connection: ServerConnection) -> None:
            async for _ in connection:
                pass

        async with serve(hear, "127.0.0.1", port):
            await until(asyncio.create_task(stream.wait_connected()), clock)
            await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_slow_reader_loses_the_oldest_events_and_is_told(channel: ScriptedChannel, clock: ManualClock) -> None:
    async with stream_of(channel, clock, queue_size=2) as stream:
        connection = await channel.opened.get()
        await connection.send(json.dumps([last_trade(f"0.{number}") for number in range(1, 6)]))
        seen: list[MarketEvent | Gap] = [await anext(stream) for _ in range(3)]
        gap, *rest = seen
        assert isinstance(gap, Gap)
        assert (gap.reason, gap.dropped) == ("overflow", 3)
        assert [event.price for event in rest if isinstance(event, LastTrade)] == [Decimal("0.4"), Decimal("0.5")]
        assert stream.dropped == 3


async def test_closing_lets_the_reader_finish(channel: ScriptedChannel, clock: ManualClock) -> None:
    stream = stream_of(channel, clock)
    async with stream:
        connection = await channel.opened.get()
        waiting = asyncio.create_task(anext(stream))
        await connection.send(json.dumps([last_trade("0.1"), last_trade("0.2")]))
        assert isinstance(await waiting, LastTrade)
    assert [event async for event in stream] != []
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    await stream.set_tokens([NO])
    assert not stream.connected


async def test_the_user_stream_sends_its_credentials_and_shows_our_side(
    channel: ScriptedChannel, clock: ManualClock
) -> None:
    order = {
        "event_type": "order",
        "type": "CANCELLATION",
        "id": "0x1",
        "market": CONDITION,
        "asset_id": YES,
        "side": "BUY",
        "original_size": "10",
        "size_matched": "",
        "price": "0.57",
        "status": "CANCELED_order couldn't be fully filled. FOK orders are fully filled or killed.",
        "order_type": "FOK",
        "created_at": "",
        "associate_trades": None,
        "timestamp": STAMP,
    }
    trade = {
        "event_type": "trade",
        "type": "TRADE",
        "id": "t1",
        "taker_order_id": "0xtaker",
        "market": CONDITION,
        "asset_id": YES,
        "side": "BUY",
        "size": "10",
        "price": "0.57",
        "status": "MATCHED",
        "trader_side": "MAKER",
        "match_time": "1767225601",
        "maker_orders": [
            {"order_id": "0x2", "owner": "key", "matched_amount": "4", "price": "0.43", "asset_id": NO, "side": "BUY"}
        ],
        "timestamp": "1767225601",
    }
    stream = UserStream(
        channel.environment,
        lambda: CREDENTIALS,
        addresses=[Address("0xABC")],
        clock=clock,
        random=Random(5),
        condition_ids=[CONDITION],
    )
    async with stream:
        connection = await channel.opened.get()
        assert channel.paths == ["/ws/user"]
        assert json.loads(await channel.heard.get()) == {
            "type": "user",
            "auth": {"apiKey": "KEY", "secret": "the-secret", "passphrase": "the-phrase"},
            "markets": [CONDITION],
        }
        for frame in (order, {**order, "status": "CANCELED_EXPIRED_ORDER"}, trade, {"event_type": "weather"}, 5):
            await connection.send(json.dumps(frame))
        killed, expired, filled = await anext(stream), await anext(stream), await anext(stream)
    assert isinstance(killed, OrderUpdate)
    assert (killed.kind, killed.order.status, killed.order.size_matched) == ("CANCELLATION", "CANCELED", Decimal(0))
    assert killed.reason.startswith("order couldn't be fully filled")
    assert killed.order.created_at == killed.timestamp == datetime.fromtimestamp(1767225600.123, UTC)
    assert isinstance(expired, OrderUpdate)
    assert (expired.order.status, expired.reason) == ("CANCELED_EXPIRED_ORDER", "")
    assert isinstance(filled, TradeUpdate)
    assert (filled.trade_id, filled.status) == ("t1", TradeStatus.MATCHED)
    (fill,) = filled.fills
    assert (fill.order_id, fill.token_id, fill.side, fill.size, fill.is_taker) == (
        "0x2",
        NO,
        OrderSide.BUY,
        Decimal(4),
        False,
    )
    assert fill.timestamp == datetime.fromtimestamp(1767225601, UTC)
    assert (stream.counts.unknown, stream.counts.malformed) == (1, 1)


GAME = {
    "gameId": 7,
    "leagueAbbreviation": "nhl",
    "slug": "nhl-a-b",
    "homeTeam": "A",
    "awayTeam": "B",
    "status": "InProgress",
    "score": "1-0",
    "period": "P2",
    "elapsed": "12:30",
    "live": True,
    "ended": False,
    "turn": None,
}
ENDED = {
    "gameId": "8",
    "leagueAbbreviation": "nba",
    "status": "Final",
    "score": "99-98",
    "live": False,
    "ended": True,
    "metadataGameId": "x8",
}


async def test_the_sports_stream_only_connects_and_answers_pings(channel: ScriptedChannel, clock: ManualClock) -> None:
    url = f"{channel.environment.ws_url}/sports"
    async with SportsStream(url, clock=clock, random=Random(5), direct=True) as stream:
        connection = await channel.opened.get()
        await connection.send("ping")
        assert await channel.heard.get() == "pong"
        for frame in (
            GAME,
            {**ENDED, "finished_timestamp": "2026-11-01T04:00:00Z"},
            {**ENDED, "finishedTimestamp": "2026-11-01T04:00:00Z"},
            {"hello": 1},
        ):
            await connection.send(json.dumps(frame))
        running, documented, observed = [await anext(stream) for _ in range(3)]
        assert isinstance(running, GameUpdate)
        assert (running.game_id, running.home_team, running.score, running.turn, running.live) == (
            "7",
            "A",
            "1-0",
            "",
            True,
        )
        assert running.finished_at is None
        assert documented == observed
        assert isinstance(documented, GameUpdate)
        assert (documented.ended, documented.finished_at) == (True, datetime(2026, 11, 1, 4, tzinfo=UTC))
        await clock.advance(60)
        assert channel.heard.empty()
        assert stream.counts.connections == 1


async def test_a_user_stream_without_markets_asks_for_all(channel: ScriptedChannel, clock: ManualClock) -> None:
    async with UserStream(channel.environment, lambda: CREDENTIALS, addresses=[], clock=clock, random=Random(5)):
        assert "markets" not in json.loads(await channel.heard.get())
