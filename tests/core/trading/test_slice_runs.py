"""A sliced order trades slice after slice, none twice, and ends by itself where it must."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.errors import InputRejected, OutcomeUnknown, VenueUnavailable
from polydesk.core.identifiers import TradeId
from polydesk.core.models import OrderSide, OrderStatus, PlacementResult, TimeInForce, Trade, TradeStatus
from polydesk.core.trading.approvals import Decision
from polydesk.core.trading.consent import LiveConsent
from polydesk.core.trading.intent import OrderIntent
from polydesk.core.trading.run_book import RunStatus
from polydesk.core.trading.slice_runs import SliceProgress, SliceRuns
from polydesk.core.trading.slicing import SlicedOrder
from polydesk.core.venues.venue import SignedTicket

if TYPE_CHECKING:
    from polydesk.core.identifiers import TokenId
    from polydesk.core.models import OrderBook
    from tests.core.conftest import MakeBook, MakeMarket
    from tests.core.trading.conftest import Bench, MakeBench

D = Decimal
Make = Callable[..., SlicedOrder]


@pytest.fixture
def sliced(make_market: MakeMarket) -> Make:
    def make(*, size: str = "40", side: OrderSide = OrderSide.BUY, price: str = "0.52", **how: Any) -> SlicedOrder:
        market = make_market()
        intent = OrderIntent(
            market=market,
            outcome=market.outcomes[0],
            side=side,
            size=D(size),
            price=D(price),
            time_in_force=TimeInForce.FAK,
        )
        return SlicedOrder(intent=intent, **({"slices": 4, "every_s": 10} | how))

    return make


def fills_everything(bench: Bench, *, status: TradeStatus = TradeStatus.CONFIRMED) -> None:
    """From now on each order trades whole at the best price."""

    def fill(signed: SignedTicket) -> None:
        ticket, book = signed.approved.ticket, bench.venue.order_book
        assert book is not None
        best = book.best_ask if ticket.side is OrderSide.BUY else book.best_bid
        assert best is not None
        shares = ticket.dollars / best.price if ticket.side is OrderSide.BUY else ticket.shares
        dollars = shares * best.price
        making, taking = (dollars, shares) if ticket.side is OrderSide.BUY else (shares, dollars)
        bench.venue.answer = PlacementResult(signed.order_id, "matched", making, taking, ())
        bench.venue.fills.append(
            Trade(
                id=TradeId(signed.order_id),
                order_id=signed.order_id,
                price=best.price,
                size=shares,
                timestamp=bench.clock.now(),
                market_id=ticket.condition_id,
                token_id=ticket.token_id,
                side=ticket.side,
                outcome="Yes",
                status=status,
                is_taker=True,
            )
        )

    bench.venue.before_submit = fill


async def pass_time(bench: Bench, seconds: int) -> None:
    """Second after second, with a book that is always of this moment."""
    for _ in range(seconds):
        await bench.clock.advance(1)
        if bench.venue.order_book is not None:
            bench.venue.order_book = dataclasses.replace(bench.venue.order_book, received_at=bench.clock.now())


async def latest(slices: SliceRuns) -> SliceProgress:
    return await slices.progress(slices.book.latest(1)[0])


async def test_equal_slices_trade_one_interval_apart(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench()
    fills_everything(bench)
    async with bench.open_slices() as slices:
        run, is_new = slices.start(sliced())
        assert is_new
        await pass_time(bench, 5)
        early = await latest(slices)
        assert (len(early.placed), early.filled.shares, early.remaining) == (1, D(10), D(30))
        assert early.next_at is not None
        await pass_time(bench, 40)
        done = await latest(slices)
    assert (done.run.status, done.run.cause, done.run.run_id) == (RunStatus.DONE, "all of it has traded", run.run_id)
    assert (done.filled.shares, done.filled.average_price, done.next_at) == (D(40), D("0.5"), None)
    moments = [record.created_at for record in done.placed]
    gaps = [(later - sooner).total_seconds() for sooner, later in itertools.pairwise(moments)]
    assert all(10 <= gap <= 11 for gap in gaps)
    assert [record.client_token for record in done.placed] == [f"{run.run_id}/{number}" for number in (1, 2, 3, 4)]


async def test_jitter_stays_within_its_part_and_is_the_same_for_the_same_run(
    make_bench: MakeBench, sliced: Make
) -> None:
    bench = make_bench()
    fills_everything(bench)
    order = sliced(jitter=D("0.5"))
    async with bench.open_slices() as slices:
        run, _ = slices.start(order)
        await pass_time(bench, 80)
        placed = (await latest(slices)).placed
    assert len(placed) == 4
    for number in range(1, 4):
        due = order.next_at(run.run_id, run.created_at, placed[:number])
        assert due == order.next_at(run.run_id, run.created_at, placed[:number])
        assert 5 <= (due - placed[number - 1].created_at).total_seconds() <= 15
        assert 0 <= (placed[number].created_at - due).total_seconds() <= 1


async def test_by_depth_no_slice_takes_more_than_its_share_of_what_rests(
    make_bench: MakeBench, sliced: Make, make_book: MakeBook
) -> None:
    bench = make_bench()
    fills_everything(bench)
    bench.venue.order_book = make_book(asks=(("0.50", "40"), ("0.51", "20"), ("0.60", "1000")))
    async with bench.open_slices() as slices:
        slices.start(sliced(size="40", slices=20, depth_share=D("0.25")))
        await pass_time(bench, 60)
        done = await latest(slices)
    assert done.run.status is RunStatus.DONE
    assert [record.intent.size for record in done.placed] == [D(15), D(15), D(10)]


async def test_a_book_that_is_too_thin_is_waited_for_until_the_time_is_over(
    make_bench: MakeBench, sliced: Make, make_book: MakeBook
) -> None:
    bench = make_bench()
    bench.venue.order_book = make_book(asks=(("0.50", "2"),))
    async with bench.open_slices() as slices:
        slices.start(sliced(depth_share=D("0.25")))
        await pass_time(bench, 90)
        assert (await latest(slices)).run.status is RunStatus.RUNNING
        await pass_time(bench, 30)
        ended = await latest(slices)
    assert (ended.run.status, ended.placed) == (RunStatus.STOPPED, ())
    assert "time was over" in ended.run.cause


async def test_what_a_slice_did_not_get_is_spread_over_the_others(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench()
    async with bench.open_slices() as slices:
        bench.venue.before_submit = lambda signed: setattr(
            bench.venue, "answer", PlacementResult(signed.order_id, "matched", D(2), D(4), ())
        )
        slices.start(sliced())
        await pass_time(bench, 45)
        ended = await latest(slices)
    assert [record.intent.size for record in ended.placed] == [D(10), D(12), D(16), D(28)]
    assert (ended.filled.shares, ended.remaining) == (D(16), D(24))
    assert (ended.run.status, ended.run.cause) == (
        RunStatus.DONE,
        "every slice was placed, and some of it found nobody to trade with",
    )


async def test_failed_trades_do_not_count_as_filled(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench()
    fills_everything(bench, status=TradeStatus.FAILED)
    async with bench.open_slices() as slices:
        slices.start(sliced())
        await pass_time(bench, 5)
        progress = await latest(slices)
    assert (len(progress.placed), progress.filled.shares, progress.remaining) == (1, D(0), D(40))


async def test_a_halt_ends_it_and_nothing_more_is_placed(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench()
    fills_everything(bench)
    async with bench.open_slices() as slices:
        slices.start(sliced())
        await pass_time(bench, 5)
        bench.desk.engage_halt("the user said so")
        await pass_time(bench, 30)
        ended = await latest(slices)
    assert (ended.run.status, len(ended.placed)) == (RunStatus.STOPPED, 1)
    assert "the user said so" in ended.run.cause


async def test_a_price_beyond_the_limit_ends_it(make_bench: MakeBench, sliced: Make, make_book: MakeBook) -> None:
    bench = make_bench()
    fills_everything(bench)
    async with bench.open_slices() as slices:
        slices.start(sliced())
        await pass_time(bench, 5)
        bench.venue.order_book = make_book(asks=(("0.53", "100"),), received_at=bench.clock.now())
        await pass_time(bench, 10)
        ended = await latest(slices)
    assert (ended.run.status, len(ended.placed)) == (RunStatus.STOPPED, 1)
    assert "0.52 or better" in ended.run.cause


async def test_a_limit_ends_it_and_is_named(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench(max_day_usd=D(12))
    fills_everything(bench)
    async with bench.open_slices() as slices:
        slices.start(sliced())
        await pass_time(bench, 45)
        ended = await latest(slices)
    assert ended.run.status is RunStatus.STOPPED
    assert ended.run.cause.startswith("a slice was refused")
    assert [record.status for record in ended.placed] == [OrderStatus.MATCHED] * 2 + [OrderStatus.REFUSED]
    assert ended.filled.shares == 20


async def test_it_is_stopped_by_a_call(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench()
    fills_everything(bench)
    async with bench.open_slices() as slices:
        run, _ = slices.start(sliced())
        await pass_time(bench, 5)
        stopped = slices.stop(run.run_id, "enough")
        await pass_time(bench, 30)
        assert (stopped.status, stopped.cause) == (RunStatus.STOPPED, "enough")
        assert slices.stop(run.run_id, "again").cause == "enough"
        assert len((await latest(slices)).placed) == 1
        with pytest.raises(InputRejected, match="no run"):
            slices.stop("r999", "?")


async def test_another_process_goes_on_where_the_first_one_ended(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench()
    fills_everything(bench)
    async with bench.open_slices() as slices:
        run, _ = slices.start(sliced())
        await pass_time(bench, 5)
    await pass_time(bench, 20)
    async with bench.open_slices() as again:
        await pass_time(bench, 45)
        done = await latest(again)
    assert (done.run.run_id, done.run.status) == (run.run_id, RunStatus.DONE)
    assert [record.client_token for record in done.placed] == [f"{run.run_id}/{number}" for number in (1, 2, 3, 4)]
    assert sum((fill.size for fill in bench.venue.fills), D(0)) == 40


async def test_a_process_beside_it_takes_a_run_over_when_its_own_is_gone(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench()
    fills_everything(bench)
    async with bench.open_slices() as beside:
        async with bench.open_slices() as slices:
            slices.start(sliced())
            await pass_time(bench, 5)
        await pass_time(bench, 15)
        assert len((await latest(beside)).placed) == 1
        beside.take_over()
        await pass_time(bench, 45)
        done = await latest(beside)
    assert (done.run.status, len(done.placed), done.filled.shares) == (RunStatus.DONE, 4, D(40))


async def test_one_that_was_away_for_too_long_does_not_catch_up(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench()
    fills_everything(bench)
    async with bench.open_slices() as slices:
        slices.start(sliced())
        await pass_time(bench, 5)
    await pass_time(bench, 200)
    async with bench.open_slices() as again:
        await pass_time(bench, 5)
        ended = await latest(again)
    assert (ended.run.status, len(ended.placed)) == (RunStatus.STOPPED, 1)
    assert "time was over" in ended.run.cause


async def test_a_slice_whose_process_died_right_after_it_is_not_placed_again(
    make_bench: MakeBench, sliced: Make
) -> None:
    bench = make_bench()
    fills_everything(bench)
    order = sliced()
    async with bench.open_slices() as slices:
        run, _ = slices.start(order)
        # The desk placed the first slice, and nothing of the run knew of it any more.
        await bench.desk.place(order.slice_intent(D(10)), client_token=f"{run.run_id}/1")
    async with bench.open_slices() as again:
        await pass_time(bench, 60)
        done = await latest(again)
    assert done.run.status is RunStatus.DONE
    assert sum((fill.size for fill in bench.venue.fills), D(0)) == 40
    assert len(bench.venue.submitted) == 4


async def test_a_repeated_call_begins_no_second_run(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench()
    fills_everything(bench)
    async with bench.open_slices() as slices:
        first, _ = slices.start(sliced())
        assert slices.start(sliced()) == (first, False)
        named, is_new = slices.start(sliced(), client_token="mine")
        assert is_new
        assert slices.start(sliced(), client_token="mine") == (named, False)
        with pytest.raises(InputRejected) as error:
            slices.start(sliced(size="80"), client_token="mine")
        assert error.value.code == "token_reused"
        slices.stop(first.run_id, "")
        slices.stop(named.run_id, "")


async def test_an_unknown_outcome_is_waited_for_and_never_sent_again(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench()
    bench.venue.answer = OutcomeUnknown("no answer")
    async with bench.open_slices() as slices:
        slices.start(sliced())
        await pass_time(bench, 15)
        waiting = await latest(slices)
        assert [record.status for record in waiting.placed] == [OrderStatus.UNKNOWN]
        fills_everything(bench)
        await pass_time(bench, 80)
        later = await latest(slices)
    # The venue never heard of the first: it is dead by now, and the others made up for it.
    assert next(record.status for record in later.placed) is OrderStatus.DEAD
    assert later.filled.shares == 40
    assert len({signed.order_id for signed in bench.venue.submitted}) == len(bench.venue.submitted)


async def test_a_venue_that_stays_away_ends_it(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench()
    bench.venue.answer = VenueUnavailable("down")
    async with bench.open_slices() as slices:
        slices.start(sliced())
        await pass_time(bench, 45)
        ended = await latest(slices)
    assert (ended.run.status, len(ended.placed)) == (RunStatus.STOPPED, 3)
    assert "down" in ended.run.cause


async def test_a_venue_that_refuses_to_be_read_for_a_while_is_asked_again(
    make_bench: MakeBench, sliced: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()
    fills_everything(bench)
    stale = InputRejected("stale prices", code="refused_by_venue")
    answers = itertools.chain([stale, None, stale], itertools.repeat(None))
    read = bench.venue.book

    async def book(token_id: TokenId) -> OrderBook | None:
        if (refusal := next(answers)) is not None:
            raise refusal
        return await read(token_id)

    monkeypatch.setattr(bench.venue, "book", book)
    async with bench.open_slices() as slices:
        slices.start(sliced())
        await pass_time(bench, 90)
        ended = await latest(slices)
    assert (ended.run.status, ended.filled.shares, len(ended.placed)) == (RunStatus.DONE, D(40), 4)


async def test_each_slice_waits_for_a_persons_yes(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench(LiveConsent(dialog=False, acknowledge_up_to=D(0)))
    fills_everything(bench)
    async with bench.desk, bench.open_slices() as slices:
        run, _ = slices.start(sliced())
        await pass_time(bench, 3)
        waiting = await latest(slices)
        assert waiting.waits_for is not None
        assert (len(waiting.placed), waiting.next_at) == (1, None)
        bench.approvals.decide(waiting.waits_for, Decision.APPROVED, bench.clock.now())
        await pass_time(bench, 15)
        second = await latest(slices)
        assert (len(second.placed), second.filled.shares) == (2, D(10))
        slices.stop(run.run_id, "enough")
        assert [record.status for record in (await latest(slices)).placed] == [
            OrderStatus.MATCHED,
            OrderStatus.REFUSED,
        ]


async def test_a_persons_no_ends_it(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench(LiveConsent(dialog=False, acknowledge_up_to=D(0)))
    async with bench.desk, bench.open_slices() as slices:
        slices.start(sliced())
        await pass_time(bench, 3)
        code = (await latest(slices)).waits_for
        assert code is not None
        bench.approvals.decide(code, Decision.DECLINED, bench.clock.now())
        await pass_time(bench, 15)
        ended = await latest(slices)
    assert ended.run.status is RunStatus.STOPPED
    assert "did not agree" in ended.run.cause


async def test_holdings_are_sold_in_slices(make_bench: MakeBench, sliced: Make) -> None:
    bench = make_bench()
    bench.venue.holding = D(40)
    fills_everything(bench)
    async with bench.open_slices() as slices:
        slices.start(sliced(side=OrderSide.SELL, price="0.47"))
        await pass_time(bench, 45)
        done = await latest(slices)
    assert (done.run.status, done.filled.shares, done.filled.average_price) == (RunStatus.DONE, D(40), D("0.48"))


@pytest.mark.parametrize(
    ("how", "code"),
    [({"size": "3"}, "below_minimum"), ({"price": "0.515"}, "price_off_tick"), ({"slices": 100}, "below_minimum")],
)
def test_what_cannot_be_split_is_refused_at_once(
    make_bench: MakeBench, sliced: Make, how: dict[str, Any], code: str
) -> None:
    bench = make_bench()
    slices = bench.open_slices()
    with pytest.raises(InputRejected) as error:
        slices.start(sliced(**how))
    assert error.value.code == code
    assert slices.book.latest(1) == []
