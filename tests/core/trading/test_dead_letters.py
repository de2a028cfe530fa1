"""What failed for good is kept, can become a new draft, and never acts by itself."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from polydesk.core.errors import InputRejected, OutcomeUnknown, VenueUnavailable
from polydesk.core.identifiers import OrderId
from polydesk.core.models import OrderSide, OrderStatus, PlacementResult, TradeStatus
from polydesk.core.trading.intent import OrderIntent

if TYPE_CHECKING:
    from tests.core.trading.conftest import Bench, MakeBench

D = Decimal


async def killed_order(bench: Bench, intent: OrderIntent) -> str:
    """An order that the venue never took; the id of its letter."""
    bench.venue.answer = VenueUnavailable("connection refused")
    with pytest.raises(VenueUnavailable):
        await bench.desk.place(intent)
    bench.venue.answer = None
    return bench.desk.letters.open()[-1].letter_id


async def test_an_order_that_never_reached_the_venue_is_kept_with_its_cause_and_body(
    make_bench: MakeBench, resting: OrderIntent
) -> None:
    bench = make_bench()
    await killed_order(bench, resting)
    (letter,) = bench.desk.letters.open()
    assert (letter.kind, letter.cause, letter.attempts) == ("order", "connection refused", 1)
    assert letter.body["ticket"]["price"] == "0.45"
    (record,) = bench.desk.journal
    assert (record.status, letter.attempt_id) == (OrderStatus.DEAD, record.attempt_id)


async def test_a_replayed_letter_is_a_draft_on_the_prices_of_now_and_ends_when_it_is_placed(
    make_bench: MakeBench, resting: OrderIntent
) -> None:
    bench = make_bench()
    letter_id = await killed_order(bench, resting)
    sent = len(bench.venue.submitted)
    await bench.clock.advance(300)
    assert bench.venue.order_book is not None
    bench.venue.order_book = dataclasses.replace(bench.venue.order_book, received_at=bench.clock.now())
    draft = await bench.desk.replay(letter_id)
    assert draft.plan.book.received_at == bench.clock.now()
    assert len(bench.venue.submitted) == sent
    assert bench.desk.letters.open()  # a draft may expire unused
    await bench.desk.place(draft.plan.intent, draft_id=draft.draft_id, named=True)
    assert len(bench.venue.submitted) == sent + 1
    assert not bench.desk.letters.open()
    with pytest.raises(InputRejected, match="no dead letter"):
        await bench.desk.replay(letter_id)


async def test_a_dropped_letter_is_gone(make_bench: MakeBench, resting: OrderIntent) -> None:
    bench = make_bench()
    letter_id = await killed_order(bench, resting)
    bench.desk.letters.drop(letter_id, now=bench.clock.now())
    assert not bench.desk.letters.open()
    with pytest.raises(InputRejected):
        bench.desk.letters.drop(letter_id, now=bench.clock.now())


@pytest.mark.parametrize("error", [VenueUnavailable("down"), OutcomeUnknown("timed out")])
async def test_a_cancel_that_failed_is_kept_and_names_what_may_still_rest(
    make_bench: MakeBench, error: Exception
) -> None:
    bench = make_bench()

    async def fail(order_ids: object) -> object:
        raise error

    bench.venue.cancel = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(type(error)):
        await bench.desk.cancels.of((OrderId("0x1"),))
    (letter,) = bench.desk.letters.open()
    assert (letter.kind, letter.body) == ("cancel", {"order_ids": ["0x1"]})
    with pytest.raises(InputRejected, match="simply be asked for again"):
        await bench.desk.replay(letter.letter_id)


async def test_an_order_refused_for_what_it_is_leaves_no_letter(make_bench: MakeBench, resting: OrderIntent) -> None:
    from polydesk.core.errors import OrderError

    bench = make_bench()
    bench.venue.answer = OrderError("breaks minimum tick size", code="tick")
    with pytest.raises(OrderError):
        await bench.desk.place(resting)
    assert not bench.desk.letters.open()


async def test_orders_of_one_side_and_age_are_cancelled_and_no_others(
    make_bench: MakeBench, resting: OrderIntent
) -> None:
    from tests.core.trading.test_desk import as_known

    bench = make_bench()
    now = bench.clock.now()
    for number, (side, age) in enumerate(((OrderSide.BUY, 100), (OrderSide.SELL, 100), (OrderSide.BUY, 10))):
        order_id = OrderId(f"0x{number}")
        known = as_known(order_id, now - timedelta(seconds=age), "LIVE")
        bench.venue.known[order_id] = dataclasses.replace(known, side=side)
    await bench.desk.cancels.of_kind(side=OrderSide.BUY, older_than=timedelta(seconds=60), condition_id=None)
    assert bench.venue.cancelled == ["0x0"]
    none = await bench.desk.cancels.of_kind(side=None, older_than=timedelta(days=1), condition_id=None)
    assert none.result.canceled == ()
    await bench.desk.cancels.of_kind(side=OrderSide.SELL, older_than=None, condition_id=None)
    assert bench.venue.cancelled == ["0x0", "0x1"]


async def test_a_batch_passes_the_gate_whole_or_not_at_all(make_bench: MakeBench, resting: OrderIntent) -> None:
    bench = make_bench(max_open_orders=2)
    orders = [(dataclasses.replace(resting, price=D(price)), None) for price in ("0.45", "0.44", "0.43")]
    with pytest.raises(InputRejected, match="2 orders already rest"):
        await bench.desk.place_all(orders)
    assert not bench.venue.submitted
    assert {record.status for record in bench.desk.journal} == {OrderStatus.REFUSED}
    placed = await bench.desk.place_all(orders[:2])
    assert [each.record.status for each in placed] == [OrderStatus.LIVE] * 2
    again = await bench.desk.place_all(orders[:2])
    assert [each.already_placed for each in again] == [True, True]
    assert len(bench.venue.submitted) == 2


async def test_the_venue_answers_to_each_order_of_a_batch(make_bench: MakeBench, resting: OrderIntent) -> None:
    bench = make_bench(max_open_orders=5)
    answers: list[object] = [None, VenueUnavailable("down"), OutcomeUnknown("timed out")]

    async def submit(signed: object) -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return PlacementResult(signed.order_id, "live", D(0), D(0), ())  # type: ignore[attr-defined]

    bench.venue.submit = submit  # type: ignore[method-assign, assignment]
    orders = [(dataclasses.replace(resting, price=D(price)), f"t{price}") for price in ("0.45", "0.44", "0.43")]
    placed = await bench.desk.place_all(orders)
    assert [each.record.status for each in placed] == [OrderStatus.LIVE, OrderStatus.DEAD, OrderStatus.UNKNOWN]
    assert len(bench.desk.letters.open()) == 1


async def test_a_halt_by_file_cancels_everything_and_is_repeated_until_it_works(
    make_bench: MakeBench, resting: OrderIntent
) -> None:
    bench = make_bench()
    async with bench.desk:
        await bench.desk.place(resting)
        works = bench.venue.cancel_all
        tries = []

        async def fail() -> object:
            tries.append(bench.clock.now())
            raise VenueUnavailable("down")

        bench.venue.cancel_all = fail  # type: ignore[method-assign, assignment]
        bench.kill_switch.engage("somebody wrote the file", bench.clock.now())
        await bench.clock.advance(3)
        assert len(tries) >= 3
        bench.venue.cancel_all = works  # type: ignore[method-assign]
        await bench.clock.advance(1)
        assert len(bench.venue.cancelled) == 1
        await bench.clock.advance(5)
        assert len(bench.venue.cancelled) == 1
    assert bench.desk.halt is not None


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
async def test_a_signal_halts_the_desk_and_cancels_everything(make_bench: MakeBench, resting: OrderIntent) -> None:
    bench = make_bench()
    async with bench.desk:
        await bench.desk.place(resting)
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.sleep(0)  # the loop hears of the signal
        await bench.clock.advance(2)
        assert bench.desk.halt is not None
        assert "signal" in bench.desk.halt.reason
        assert len(bench.venue.cancelled) == 1
        with pytest.raises(InputRejected, match="halted"):
            await bench.desk.place(resting, client_token="another")


async def test_balances_are_read_anew_once_for_each_fill_that_settled(
    make_bench: MakeBench, resting: OrderIntent
) -> None:
    from tests.core.trading.test_desk import a_fill

    bench = make_bench()
    record = (await bench.desk.place(resting)).record
    await bench.desk.refresh()
    for status, refreshed in (
        (TradeStatus.MATCHED, []),
        (TradeStatus.MINED, [resting.outcome.token_id, None]),
        (TradeStatus.CONFIRMED, [resting.outcome.token_id, None]),
    ):
        bench.venue.fills = [a_fill(record, bench.clock.now(), status)]
        await bench.desk.refresh()
        assert bench.venue.refreshed == refreshed


def test_every_refusal_of_the_venue_that_the_client_knows_has_a_fix() -> None:
    from polydesk.core.polymarket import rejections
    from polydesk.core.trading.venue_fixes import fix_for

    internal = {"batch_too_large", "invalid_payload", "nonce", "canceled_on_chain", "not_found"}
    assert {rule.code for rule in rejections._RULES if not fix_for(rule.code)} == internal
