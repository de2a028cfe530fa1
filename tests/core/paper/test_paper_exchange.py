"""Paper trading on a recorded minute in which the price fell from 0.78 to 0.38, over real sockets."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect

from polydesk.core.errors import InputRejected, OrderError
from polydesk.core.exchange.events import OrderChanged
from polydesk.core.exchange.faults import FaultPlan, StatusFault, StreamFault
from polydesk.core.identifiers import TokenId
from polydesk.core.models import OrderSide, TimeInForce
from tests.support.real_venue import CONDITION, RealVenue, real_venue

if TYPE_CHECKING:
    from tests.core.paper.conftest import OpenPaper


def tokens(real: RealVenue) -> tuple[str, str]:
    return real.exchange.markets.by_condition[CONDITION].tokens


async def test_a_book_is_the_real_one_and_follows_it(tmp_path: Path, paper_on: OpenPaper) -> None:
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper") as paper:
        up, down = map(TokenId, tokens(real))
        assert not paper.exchange.markets.listings
        book = await paper.clob.book(up, fresh=True)
        theirs = real.exchange.markets.by_condition[CONDITION]
        assert (book.best_bid.price, book.best_bid.size) == (Decimal("0.75"), Decimal(10))
        assert paper.listing.book.levels_for(0) == theirs.book.levels_for(0)
        real.go_to(36.5)
        await paper.until(lambda: paper.listing.book.levels_for(0) == theirs.book.levels_for(0))
        other = await paper.clob.book(down, fresh=True)
        assert (other.best_bid.price, other.best_ask.price) == (Decimal("0.47"), Decimal("0.48"))


async def test_a_token_that_the_real_venue_does_not_know_is_not_found(tmp_path: Path, paper_on: OpenPaper) -> None:
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper") as paper:
        assert await paper.clob.book(TokenId("12345"), fresh=True) is None
        assert await paper.clob.clob_market("0x" + "b" * 64, fresh=True) is None
        terms = await paper.clob.clob_market(CONDITION, fresh=True)
        assert (terms.tick, terms.min_size, terms.neg_risk) == (Decimal("0.01"), Decimal(5), False)


async def test_a_level_that_i_took_is_gone_until_new_size_shows(tmp_path: Path, paper_on: OpenPaper) -> None:
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper") as paper:
        up = TokenId(tokens(real)[0])
        real.go_to(16.2)  # asks 5 at 0.69, 101 at 0.70
        await paper.clob.book(up, fresh=True)
        await paper.until(lambda: paper.listing.book.asks.best == 6900)
        first = await paper.place(up, OrderSide.BUY, "0.69", "5", time_in_force=TimeInForce.FOK)
        assert first.taking == 5
        with pytest.raises(OrderError) as refused:
            await paper.place(up, OrderSide.BUY, "0.69", "5", time_in_force=TimeInForce.FOK)
        assert refused.value.code == "fok_not_filled"
        book = await paper.clob.book(up, fresh=True)
        assert (book.best_ask.price, book.best_ask.size) == (Decimal("0.7"), Decimal(101))


async def test_a_resting_bid_fills_at_its_own_price_when_the_market_falls_through_it(
    tmp_path: Path, paper_on: OpenPaper
) -> None:
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper") as paper:
        up = TokenId(tokens(real)[0])
        await paper.clob.book(up, fresh=True)
        bid = await paper.place(up, OrderSide.BUY, "0.6", "50")
        assert bid.status == "live"
        real.go_to(38)
        await paper.until(lambda: not paper.order(bid).open_size)
        fills = await paper.clob.trades()
        assert {fill.price for fill in fills} == {Decimal("0.6")}
        assert sum(fill.size for fill in fills) == 50
        assert (await paper.clob.balance()).collateral == Decimal(970)
        assert not paper.venue.notes(paper.address).while_away


async def test_an_order_meets_the_book_as_it_is_when_it_arrives(tmp_path: Path, paper_on: OpenPaper) -> None:
    """It is on its way for a while, and the book moves on meanwhile."""
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper", latency_ms=400) as paper:
        up = TokenId(tokens(real)[0])
        await paper.clob.book(up, fresh=True)
        buying = asyncio.create_task(paper.place(up, OrderSide.BUY, "0.76", "5", time_in_force=TimeInForce.FOK))
        real.go_to(20)  # asks 5 at 0.76 became 71 at 0.70
        await paper.until(lambda: paper.listing.book.asks.best == 7000)
        assert not buying.done()
        assert (await buying).taking > Decimal("5.4")  # shares for 3.80 dollars


async def test_when_prices_stop_coming_orders_are_refused_and_positions_keep_their_value(
    tmp_path: Path, paper_on: OpenPaper
) -> None:
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper", patience_s=0.2) as paper:
        up = TokenId(tokens(real)[0])
        await paper.clob.book(up, fresh=True)
        bid = await paper.place(up, OrderSide.BUY, "0.5", "10")
        await paper.place(up, OrderSide.BUY, "0.8", "10", time_in_force=TimeInForce.FAK)
        (before,) = await paper.data.positions(paper.address)
        assert before.value is not None
        assert round(before.value / before.size, 3) == Decimal("0.755")
        await real.stop()
        real.clock.leap(real.clock.now() + timedelta(seconds=60))
        with pytest.raises(OrderError, match=r"stale prices: those of btc-updown-15m-1790586900 are 6\d s old"):
            await paper.place(up, OrderSide.BUY, "0.5", "10")
        with pytest.raises(InputRejected, match="stale prices"):
            await paper.clob.book(up, fresh=True)
        (after,) = await paper.data.positions(paper.address)
        assert after.value == before.value
        assert list(paper.venue.notes(paper.address).stale) == [CONDITION]
        assert (await paper.clob.cancel([bid.order_id])).canceled == (bid.order_id,)


MARKET = "0x" + "a" * 64


def frames(*later: dict[str, Any]) -> list[Any]:
    """A market with 10 bid at 0.40 and 5 asked at 0.42, and what happens afterwards."""
    books = [
        {"asset_id": "1", "bids": [{"price": "0.40", "size": "10"}], "asks": [{"price": "0.42", "size": "5"}]},
        {"asset_id": "2", "bids": [{"price": "0.58", "size": "5"}], "asks": [{"price": "0.60", "size": "10"}]},
    ]
    begin = {"event_type": "book", "market": MARKET, "timestamp": "1790000000000", "hash": ""}
    return [
        {
            "conditionId": MARKET,
            "id": "77",
            "slug": "rain",
            "question": "Rain?",
            "outcomes": '["Yes", "No"]',
            "clobTokenIds": '["1", "2"]',
            "feesEnabled": True,
            "feeSchedule": {"rate": 0.05, "exponent": 1, "takerOnly": True, "rebateRate": 0.25},
            "endDate": "2026-12-31T00:00:00Z",
        },
        [{**begin, **book} for book in books],
        *({"market": MARKET, **frame} for frame in later),
    ]


async def test_real_trades_fill_a_resting_bid_behind_those_who_were_there_first(
    tmp_path: Path, paper_on: OpenPaper
) -> None:
    trade = {"event_type": "last_trade_price", "asset_id": "1", "side": "SELL", "price": "0.4"}
    minted = {"event_type": "last_trade_price", "asset_id": "2", "side": "BUY", "price": "0.6"}
    told = frames(
        {**trade, "size": "14", "timestamp": "1790000010000"},
        {**minted, "size": "3", "timestamp": "1790000020000"},
        {"event_type": "tick_size_change", "asset_id": "1", "new_tick_size": "0.001", "timestamp": "1790000030000"},
    )
    async with real_venue(tmp_path, frames=told) as real, paper_on(real, tmp_path / "paper") as paper:
        await paper.clob.book(TokenId("1"), fresh=True)
        paper.condition_id = MARKET
        assert paper.listing.fees.rate == Decimal("0.05")
        bid = await paper.place("1", OrderSide.BUY, "0.4", "20")
        real.go_to(10.1)
        await paper.until(lambda: paper.order(bid).filled == 4_000_000)
        real.go_to(20.1)
        await paper.until(lambda: paper.order(bid).filled == 7_000_000)
        real.go_to(30.1)
        await paper.until(lambda: paper.listing.tick == 10)
        assert paper.exchange.ledger.discrepancies({MARKET: paper.listing.tokens}) == []


async def test_a_share_of_trades_may_fail_to_settle_and_gives_everything_back(
    tmp_path: Path, paper_on: OpenPaper
) -> None:
    failing = {"settlement_retry_probability": 1, "settlement_failure_probability": 1, "retried_after_s": 0.05}
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper", **failing) as paper:
        up = TokenId(tokens(real)[0])
        await paper.clob.book(up, fresh=True)
        await paper.place(up, OrderSide.BUY, "0.8", "10", time_in_force=TimeInForce.FAK)
        (trade,) = paper.exchange.registry.trades.values()
        await paper.until(lambda: trade.status == "FAILED")
        assert (await paper.clob.balance()).collateral == 1000
        assert await paper.data.positions(paper.address) == ()


async def test_whoever_asks_while_the_real_venue_is_away_hears_it(tmp_path: Path, paper_on: OpenPaper) -> None:
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper") as paper:
        await real.stop()
        with pytest.raises(InputRejected, match="the real venue cannot be asked about this market"):
            await paper.clob.book(TokenId(tokens(real)[0]), fresh=True)
        assert (await paper.clob.balance()).collateral == 1000


async def test_a_frozen_stream_is_noticed_though_it_stands(tmp_path: Path, paper_on: OpenPaper) -> None:
    frozen = FaultPlan.of(
        StreamFault(kind="freeze", route="/ws/market"), StatusFault(kind="status", route="/clob/books", status=500)
    )
    async with (
        real_venue(tmp_path, faults=frozen) as real,
        paper_on(real, tmp_path / "paper", patience_s=0.1) as paper,
    ):
        with pytest.raises(InputRejected, match="stale prices"):
            await paper.clob.book(TokenId(tokens(real)[0]), fresh=True)


async def test_markets_that_nobody_asked_for_longest_make_room(
    tmp_path: Path, paper_on: OpenPaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polydesk.core.paper.relay._MOST_MARKETS", 1)
    other = [{**row, "market": "0x" + "b" * 64, "asset_id": str(int(row["asset_id"]) + 2)} for row in frames()[1]]
    async with real_venue(tmp_path, frames=[*frames(), other]) as real, paper_on(real, tmp_path / "paper") as paper:
        for token in ("1", "3", "1"):
            book = await paper.clob.book(TokenId(token), fresh=True)
            assert book is not None
        paper.condition_id = MARKET
        await paper.place("1", OrderSide.BUY, "0.3", "10")
        await paper.clob.book(TokenId("3"), fresh=True)
        real.exchange.markets.by_condition[MARKET].book.stand_for_all()
        real.exchange.trading.cancel_many(
            [order for order in real.exchange.registry.orders.values() if order.condition_id == MARKET and order.is_bid]
        )
        await paper.until(lambda: paper.listing.book.bids.best == 3000)


async def test_batches_and_streams_bring_their_markets_too(tmp_path: Path, paper_on: OpenPaper) -> None:
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper") as paper:
        up, down = tokens(real)
        async with connect(f"{paper.venue.server.ws_url}/market") as stream:
            await stream.send(json.dumps({"type": "market", "assets_ids": [down, "999"]}))
            (opening,) = json.loads(await stream.recv())
            assert opening["asset_id"] == down
            await stream.send(json.dumps({"operation": "unsubscribe", "assets_ids": [down]}))
            await stream.send("PING")
            assert await stream.recv() == "PONG"
        books = await paper.clob.books([TokenId(up), TokenId(down)], fresh=True)
        assert set(books) == {up, down}
        assert await paper.clob.tick_size(TokenId(up), fresh=True) == Decimal("0.01")
        assert await paper.clob.last_trade_price(TokenId(up)) is not None


async def test_a_market_without_a_real_book_has_none_here_either(tmp_path: Path, paper_on: OpenPaper) -> None:
    """Others that are asked for together with it are answered all the same."""
    other = [{**row, "market": "0x" + "b" * 64, "asset_id": str(int(row["asset_id"]) + 2)} for row in frames()[1]]
    async with (
        real_venue(tmp_path, frames=[*frames(), other]) as real,
        paper_on(real, tmp_path / "paper", patience_s=20) as paper,
    ):
        await paper.clob.clob_market(MARKET, fresh=True)  # listed, and closed before anybody reads its book
        real.exchange.markets.by_condition[MARKET].closed = True
        assert await paper.clob.book(TokenId("1"), fresh=True) is None
        books = await paper.clob.books([TokenId("1"), TokenId("3")], fresh=True)
        assert books[TokenId("3")].best_bid is not None


async def test_a_fast_market_holds_my_buy_for_a_moment_as_the_real_one_does(
    tmp_path: Path, paper_on: OpenPaper
) -> None:
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper") as paper:
        up = TokenId(tokens(real)[0])
        theirs = real.exchange.markets.by_condition[CONDITION]
        theirs.recorded = replace(theirs.recorded, clob={**theirs.recorded.clob, "itode": True})
        await paper.clob.book(up, fresh=True)
        seen: list[str] = []
        paper.exchange.events.subscribe(
            lambda event: seen.append(event.order.status) if isinstance(event, OrderChanged) else None
        )
        bought = await paper.place(up, OrderSide.BUY, "0.8", "10", time_in_force=TimeInForce.FOK)
        assert (bought.status, seen[0], seen[-1]) == ("matched", "DELAYED", "MATCHED")


async def test_minimums_and_ticks_are_the_real_ones(tmp_path: Path, paper_on: OpenPaper) -> None:
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper") as paper:
        up = TokenId(tokens(real)[0])
        await paper.clob.book(up, fresh=True)
        for price, shares, code in (("0.5", "2.5", "min_size"), ("0.505", "10", "tick")):
            with pytest.raises(OrderError) as refused:
                await paper.place(up, OrderSide.BUY, price, shares)
            assert refused.value.code == code
        with pytest.raises(OrderError) as refused:
            await paper.place(up, OrderSide.BUY, "0.8", "1", time_in_force=TimeInForce.FAK)
        assert refused.value.code == "min_notional"


async def test_without_prices_after_a_restart_positions_keep_their_last_value(
    tmp_path: Path, paper_on: OpenPaper
) -> None:
    async with real_venue(tmp_path) as real:
        up = TokenId(tokens(real)[0])
        async with paper_on(real, tmp_path / "paper") as paper:
            await paper.clob.book(up, fresh=True)
            await paper.place(up, OrderSide.BUY, "0.8", "10", time_in_force=TimeInForce.FAK)
            (before,) = await paper.data.positions(paper.address)
        await real.stop()
        real.clock.leap(real.clock.now() + timedelta(hours=8))
        async with paper_on(real, tmp_path / "paper", patience_s=0.1) as paper:
            (after,) = await paper.data.positions(paper.address)
            assert (after.value, after.size) == (before.value, before.size)
            (since,) = paper.venue.notes(paper.address).stale.values()
            assert real.clock.now() - since >= timedelta(hours=8)
            with pytest.raises(InputRejected, match="the real venue cannot be asked"):
                await paper.clob.book(up, fresh=True)


async def test_what_is_asked_for_at_once_by_many_is_listed_once(tmp_path: Path, paper_on: OpenPaper) -> None:
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper") as paper:
        up, down = map(TokenId, tokens(real))
        books = await asyncio.gather(*(paper.clob.book(token, fresh=True) for token in (up, down) * 5))
        assert all(books)
        assert len(paper.exchange.markets.listings) == 1
