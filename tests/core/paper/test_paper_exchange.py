"""Paper trading on a recorded minute in which the price fell from 0.78 to 0.38, over real sockets."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from polydesk.core.errors import InputRejected, OrderError
from polydesk.core.identifiers import TokenId
from polydesk.core.models import OrderSide, TimeInForce
from tests.support.real_venue import CONDITION, RealVenue, real_venue

if TYPE_CHECKING:
    from tests.core.paper.conftest import OpenPaper


def tokens(real: RealVenue) -> tuple[str, str]:
    return real.exchange.by_condition[CONDITION].tokens


async def test_a_book_is_the_real_one_and_follows_it(tmp_path: Path, paper_on: OpenPaper) -> None:
    async with real_venue(tmp_path) as real, paper_on(real, tmp_path / "paper") as paper:
        up, down = map(TokenId, tokens(real))
        assert not paper.exchange.listings
        book = await paper.clob.book(up, fresh=True)
        theirs = real.exchange.by_condition[CONDITION]
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
