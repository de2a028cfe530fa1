"""A desk that was away settles its resting orders from the public trades of that time, or says that it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polydesk.core.exchange.faults import FaultPlan, StatusFault
from polydesk.core.exchange.replay.level2 import stand_in_token
from polydesk.core.exchange.replay.moments import BookMoment
from polydesk.core.exchange.replay.recording import read_recording
from polydesk.core.identifiers import TokenId
from polydesk.core.models import OrderSide
from tests.support.real_venue import CONDITION, FALL, RealVenue, real_venue

if TYPE_CHECKING:
    from tests.core.paper.conftest import OpenPaper
    from tests.support.paper_exchange import Paper

UP = TokenId(stand_in_token(CONDITION, 0))


def falling_tape(shares: int = 10) -> Iterator[dict[str, Any]]:
    """Somebody sells at the best bid of each recorded second."""
    for moment in read_recording([FALL]).moments:
        if isinstance(moment, BookMoment) and moment.token_id == UP:
            yield {
                "condition_id": CONDITION,
                "token_id": UP,
                "side": "SELL",
                "price": max(moment.bids) / 10_000,
                "size": shares,
                "timestamp": moment.at_ms // 1000,
                "transaction_hash": f"0x{moment.at_ms:064x}",
            }


async def bid_and_leave(real: RealVenue, state: Path, paper_on: OpenPaper, price: str = "0.6") -> str:
    """Rest a bid for 50 shares, and stop the desk."""
    async with paper_on(real, state) as paper:
        await paper.clob.book(UP, fresh=True)
        return str((await paper.place(UP, OrderSide.BUY, price, "50")).order_id)


async def returned(paper: Paper) -> None:
    """Wait until the absence is settled."""
    await paper.until(lambda: paper.listing.book.asks.best is not None)


async def test_a_bid_through_which_the_market_fell_meanwhile_is_filled_from_the_tape(
    tmp_path: Path, paper_on: OpenPaper
) -> None:
    async with real_venue(tmp_path, tape=falling_tape()) as real:
        order_id = await bid_and_leave(real, tmp_path / "paper", paper_on)
        real.go_to(60)
        async with paper_on(real, tmp_path / "paper") as paper:
            await returned(paper)
            fills = await paper.clob.trades()
            assert sum(fill.size for fill in fills) == 50
            assert {fill.price for fill in fills} == {Decimal("0.6")}
            notes = paper.venue.notes(paper.address)
            assert notes.while_away == {fill.id for fill in fills}
            assert (notes.void, notes.not_comparable) == ({}, ())
            assert paper.exchange.registry.orders[order_id].status == "MATCHED"
        async with paper_on(real, tmp_path / "paper") as paper:
            assert len(paper.venue.notes(paper.address).while_away) == len(fills)


async def test_an_order_that_the_market_did_not_reach_rests_on(tmp_path: Path, paper_on: OpenPaper) -> None:
    async with real_venue(tmp_path, tape=falling_tape()) as real:
        order_id = await bid_and_leave(real, tmp_path / "paper", paper_on, "0.3")
        real.go_to(60)
        async with paper_on(real, tmp_path / "paper") as paper:
            await returned(paper)
            order = paper.exchange.registry.orders[order_id]
            assert (order.status, order.filled) == ("LIVE", 0)
            assert not paper.venue.notes(paper.address).not_comparable


async def test_no_more_is_filled_than_was_traded(tmp_path: Path, paper_on: OpenPaper) -> None:
    """At the bid's price only what gets past those ahead, below it everything; then what the market still offers."""
    tape = [row for row in falling_tape(shares=2) if row["price"] >= 0.59]
    async with real_venue(tmp_path, tape=tape) as real:
        order_id = await bid_and_leave(real, tmp_path / "paper", paper_on, "0.6")
        real.go_to(33.9)  # best bid 0.59, so one trade went through 0.60 and none at it
        async with paper_on(real, tmp_path / "paper") as paper:
            await returned(paper)
            order = paper.exchange.registry.orders[order_id]
            (fill, *rest) = paper.exchange.registry.trades_of(order.account)
            assert fill.shares == 2_000_000
            assert order.filled == 2_000_000 + sum(each.shares for each in rest)


