"""A recording happens again as it was: the books, the trades, the ticks and the end, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
from websockets.asyncio.client import connect

from polydesk.core.clock import ShiftedClock
from polydesk.core.exchange.book import Order
from polydesk.core.exchange.replay.moments import BookMoment
from polydesk.core.exchange.replay.player import Player
from polydesk.core.exchange.replay.recording import Recording, read_recording
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import to_micro

if TYPE_CHECKING:
    from tests.core.exchange.replay.conftest import Replayed

    Write = Callable[..., Path]

MARKET = "0x" + "a" * 64


def levels(rows: list[dict[str, str]]) -> dict[int, int]:
    return {int(Decimal(row["price"]) * 10_000): to_micro(Decimal(row["size"])) for row in rows}


async def check_books(replayed: Replayed) -> int:
    """After each recorded snapshot the served book equals it, both tokens and time included; how many there were."""
    moments = [each for each in replayed.recording.moments if isinstance(each, BookMoment)]
    seen = 0
    async with (
        ExchangeServer(replayed.exchange) as server,
        httpx2.AsyncClient(base_url=server.clob_url) as client,
    ):
        while True:
            now_ms = replayed.exchange.now_ms
            for moment in (each for each in moments if each.at_ms == now_ms):
                answer = await client.get("/book", params={"token_id": moment.token_id})
                book = answer.json()
                assert (levels(book["bids"]), levels(book["asks"])) == (moment.bids, moment.asks)
                seen += 1
            if not await replayed.step():
                return seen


async def test_after_every_recorded_snapshot_the_served_book_equals_it(replayed: Replayed) -> None:
    assert await check_books(replayed) == 144


async def test_a_whole_day_of_books_is_served_as_recorded(shared_data: Path, make_replayed: Any) -> None:
    """The second outcome's book is compared where it was taken together with the first's; a few of those differ."""
    recording = read_recording([shared_data / "l2" / "btc_updown_15m_2026-09-28" / "books.parquet"])
    replayed = make_replayed(recording)
    wrong = compared = 0
    by_time: dict[int, list[BookMoment]] = {}
    for moment in recording.moments:
        if isinstance(moment, BookMoment):
            by_time.setdefault(moment.at_ms, []).append(moment)
    while True:
        moments = by_time.get(replayed.exchange.now_ms, [])
        taken = {moment.token_id for moment in moments}
        for moment in moments:
            listing = replayed.exchange.markets.by_token[moment.token_id]
            if listing.closed or listing.tokens[0] not in taken:
                continue
            outcome = listing.outcome_of(moment.token_id)
            bids, asks = listing.book.levels_for(outcome)
            same = (dict(bids), dict(asks)) == (moment.bids, moment.asks)
            assert same or outcome == 1
            wrong += not same
            compared += 1
        if not await replayed.step():
            break
    assert compared > 20_000
    assert wrong <= 20


async def test_the_same_seed_gives_the_same_fills(fall: Recording, make_replayed: Any) -> None:
    async def fills(seed: int) -> list[tuple[str, int, int, int]]:
        replayed = make_replayed(fall, seed=seed)
        exchange = replayed.exchange
        account = exchange.accounts.open_account("someone")
        exchange.ledger.deposit(account, to_micro(Decimal(1000)))
        listing = exchange.markets.listings[0]

        def enter(price: int, shares: int, order_type: Any, number: int) -> None:
            exchange.trading.enter(
                Order(
                    id=f"0x{number}",
                    account=account,
                    condition_id=listing.condition_id,
                    token_id=listing.tokens[0],
                    outcome=0,
                    side="BUY",
                    price=price,
                    size=to_micro(Decimal(shares)),
                    order_type=order_type,
                    created_at_ms=exchange.now_ms,
                    owner="key",
                )
            )

        enter(7000, 300, "GTC", 1)
        enter(6000, 100, "GTC", 2)
        enter(7800, 50, "FAK", 3)
        while await replayed.step():
            pass
        return [
            (trade.id, trade.price, trade.shares, trade.matched_at_ms) for trade in exchange.registry.trades_of(account)
        ]

    first = await fills(7)
    assert first == await fills(7)
    assert sum(shares for _, price, shares, _ in first if price == 7000) == to_micro(Decimal(300))
    assert {price for _, price, *_ in first} == {7600, 7000, 6000}


async def test_the_recorded_end_resolves_the_market(replayed: Replayed) -> None:
    while await replayed.step():
        pass
    (listing,) = replayed.exchange.markets.listings
    assert (listing.closed, listing.winner, listing.outcomes) == (True, 1, ("Up", "Down"))


def frame_book(at: int, token: str, bids: dict[str, str], asks: dict[str, str]) -> dict[str, Any]:
    return {
        "event_type": "book",
        "market": MARKET,
        "asset_id": token,
        "timestamp": str(at),
        "hash": "",
        "bids": [{"price": price, "size": size} for price, size in bids.items()],
        "asks": [{"price": price, "size": size} for price, size in asks.items()],
    }


def frame_change(at: int, *rows: tuple[str, str, str, str]) -> dict[str, Any]:
    changes = [
        {"asset_id": token, "side": side, "price": price, "size": size, "hash": "", "best_bid": "0", "best_ask": "1"}
        for token, side, price, size in rows
    ]
    return {"event_type": "price_change", "market": MARKET, "timestamp": str(at), "price_changes": changes}


FRAMES: list[Any] = [
    [
        frame_book(1_790_000_000_000, "1", {"0.40": "10"}, {"0.42": "5"}),
        frame_book(1_790_000_000_000, "2", {"0.58": "5"}, {"0.6": "10"}),
    ],
    frame_change(1_790_000_001_000, ("1", "BUY", "0.41", "7"), ("2", "SELL", "0.59", "7")),
    {
        "event_type": "last_trade_price",
        "market": MARKET,
        "asset_id": "2",
        "side": "BUY",
        "price": "0.59",
        "size": "7",
        "timestamp": "1790000002000",
        "transaction_hash": "0xabc",
    },
    frame_change(1_790_000_002_000, ("1", "BUY", "0.41", "0")),
    {
        "event_type": "tick_size_change",
        "market": MARKET,
        "asset_id": "1",
        "old_tick_size": "0.01",
        "new_tick_size": "0.001",
        "timestamp": "1790000003000",
    },
    {"event_type": "best_bid_ask", "market": MARKET, "asset_id": "1", "timestamp": "1790000003000"},
    {
        "event_type": "market_resolved",
        "market": MARKET,
        "assets_ids": ["1", "2"],
        "winning_asset_id": "2",
        "timestamp": "1790000004000",
    },
]


async def test_captured_frames_are_sent_again(written: Write, make_replayed: Any) -> None:
    replayed = make_replayed(read_recording([written(*FRAMES)]))
    kinds: list[dict[str, Any]] = []
    async with ExchangeServer(replayed.exchange) as server, connect(f"{server.ws_url}/market") as stream:
        await stream.send(json.dumps({"type": "market", "assets_ids": ["1", "2"], "custom_feature_enabled": True}))
        opening = json.loads(await stream.recv())
        assert [(book["asset_id"], levels(book["bids"])) for book in opening] == [
            ("1", {4000: to_micro(Decimal(10))}),
            ("2", {5800: to_micro(Decimal(5))}),
        ]
        while await replayed.step():
            pass
        while not kinds or kinds[-1]["event_type"] != "market_resolved":
            kinds.append(json.loads(await stream.recv()))
        async with httpx2.AsyncClient(base_url=server.data_url) as client:
            (row,) = (await client.get("/v2/trades", params={"condition": MARKET})).json()["data"]
    assert (row["token_id"], row["side"], row["price"], row["size"], row["timestamp"], row["transaction_hash"]) == (
        "2",
        "BUY",
        0.59,
        7.0,
        1_790_000_002,
        "0xabc",
    )
    told = [frame["event_type"] for frame in kinds]
    assert [kind for kind in told if kind not in ("best_bid_ask", "book")] == [
        "price_change",
        "last_trade_price",
        "price_change",
        "tick_size_change",
        "tick_size_change",
        "price_change",  # the books are emptied
        "market_resolved",
    ]
    change = next(frame for frame in kinds if frame["event_type"] == "price_change")
    assert {(row["asset_id"], row["side"], row["price"], row["size"]) for row in change["price_changes"]} == {
        ("1", "BUY", "0.41", "7"),
        ("2", "SELL", "0.59", "7"),
    }


async def test_books_of_the_second_outcome_alone_are_enough(written: Write, make_replayed: Any) -> None:
    market = {
        "id": "5",
        "conditionId": MARKET,
        "slug": "rain",
        "question": "Rain?",
        "outcomes": '["Yes", "No"]',
        "clobTokenIds": '["1", "2"]',
        "feesEnabled": True,
        "feeSchedule": {"rate": 0.07},
    }
    book = frame_book(1_790_000_000_000, "2", {"0.58": "5"}, {"0.6": "10"})
    later = frame_change(1_790_000_001_000, ("2", "SELL", "0.59", "7"))
    replayed = make_replayed(read_recording([written(market, book, later)]))
    (listing,) = replayed.exchange.markets.listings
    assert listing.book.best_for(0) == (4000, 4200)
    await replayed.step()
    assert listing.book.best_for(0) == (4100, 4200)
    assert listing.fees.rate == Decimal("0.07")


async def test_a_market_that_ended_after_its_books_were_recorded_is_open_until_then(
    written: Write, make_replayed: Any
) -> None:
    market = {
        "id": "5",
        "conditionId": MARKET,
        "slug": "rain",
        "question": "Rain?",
        "outcomes": ["Yes", "No"],
        "clobTokenIds": ["1", "2"],
        "outcomePrices": ["0.5", "0.5"],
        "closed": True,
        "closedTime": "2026-09-22 00:00:16+00",
        "umaResolutionStatus": "resolved",
    }
    event = {"id": "77", "slug": "weather", "title": "Weather", "markets": [market]}
    book = frame_book(1_790_000_000_000, "1", {"0.40": "10"}, {"0.42": "5"})
    replayed = make_replayed(read_recording([written({"events": [event]}, book)]))
    (listing,) = replayed.exchange.markets.listings
    assert not listing.closed
    assert replayed.exchange.markets.event_of(listing)["slug"] == "weather"
    assert "umaResolutionStatus" not in listing.recorded.gamma
    while await replayed.step():
        pass
    assert (listing.closed, listing.winner, listing.prices) == (True, None, (Decimal("0.5"), Decimal("0.5")))


async def test_the_recorded_wire_can_be_replayed(shared_data: Path, make_replayed: Any) -> None:
    wire = shared_data / "wire"
    replayed = make_replayed(
        read_recording(
            [
                wire / "ws_market" / "capture_2026-09-27.ndjson",
                wire / "gamma" / "event_negrisk_fed_decision_june_2026-05-17.json",
                wire / "clob" / "books_fed_june_10tokens_2026-05-17.json",
                wire / "clob" / "clob_markets_compact_v2_fed_june_2026-05-17.json",
                wire / "gamma" / "btc_updown_5m_markets_resolved_2026-07-24_am.jsonl.gz",
                wire / "data_api_v2" / "trades_envelope_2026-09-14_polyoxide.json",
                wire / "data_api_v1" / "trades_btc5m_2026-03-22.json",
            ]
        )
    )
    while await replayed.step():
        pass
    assert len(replayed.exchange.markets.listings) > 150
    assert len(replayed.exchange.registry.tape) > 5


async def test_as_fast_as_it_can_be_served(fall: Recording) -> None:
    clock = ShiftedClock(fall.catalogue.starts_at)
    exchange = Exchange(fall.catalogue, ExchangeSettings(simulated_traders=False), clock)
    player = Player(exchange, fall)
    await player.run_at_once(clock)
    assert (player.next_ms, exchange.markets.listings[0].closed) == (None, True)
    assert clock.now() >= fall.catalogue.starts_at


async def test_at_a_multiple_of_the_recorded_pace(fall: Recording) -> None:
    clock = ShiftedClock(fall.catalogue.starts_at, speed=100_000)
    exchange = Exchange(fall.catalogue, ExchangeSettings(simulated_traders=False), clock)
    player = Player(exchange, fall)
    await player.run()
    assert (player.next_ms, exchange.markets.listings[0].closed) == (None, True)
