"""The two streams over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.streams import StreamCounts

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client, Floor

EMPTY_YES, EMPTY_NO, BUSY_YES, BUSY_NO, CLOSED_YES = "111", "112", "131", "132", "311"
BUSY_CONDITION = "0x" + f"{13:064x}"
EMPTY_CONDITION = "0x" + f"{11:064x}"


async def receive(socket: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), 5))


async def send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def in_step(socket: ClientConnection) -> list[Any]:
    """Everything the server sent before it answered a ping that was sent just now."""
    await socket.send("PING")
    frames = []
    while (frame := await asyncio.wait_for(socket.recv(), 5)) != "PONG":
        frames.append(json.loads(frame))
    return frames


@asynccontextmanager
async def market_stream(server: ExchangeServer, *tokens: str, custom: bool = False) -> AsyncIterator[ClientConnection]:
    """A subscribed socket whose first frame is still to be read."""
    async with connect(f"{server.ws_url}/market") as socket:
        await send(socket, type="market", assets_ids=list(tokens), custom_feature_enabled=custom)
        yield socket


@asynccontextmanager
async def user_stream(server: ExchangeServer, client: Client, **extra: Any) -> AsyncIterator[ClientConnection]:
    async with connect(f"{server.ws_url}/user") as socket:
        await send(socket, type="user", auth=client.credentials, **extra)
        assert await in_step(socket) == []
        yield socket


async def test_the_first_frame_is_an_array_of_books_best_last(server: ExchangeServer) -> None:
    async with market_stream(server, BUSY_YES, BUSY_NO) as socket:
        books = await receive(socket)
    assert [book["asset_id"] for book in books] == [BUSY_YES, BUSY_NO]
    assert books[0]["event_type"] == "book"
    assert books[0]["bids"][-1] == {"price": "0.49", "size": "100"}
    assert (books[0]["tick_size"], books[0]["last_trade_price"]) == ("0.01", "0.5")
    assert "min_order_size" not in books[0]
    assert books[0]["timestamp"].isdigit()


@pytest.mark.parametrize("token", ["999", CLOSED_YES])
async def test_unknown_and_closed_tokens_get_an_empty_array(server: ExchangeServer, token: str) -> None:
    async with market_stream(server, token) as socket:
        assert await receive(socket) == []


async def test_ping_is_answered_and_noise_is_ignored(server: ExchangeServer) -> None:
    async with connect(f"{server.ws_url}/market") as socket:
        await socket.send("not json")
        await socket.send("[]")
        await socket.send(b"\x00")
        assert await in_step(socket) == []


async def test_a_placement_changes_both_tokens_mirrored(server: ExchangeServer, floor: Floor) -> None:
    async with market_stream(server, EMPTY_YES) as socket:
        await receive(socket)
        floor.enter(floor.account("ann", dollars="100"), "BUY", "0.45", "10")
        change = await receive(socket)
        assert await in_step(socket) == []
    assert (change["event_type"], change["market"]) == ("price_change", EMPTY_CONDITION)
    hashes = [entry.pop("hash") for entry in change["price_changes"]]
    assert change["price_changes"] == [
        {"asset_id": EMPTY_YES, "price": "0.45", "size": "10", "side": "BUY", "best_bid": "0.45", "best_ask": "1"},
        {"asset_id": EMPTY_NO, "price": "0.55", "size": "10", "side": "SELL", "best_bid": "0", "best_ask": "0.55"},
    ]
    assert len(set(hashes)) == 2 and all(len(digest) == 40 for digest in hashes)


async def test_a_cancel_removes_the_level(server: ExchangeServer, floor: Floor) -> None:
    order = floor.enter(floor.account("ann", dollars="100"), "BUY", "0.45", "10").order
    async with market_stream(server, EMPTY_NO) as socket:
        await receive(socket)
        floor.exchange.trading.cancel(order)
        change = await receive(socket)
    assert [(entry["price"], entry["size"]) for entry in change["price_changes"]] == [("0.45", "0"), ("0.55", "0")]


async def test_a_trade_comes_as_change_refreshed_books_and_last_price(server: ExchangeServer, floor: Floor) -> None:
    async with market_stream(server, BUSY_YES, BUSY_NO) as socket:
        await receive(socket)
        floor.enter(floor.account("ann", dollars="100"), "BUY", "0.51", "40", market=13)
        frames = await in_step(socket)
    assert [frame["event_type"] for frame in frames] == ["price_change", "book", "book", "last_trade_price"]
    change, book, mirror, last = frames
    assert change["price_changes"][0]["size"] == "60"
    assert [book["hash"], mirror["hash"]] == [entry["hash"] for entry in change["price_changes"]]
    assert book["asks"][-1] == {"price": "0.51", "size": "60"}
    assert "tick_size" not in book and "last_trade_price" not in book
    assert {name: last[name] for name in ("asset_id", "price", "size", "side", "fee_rate_bps")} == {
        "asset_id": BUSY_YES,
        "price": "0.51",
        "size": "40",
        "side": "BUY",
        "fee_rate_bps": "0",
    }


async def test_custom_features_come_only_to_those_who_asked(server: ExchangeServer, floor: Floor) -> None:
    async with (
        market_stream(server, BUSY_YES, custom=True) as curious,
        market_stream(server, BUSY_YES) as plain,
    ):
        await receive(curious)
        await receive(plain)
        ann = floor.account("ann", dollars="100")
        floor.enter(ann, "BUY", "0.3", "10", market=13)
        assert [frame["event_type"] for frame in await in_step(curious)] == ["price_change"]
        floor.enter(ann, "BUY", "0.5", "10", market=13)
        frames = await in_step(curious)
        assert [frame["event_type"] for frame in frames] == ["price_change", "best_bid_ask"]
        top = frames[1]
        assert (top["best_bid"], top["best_ask"], top["spread"]) == ("0.5", "0.51", "0.01")
        floor.exchange.resolve(EMPTY_CONDITION, 0)
        (resolved,) = await in_step(curious)
        assert [frame["event_type"] for frame in await in_step(plain)] == ["price_change", "price_change"]
    assert resolved["event_type"] == "market_resolved"
    assert (resolved["winning_asset_id"], resolved["winning_outcome"]) == (EMPTY_YES, "Yes")
    assert resolved["event_message"]["slug"] == "event-1"


async def test_subscriptions_change_while_the_socket_is_open(server: ExchangeServer, floor: Floor) -> None:
    ann = floor.account("ann", dollars="100")
    async with market_stream(server, BUSY_YES) as socket:
        await receive(socket)
        await send(socket, operation="subscribe", assets_ids=[BUSY_YES, EMPTY_YES])
        (book,) = await receive(socket)
        assert book["asset_id"] == EMPTY_YES
        await send(socket, operation="unsubscribe", assets_ids=[BUSY_YES])
        await in_step(socket)
        floor.enter(ann, "BUY", "0.3", "10", market=13)
        floor.enter(ann, "BUY", "0.3", "10")
        (only,) = await in_step(socket)
        assert only["market"] == EMPTY_CONDITION
        await send(socket, operation="subscribe", assets_ids=[EMPTY_YES], custom_feature_enabled=True)
        assert await in_step(socket) == []
        floor.enter(ann, "BUY", "0.4", "10")
        assert [frame["event_type"] for frame in await in_step(socket)] == ["price_change", "best_bid_ask"]


async def test_the_first_dump_can_be_declined(server: ExchangeServer) -> None:
    async with connect(f"{server.ws_url}/market") as socket:
        await send(socket, type="market", assets_ids=[BUSY_YES], initial_dump=False)
        assert await in_step(socket) == []


async def test_a_tick_that_becomes_finer_is_announced(server: ExchangeServer, floor: Floor) -> None:
    ann, ben = floor.account("ann", dollars="1000"), floor.account("ben", dollars="1000")
    async with market_stream(server, EMPTY_YES, EMPTY_NO) as socket:
        await receive(socket)
        floor.enter(ann, "BUY", "0.96", "10")
        floor.enter(ben, "BUY", "0.01", "10", outcome=1)
        frames = await in_step(socket)
    changes = [frame for frame in frames if frame["event_type"] == "tick_size_change"]
    assert [(frame["asset_id"], frame["old_tick_size"], frame["new_tick_size"]) for frame in changes] == [
        (EMPTY_YES, "0.01", "0.001"),
        (EMPTY_NO, "0.01", "0.001"),
    ]
    assert floor.listing(11).tick == 10


async def test_an_account_sees_its_orders_and_trades_in_digits(
    server: ExchangeServer, alice: Client, bob: Client
) -> None:
    async with user_stream(server, alice) as mine, user_stream(server, bob) as other:
        placed = (await alice.place(EMPTY_YES, "BUY", "6", "10")).json()
        (placement,) = await in_step(mine)
        assert await in_step(other) == []
        assert {name: placement[name] for name in ("event_type", "type", "id", "status", "size_matched")} == {
            "event_type": "order",
            "type": "PLACEMENT",
            "id": placed["orderID"],
            "status": "LIVE",
            "size_matched": "0",
        }
        assert placement["owner"] == placement["order_owner"] == alice.credentials["apiKey"]
        assert placement["created_at"].isdigit() and placement["timestamp"].isdigit()
        await bob.place(EMPTY_NO, "BUY", "4", "10")
        trade, update, mined, confirmed = await in_step(mine)
        assert (update["type"], update["size_matched"], update["status"]) == ("UPDATE", "10", "MATCHED")
        assert [event["status"] for event in (trade, mined, confirmed)] == ["MATCHED", "MINED", "CONFIRMED"]
        assert len({event["id"] for event in (trade, mined, confirmed)}) == 1
        assert (trade["trader_side"], trade["side"], trade["price"]) == ("MAKER", "BUY", "0.4")
        assert (trade["maker_orders"][0]["order_id"], trade["maker_orders"][0]["price"]) == (placed["orderID"], "0.6")
        assert all(trade[name].isdigit() for name in ("match_time", "matchtime", "last_update", "timestamp"))
        kinds = [(event["event_type"], event.get("type")) for event in await in_step(other)]
        assert kinds == [
            ("order", "PLACEMENT"),
            ("trade", "TRADE"),
            ("order", "UPDATE"),
            ("trade", "TRADE"),
            ("trade", "TRADE"),
        ]


async def test_cancels_and_kills_are_told(server: ExchangeServer, alice: Client) -> None:
    async with user_stream(server, alice) as socket:
        await alice.place(EMPTY_YES, "BUY", "6", "10")
        await alice.call("DELETE", "/cancel-all")
        assert [(event["type"], event["status"]) for event in await in_step(socket)] == [
            ("PLACEMENT", "LIVE"),
            ("CANCELLATION", "CANCELED"),
        ]
        await alice.place(EMPTY_YES, "BUY", "6", "10", order_type="FOK")
        (killed,) = await in_step(socket)
        assert killed["status"] == ("CANCELED_order couldn't be fully filled. FOK orders are fully filled or killed.")


async def test_a_user_stream_can_be_narrowed_to_markets(server: ExchangeServer, alice: Client) -> None:
    async with user_stream(server, alice, markets=[BUSY_CONDITION]) as socket:
        await alice.place(EMPTY_YES, "BUY", "1", "10")
        assert await in_step(socket) == []
        await send(socket, operation="subscribe", markets=[EMPTY_CONDITION])
        await in_step(socket)
        await alice.place(EMPTY_YES, "BUY", "1", "10")
        assert len(await in_step(socket)) == 1
        await send(socket, operation="unsubscribe", markets=[EMPTY_CONDITION])
        await in_step(socket)
        await alice.place(EMPTY_YES, "BUY", "1", "10")
        assert await in_step(socket) == []


@pytest.mark.parametrize(
    "auth",
    [None, "me", {}, {"apiKey": "x", "secret": "y", "passphrase": "z"}],
)
async def test_a_user_stream_without_a_proven_key_is_closed(server: ExchangeServer, auth: Any) -> None:
    async with connect(f"{server.ws_url}/user") as socket:
        await send(socket, type="user", auth=auth)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008


async def test_a_known_key_with_a_wrong_secret_is_closed(server: ExchangeServer, alice: Client) -> None:
    async with connect(f"{server.ws_url}/user") as socket:
        await send(socket, type="user", auth=alice.credentials | {"secret": "x"})
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)


class TestWithAShortQueue:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return ExchangeSettings(simulated_traders=False, mined_after_s=0, stream_queue_frames=5)

    async def test_a_slow_reader_is_closed_and_counted(
        self, server: ExchangeServer, floor: Floor, clock: ManualClock
    ) -> None:
        ann = floor.account("ann", dollars="100")
        async with market_stream(server, EMPTY_YES) as socket:
            await receive(socket)
            for _ in range(8):  # all within one turn of the loop, so that nothing can be sent between them
                floor.enter(ann, "BUY", "0.01", "10")
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await asyncio.wait_for(socket.recv(), 5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1013
        assert server.stream_counts == StreamCounts(slow_readers=1, dropped_frames=6)