async def test_where_the_tape_is_missing_the_order_is_void_and_the_run_not_comparable(
    tmp_path: Path, paper_on: OpenPaper, monkeypatch: Any
) -> None:
    monkeypatch.setattr("polydesk.core.paper.absence._RETRY_S", 0)
    broken = FaultPlan.of(StatusFault(kind="status", route="/data/v2/trades", status=500))
    async with real_venue(tmp_path, tape=falling_tape(), faults=broken) as real:
        order_id = await bid_and_leave(real, tmp_path / "paper", paper_on)
        real.go_to(60)
        async with paper_on(real, tmp_path / "paper") as paper:
            await returned(paper)
            assert paper.exchange.registry.orders[order_id].status == "CANCELED_TAPE_MISSING"
            assert await paper.clob.trades() == ()
            notes = paper.venue.notes(paper.address)
            assert "was not followed from 2026-09-28T09:16:0" in notes.void[order_id]
            (said,) = notes.not_comparable
            assert "its public trades of that time cannot be read: 1 resting orders were taken back" in said
            assert paper.venue.notes("0xsomebody").not_comparable == ()
            assert (await paper.clob.balance()).collateral == 1000


async def test_what_the_tape_shows_only_later_is_filled_later(tmp_path: Path, paper_on: OpenPaper) -> None:
    """The tape lags behind the market; it is read once more before an absence is forgotten."""
    row = next(row for row in falling_tape(shares=3) if row["price"] <= 0.71)
    async with real_venue(tmp_path) as real:
        order_id = await bid_and_leave(real, tmp_path / "paper", paper_on, "0.72")
        real.go_to(18.2)  # back at 0.73
        async with paper_on(real, tmp_path / "paper", tape_lag_s=0.5) as paper:
            await returned(paper)
            order = paper.exchange.registry.orders[order_id]
            assert order.filled == 0
            real.told_late(row)
            await paper.until(lambda: order.filled == 3_000_000)
            assert len(paper.venue.notes(paper.address).while_away) == 1


async def test_a_stream_that_broke_off_is_an_absence_too(tmp_path: Path, paper_on: OpenPaper) -> None:
    async with real_venue(tmp_path, tape=falling_tape()) as real, paper_on(real, tmp_path / "paper") as paper:
        await paper.clob.book(UP, fresh=True)
        bid = await paper.place(UP, OrderSide.BUY, "0.6", "50")
        await real.stop()
        real.go_to(60)
        async with real.again():
            await paper.until(lambda: not paper.order(bid).open_size)
        fills = paper.exchange.registry.trades_of(paper.order(bid).account)
        assert {trade.id for trade in fills} == paper.venue.notes(paper.address).while_away
        assert sum(trade.shares for trade in fills) == 50_000_000


async def test_an_order_that_expired_meanwhile_fills_only_up_to_its_end(tmp_path: Path, paper_on: OpenPaper) -> None:
    """The market reaches 0.60 after 32 seconds and 0.50 after 43; the order leaves the book after 40."""
    async with real_venue(tmp_path, tape=falling_tape()) as real:
        begin = real.player.starts_at.timestamp()
        async with paper_on(real, tmp_path / "paper", gtd_min_lead_s=0) as paper:
            await paper.clob.book(UP, fresh=True)
            until = datetime.fromtimestamp(int(begin) + 100, UTC)
            early = await paper.place(UP, OrderSide.BUY, "0.6", "20", expires_at=until)
            late = await paper.place(UP, OrderSide.BUY, "0.5", "20", expires_at=until)
        real.go_to(60)
        async with paper_on(real, tmp_path / "paper", gtd_min_lead_s=0) as paper:
            await returned(paper)
            assert paper.order(early).filled == 20_000_000
            assert (paper.order(late).status, paper.order(late).filled) == ("CANCELED_EXPIRED_ORDER", 0)


async def test_a_market_that_ended_meanwhile_is_settled_before_it_pays(tmp_path: Path, paper_on: OpenPaper) -> None:
    async with real_venue(tmp_path, tape=falling_tape()) as real:
        order_id = await bid_and_leave(real, tmp_path / "paper", paper_on)
        real.go_to(60)
        real.exchange.resolve(CONDITION, 0)
        async with paper_on(real, tmp_path / "paper") as paper:
            await paper.until(lambda: paper.listing.closed)
            assert paper.exchange.registry.orders[order_id].filled == 50_000_000
            (position,) = await paper.data.positions(paper.address)
            assert (position.size, position.value) == (50, 50)
