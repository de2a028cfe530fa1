"""An order is placed once, never forgotten, and never past a control or a person."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.errors import (
    InputRejected,
    OrderError,
    OutcomeUnknown,
    PolymarketAPIError,
    RateLimitError,
    RiskRefused,
    UnexpectedPayload,
    VenueUnavailable,
)
from polydesk.core.identifiers import ConditionId, OrderId, TradeId
from polydesk.core.models import (
    OpenOrder,
    OrderSide,
    OrderStatus,
    PlacementResult,
    TimeInForce,
    Trade,
    TradeStatus,
)
from polydesk.core.trading.approvals import Decision
from polydesk.core.trading.consent import Consent, ConsentKind, LiveConsent
from polydesk.core.trading.intent import OrderIntent
from polydesk.core.trading.order_record import OrderRecord
from polydesk.core.trading.order_states import LEGAL_MOVES, IllegalMove, check_move

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook, MakeMarket
    from tests.core.trading.conftest import Bench, MakeBench

D = Decimal


@pytest.fixture
def intent(make_market: MakeMarket) -> Any:
    def make(**fields: Any) -> OrderIntent:
        market = make_market()
        if not fields.keys() & {"size", "spend_usd"}:
            fields["size"] = D(10)
        return OrderIntent(market=market, outcome=market.outcomes[0], **({"side": OrderSide.BUY} | fields))

    return make


def as_known(order_id: OrderId, now: datetime, status: str, *, matched: str = "0", size: str = "10") -> OpenOrder:
    return OpenOrder(
        id=order_id,
        status=status,
        condition_id=None,  # type: ignore[arg-type]
        token_id=None,  # type: ignore[arg-type]
        side=OrderSide.BUY,
        original_size=D(size),
        size_matched=D(matched),
        price=D("0.45"),
        outcome="Yes",
        time_in_force=TimeInForce.GTC,
        created_at=now,
        expires_at=None,
        trade_ids=(),
    )


def a_fill(record: OrderRecord, now: datetime, status: TradeStatus) -> Trade:
    assert record.order_id is not None
    return Trade(
        id=TradeId("t"),
        order_id=record.order_id,
        price=D("0.45"),
        size=D(10),
        timestamp=now,
        market_id=record.intent.market.condition_id,
        token_id=record.intent.outcome.token_id,
        side=OrderSide.BUY,
        outcome="Yes",
        status=status,
        is_taker=False,
    )


async def test_the_hash_is_in_the_journal_before_the_first_byte_leaves(
    make_bench: MakeBench, resting: OrderIntent
) -> None:
    bench = make_bench()
    seen: list[OrderStatus] = []

    def look(signed: Any) -> None:
        record = bench.desk.journal.by_order(signed.order_id)
        assert record is not None
        seen.append(record.status)

    bench.venue.before_submit = look
    placement = await bench.desk.place(resting)
    assert seen == [OrderStatus.SENDING]
    assert placement.record.status is OrderStatus.LIVE


@pytest.mark.parametrize(
    "error",
    [
        OutcomeUnknown("timed out"),
        UnexpectedPayload("not JSON", path="orderID", anything_sent="unknown"),
        asyncio.CancelledError(),
        RuntimeError("a defect"),
    ],
)
async def test_a_lost_answer_blocks_the_market_until_the_venue_says_what_happened(
    make_bench: MakeBench, resting: OrderIntent, intent: Any, error: BaseException
) -> None:
    bench = make_bench()
    bench.venue.answer = error
    with pytest.raises(BaseException) as caught:
        await bench.desk.place(resting)
    assert isinstance(caught.value, OutcomeUnknown | asyncio.CancelledError | RuntimeError)
    (unknown,) = bench.desk.journal.unknown()
    bench.venue.answer = None

    with pytest.raises(RiskRefused) as refused:
        await bench.desk.place(intent(size=D(20)))
    assert refused.value.control == "unknown_order"
    assert len(bench.venue.submitted) == 1

    assert unknown.order_id is not None
    bench.venue.known[unknown.order_id] = as_known(unknown.order_id, bench.clock.now(), "LIVE")
    await bench.desk.place(intent(size=D(20)))
    found = bench.desk.journal.get(unknown.attempt_id)
    assert found is not None
    assert found.status is OrderStatus.LIVE


async def test_repeating_a_call_whose_answer_was_lost_sends_nothing(
    make_bench: MakeBench, resting: OrderIntent
) -> None:
    bench = make_bench()
    bench.venue.answer = OutcomeUnknown("timed out")
    with pytest.raises(OutcomeUnknown):
        await bench.desk.place(resting, client_token="t")
    again = await bench.desk.place(resting, client_token="t")
    assert again.already_placed
    assert again.record.status is OrderStatus.UNKNOWN
    assert len(bench.venue.submitted) == 1


async def test_an_order_the_venue_never_saw_is_given_up_after_a_minute(
    make_bench: MakeBench, resting: OrderIntent
) -> None:
    bench = make_bench()
    bench.venue.answer = OutcomeUnknown("timed out")
    with pytest.raises(OutcomeUnknown):
        await bench.desk.place(resting)
    await bench.desk.orders()
    assert bench.desk.journal.unknown()
    await bench.clock.advance(61)
    await bench.desk.orders()
    (record,) = bench.desk.journal
    assert record.status is OrderStatus.DEAD
    assert record.refusal is not None
    assert record.refusal.code == "never_arrived"


@pytest.mark.parametrize(
    ("word", "matched", "status"),
    [
        ("MATCHED", "10", OrderStatus.MATCHED),
        ("LIVE", "10", OrderStatus.MATCHED),
        ("LIVE", "3", OrderStatus.LIVE),
        ("CANCELED", "0", OrderStatus.CANCELED),
        ("CANCELED_EXPIRED_ORDER", "0", OrderStatus.EXPIRED),
        ("INVALID", "0", OrderStatus.CANCELED),
        ("DELAYED", "0", OrderStatus.DELAYED),
    ],
)
async def test_every_word_of_the_venue_settles_an_unknown_order(
    make_bench: MakeBench, resting: OrderIntent, word: str, matched: str, status: OrderStatus
) -> None:
    bench = make_bench()
    bench.venue.answer = OutcomeUnknown("timed out")
    with pytest.raises(OutcomeUnknown):
        await bench.desk.place(resting)
    (record,) = bench.desk.journal
    assert record.order_id is not None
    bench.venue.known[record.order_id] = as_known(record.order_id, bench.clock.now(), word, matched=matched)
    await bench.desk.orders()
    assert next(iter(bench.desk.journal)).status is status


async def test_an_order_gone_from_the_book_with_a_fill_was_matched_and_without_one_cancelled(
    make_bench: MakeBench, resting: OrderIntent, intent: Any
) -> None:
    bench = make_bench()
    first = (await bench.desk.place(resting)).record
    second = (await bench.desk.place(intent(price=D("0.44"), time_in_force=TimeInForce.GTC))).record
    assert first.order_id is not None
    bench.venue.fills.append(a_fill(first, bench.clock.now(), TradeStatus.CONFIRMED))
    views = {view.record.attempt_id: view for view in await bench.desk.orders() if view.record}
    assert views[first.attempt_id].status is OrderStatus.MATCHED
    assert views[first.attempt_id].average_price == D("0.45")
    assert views[second.attempt_id].status is OrderStatus.CANCELED


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (OrderError("no", code="tick"), "tick", OrderStatus.REJECTED),
        (OrderError("not now", code="post_only_mode", restriction="post_only"), "post_only_mode", OrderStatus.DEAD),
        (RateLimitError("slow down", retry_after_s=1), "RateLimitError", OrderStatus.DEAD),
        (VenueUnavailable("refused"), "VenueUnavailable", OrderStatus.DEAD),
    ],
)
async def test_a_clear_no_is_recorded_and_frees_the_token(
    make_bench: MakeBench, resting: OrderIntent, error: PolymarketAPIError, code: str, status: OrderStatus
) -> None:
    bench = make_bench()
    bench.venue.answer = error
    with pytest.raises(type(error)):
        await bench.desk.place(resting, client_token="t")
    (record,) = bench.desk.journal
    assert record.status is status
    assert record.refusal is not None
    assert record.refusal.code == code
    bench.venue.answer = None
    assert not (await bench.desk.place(resting, client_token="t")).already_placed


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("live", OrderStatus.LIVE),
        ("delayed", OrderStatus.DELAYED),
        ("unmatched", OrderStatus.LIVE),
        ("", OrderStatus.UNKNOWN),
    ],
)
async def test_each_answer_of_the_venue_has_one_meaning(
    make_bench: MakeBench, resting: OrderIntent, answer: str, status: OrderStatus
) -> None:
    bench = make_bench()
    bench.venue.answer = PlacementResult(OrderId("0x" + "0" * 63 + "1"), answer, D(0), D(0), ())
    assert (await bench.desk.place(resting)).record.status is status


async def test_the_rest_of_a_partly_matched_order_is_open(make_bench: MakeBench, resting: OrderIntent) -> None:
    bench = make_bench()
    order_id = OrderId("0x" + "0" * 63 + "1")
    bench.venue.answer = PlacementResult(order_id, "matched", D(1), D(2), ())
    bench.venue.known[order_id] = as_known(order_id, bench.clock.now(), "LIVE", matched="2")
    assert (await bench.desk.place(resting)).record.status is OrderStatus.LIVE


async def test_too_many_resting_orders_are_refused(make_bench: MakeBench, intent: Any) -> None:
    bench = make_bench(max_open_orders=1)
    first = (await bench.desk.place(intent(price=D("0.45"), time_in_force=TimeInForce.GTC))).record
    assert first.order_id is not None
    bench.venue.known[first.order_id] = as_known(first.order_id, bench.clock.now(), "LIVE")
    with pytest.raises(RiskRefused) as refused:
        await bench.desk.place(intent(price=D("0.44"), time_in_force=TimeInForce.GTC))
    assert refused.value.control == "open_orders"


async def test_a_stale_book_and_a_far_price_are_refused(make_bench: MakeBench, intent: Any) -> None:
    bench = make_bench()
    await bench.clock.advance(11)
    with pytest.raises(RiskRefused) as stale:
        await bench.desk.place(intent())
    assert stale.value.control == "book_age"
    fresh = make_bench()
    with pytest.raises(RiskRefused) as far:
        await fresh.desk.place(intent(max_slippage=D("0.4")))
    assert far.value.control == "price_band"


async def test_a_market_without_a_book_is_refused(make_bench: MakeBench, intent: Any) -> None:
    bench = make_bench()
    bench.venue.order_book = None
    with pytest.raises(InputRejected) as refused:
        await bench.desk.place(intent())
    assert refused.value.code == "market_closed"


async def test_cancelling_moves_the_records(make_bench: MakeBench, resting: OrderIntent) -> None:
    bench = make_bench()
    record = (await bench.desk.place(resting)).record
    assert record.order_id is not None
    await bench.desk.cancels.of((record.order_id,))
    assert next(iter(bench.desk.journal)).status is OrderStatus.CANCELED
    assert (await bench.desk.cancels.of_market(record.intent.market.condition_id)).result.canceled == (record.order_id,)


async def test_a_draft_expires_and_is_used_once(make_bench: MakeBench, intent: Any) -> None:
    bench = make_bench()
    draft = await bench.desk.preview(intent())
    placed = await bench.desk.place(draft.plan.intent, draft_id=draft.draft_id, named=True)
    again = await bench.desk.place(draft.plan.intent, draft_id=draft.draft_id, named=True)
    assert again.already_placed
    assert again.record.attempt_id == placed.record.attempt_id
    other = await bench.desk.preview(intent(size=D(11)))
    await bench.clock.advance(301)
    with pytest.raises(InputRejected) as expired:
        bench.desk.draft(other.draft_id)
    assert expired.value.code == "unknown_draft"


def live(*, dialog: bool = False, acknowledge: str = "0") -> LiveConsent:
    return LiveConsent(dialog=dialog, acknowledge_up_to=D(acknowledge))


async def _answer(bench: Bench, decision: Decision | None) -> OrderStatus:
    (record,) = bench.desk.journal
    assert record.approval is not None
    if decision is not None:
        assert bench.approvals.decide(record.approval.code, decision, bench.clock.now())
    await bench.clock.advance(1)
    (record,) = bench.desk.journal
    return record.status


async def test_a_persons_yes_sends_exactly_what_the_person_saw(
    make_bench: MakeBench, make_book: MakeBook, intent: Any
) -> None:
    bench = make_bench(live())
    placement = await bench.desk.place(intent())
    assert placement.record.status is OrderStatus.AWAITING_PERSON
    (request,) = bench.approvals.pending(bench.clock.now())
    assert "at 0.52 or better" in request.question
    assert "costing at most $5.15" in request.question
    assert "Will it rain?" in request.question
    await bench.clock.advance(10)
    assert bench.venue.submitted == []
    bench.venue.order_book = make_book(asks=(("0.51", "100"), ("0.70", "500")), received_at=bench.clock.now())
    assert await _answer(bench, Decision.APPROVED) is OrderStatus.LIVE
    (sent,) = bench.venue.submitted
    assert placement.record.plan is not None
    assert sent.approved.ticket == placement.record.plan.ticket
    assert bench.approvals.read(request.code, bench.clock.now()) is None


async def test_a_persons_no_or_silence_sends_nothing(make_bench: MakeBench, intent: Any) -> None:
    declined = make_bench(live())
    await declined.desk.place(intent())
    assert await _answer(declined, Decision.DECLINED) is OrderStatus.REFUSED
    silent = make_bench(live())
    await silent.desk.place(intent())
    await silent.clock.advance(301)
    assert await _answer(silent, None) is OrderStatus.EXPIRED
    assert declined.venue.submitted == silent.venue.submitted == []


async def test_an_order_that_can_no_longer_trade_as_shown_is_not_sent(
    make_bench: MakeBench, make_book: MakeBook, intent: Any
) -> None:
    bench = make_bench(live())
    await bench.desk.place(intent())
    bench.venue.order_book = make_book(asks=(("0.53", "100"),))
    assert await _answer(bench, Decision.APPROVED) is OrderStatus.REFUSED
    (record,) = bench.desk.journal
    assert record.refusal is not None
    assert record.refusal.code == "price_moved"
    assert bench.venue.submitted == []


async def test_a_rejection_after_a_persons_yes_is_in_the_journal(make_bench: MakeBench, intent: Any) -> None:
    bench = make_bench(live())
    bench.venue.answer = OrderError("no", code="tick")
    await bench.desk.place(intent())
    assert await _answer(bench, Decision.APPROVED) is OrderStatus.REJECTED


@pytest.mark.parametrize("how", ["cancel_all", "cancel_market", "engage_halt", "aclose"])
async def test_what_waits_for_a_person_can_be_withdrawn(make_bench: MakeBench, intent: Any, how: str) -> None:
    bench = make_bench(live())
    record = (await bench.desk.place(intent())).record
    assert record.approval is not None
    match how:
        case "cancel_all":
            assert (await bench.desk.cancels.of_everything()).withdrawn == (record.attempt_id,)
        case "cancel_market":
            cancellation = await bench.desk.cancels.of_market(record.intent.market.condition_id)
            assert cancellation.withdrawn == (record.attempt_id,)
        case "engage_halt":
            bench.desk.engage_halt("enough")
        case _:
            await bench.desk.aclose()
    assert bench.approvals.pending(bench.clock.now()) == []
    assert bench.approvals.decide(record.approval.code, Decision.APPROVED, bench.clock.now()) is None
    await bench.clock.advance(1)
    assert bench.desk.journal.current(record).status is OrderStatus.REFUSED
    assert bench.venue.submitted == []


async def test_selling_needs_nobodys_consent(make_bench: MakeBench, intent: Any) -> None:
    bench = make_bench(live())
    bench.venue.holding = D(50)
    placement = await bench.desk.place(intent(side=OrderSide.SELL))
    assert placement.record.status is OrderStatus.LIVE


async def test_the_hosts_dialog_decides_where_there_is_one(make_bench: MakeBench, intent: Any) -> None:
    bench = make_bench(live(dialog=True))
    draft = await bench.desk.draft_to_ask(intent())
    bench.desk.ask_about(draft)
    assert (await bench.desk.draft_to_ask(intent())).draft_id == draft.draft_id
    assert bench.desk.consent_for(draft.plan, host_can_ask=True) is ConsentKind.DIALOG
    with pytest.raises(InputRejected) as unasked:
        await bench.desk.place(intent(), draft_id=draft.draft_id, consent=Consent(host_can_ask=True))
    assert unasked.value.code == "not_confirmed"
    # That question is settled; the next one is about the present.
    assert (await bench.desk.draft_to_ask(intent())).draft_id != draft.draft_id
    yes = Consent(host_can_ask=True, agreed_by_user=True)
    with pytest.raises(InputRejected):
        await bench.desk.place(intent(size=D(13)), consent=yes)  # a yes without the draft it was given to
    agreed = await bench.desk.place(intent(), draft_id=draft.draft_id, consent=yes)
    assert agreed.record.status is OrderStatus.LIVE
    without_dialog = await bench.desk.place(intent(size=D(12)))
    assert without_dialog.record.status is OrderStatus.AWAITING_PERSON
    await bench.desk.aclose()


async def test_small_orders_may_be_acknowledged_by_repeating_their_worst_cost(
    make_bench: MakeBench, intent: Any
) -> None:
    bench = make_bench(live(acknowledge="10"))
    with pytest.raises(InputRejected) as missing:
        await bench.desk.place(intent())
    assert missing.value.code == "acknowledgement_needed"
    draft = await bench.desk.preview(intent())
    with pytest.raises(InputRejected) as wrong:
        await bench.desk.place(intent(), draft_id=draft.draft_id, consent=Consent(acknowledged_usd=D(1)))
    assert wrong.value.code == "acknowledgement_differs"
    # The refused draft is as good as before.
    placed = await bench.desk.place(
        intent(), draft_id=draft.draft_id, consent=Consent(acknowledged_usd=draft.plan.worst_cost)
    )
    assert placed.record.status is OrderStatus.LIVE
    odd = await bench.desk.preview(intent(size=D("12.34"), price=D("0.37"), time_in_force=TimeInForce.GTC))
    assert odd.plan.worst_cost == round(odd.plan.worst_cost, 6)
    large = await bench.desk.place(intent(size=D(100)))
    assert large.record.status is OrderStatus.AWAITING_PERSON
    await bench.desk.aclose()


async def test_a_draft_is_sent_as_shown_whatever_the_book_does_meanwhile(
    make_bench: MakeBench, make_book: MakeBook, intent: Any
) -> None:
    bench = make_bench()
    draft = await bench.desk.preview(intent(spend_usd=D(20)))
    bench.venue.order_book = make_book(asks=(("0.51", "1000"),))
    await bench.desk.place(draft.plan.intent, draft_id=draft.draft_id, named=True)
    assert bench.venue.submitted[0].approved.ticket == draft.plan.ticket

    beyond = await bench.desk.preview(intent(spend_usd=D(21)))
    bench.venue.order_book = make_book(asks=(("0.60", "1000"),))
    with pytest.raises(InputRejected) as moved:
        await bench.desk.place(beyond.plan.intent, draft_id=beyond.draft_id, named=True)
    assert moved.value.code == "price_moved"


async def test_calls_that_race_for_one_draft_place_it_once(make_bench: MakeBench, intent: Any) -> None:
    bench = make_bench()
    bench.venue.gate = asyncio.Event()
    draft = await bench.desk.preview(intent())
    calls = [
        asyncio.create_task(bench.desk.place(draft.plan.intent, draft_id=draft.draft_id, named=True)) for _ in range(5)
    ]
    await bench.clock.advance(0)
    bench.venue.gate.set()
    placements = await asyncio.gather(*calls)
    assert len(bench.venue.submitted) == 1
    assert len({placement.record.attempt_id for placement in placements}) == 1
    assert sum(not placement.already_placed for placement in placements) == 1


@pytest.mark.parametrize("error", [OrderError("no", code="tick"), RateLimitError("slow", retry_after_s=1)])
async def test_a_draft_whose_order_the_venue_refused_can_be_placed_again(
    make_bench: MakeBench, intent: Any, error: PolymarketAPIError
) -> None:
    bench = make_bench()
    draft = await bench.desk.preview(intent())
    bench.venue.answer = error
    with pytest.raises(type(error)):
        await bench.desk.place(draft.plan.intent, draft_id=draft.draft_id, named=True)
    bench.venue.answer = None
    assert not (await bench.desk.place(draft.plan.intent, draft_id=draft.draft_id, named=True)).already_placed


async def test_a_halt_waits_for_orders_on_their_way_before_it_cancels(
    make_bench: MakeBench, resting: OrderIntent
) -> None:
    bench = make_bench()
    bench.venue.gate = asyncio.Event()
    placing = asyncio.create_task(bench.desk.place(resting))
    await bench.clock.advance(0)
    assert len(bench.venue.submitted) == 1
    bench.desk.engage_halt("enough")
    halting = asyncio.create_task(bench.desk.cancels.of_everything())
    await bench.clock.advance(0)
    assert bench.venue.cancelled == []
    bench.venue.gate.set()
    record = (await placing).record
    assert (await halting).result.canceled == (record.order_id,)


async def test_an_order_that_lands_on_a_halted_desk_is_taken_off_again(
    make_bench: MakeBench, resting: OrderIntent
) -> None:
    bench = make_bench()
    bench.venue.gate = asyncio.Event()
    placing = asyncio.create_task(bench.desk.place(resting))
    await bench.clock.advance(0)
    bench.desk.engage_halt("enough")
    bench.venue.gate.set()
    record = (await placing).record
    assert bench.venue.cancelled == [record.order_id]
    assert record.status is OrderStatus.CANCELED


async def test_cancelling_all_names_what_may_rest_after_all(make_bench: MakeBench, resting: OrderIntent) -> None:
    bench = make_bench()
    bench.venue.answer = OutcomeUnknown("timed out")
    with pytest.raises(OutcomeUnknown):
        await bench.desk.place(resting)
    (record,) = bench.desk.journal
    bench.venue.submitted.clear()  # the venue has not seen it, so it cannot cancel it
    assert (await bench.desk.cancels.of_everything()).on_their_way == (record.attempt_id,)


async def test_an_order_withdrawn_while_its_release_reads_prices_is_not_sent(
    make_bench: MakeBench, intent: Any
) -> None:
    bench = make_bench(live())
    record = (await bench.desk.place(intent())).record
    reading, go_on = asyncio.Event(), asyncio.Event()
    book = bench.venue.order_book

    async def slow_book(token_id: Any) -> Any:
        reading.set()
        await go_on.wait()
        return book

    bench.venue.book = slow_book  # type: ignore[method-assign]
    assert record.approval is not None
    bench.approvals.decide(record.approval.code, Decision.APPROVED, bench.clock.now())
    await bench.clock.advance(1)
    await reading.wait()
    assert (await bench.desk.cancels.of_everything()).withdrawn == (record.attempt_id,)
    go_on.set()
    await bench.clock.advance(1)
    assert bench.venue.submitted == []
    assert bench.desk.journal.current(record).status is OrderStatus.REFUSED


async def test_a_draft_a_person_declined_is_refused_and_not_called_placed(make_bench: MakeBench, intent: Any) -> None:
    bench = make_bench(live())
    draft = await bench.desk.preview(intent())
    await bench.desk.place(draft.plan.intent, draft_id=draft.draft_id, named=True)
    assert await _answer(bench, Decision.DECLINED) is OrderStatus.REFUSED
    with pytest.raises(InputRejected) as refused:
        await bench.desk.place(draft.plan.intent, draft_id=draft.draft_id, named=True)
    assert refused.value.code == "draft_refused"


async def test_a_call_abandoned_while_the_rest_is_looked_up_leaves_the_order_open(
    make_bench: MakeBench, resting: OrderIntent
) -> None:
    bench = make_bench()
    order_id = OrderId("0x" + "0" * 63 + "1")
    bench.venue.answer = PlacementResult(order_id, "matched", D(1), D(2), ())
    looking = asyncio.Event()

    async def hang(_: OrderId) -> OpenOrder | None:
        looking.set()
        await asyncio.Event().wait()
        return None

    bench.venue.order = hang  # type: ignore[method-assign, assignment]
    placing = asyncio.create_task(bench.desk.place(resting))
    await looking.wait()
    placing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await placing
    (record,) = bench.desk.journal
    assert record.status is OrderStatus.LIVE


async def test_orders_on_their_way_count_against_the_limit(
    make_bench: MakeBench, intent: Any, make_market: MakeMarket
) -> None:
    bench = make_bench(max_open_orders=1)
    bench.venue.gate = asyncio.Event()
    placing = asyncio.create_task(bench.desk.place(intent(price=D("0.45"), time_in_force=TimeInForce.GTC)))
    await bench.clock.advance(0)
    elsewhere = dataclasses.replace(
        intent(price=D("0.44"), time_in_force=TimeInForce.GTC),
        market=make_market(condition_id=ConditionId("0x" + "cd" * 32)),
    )
    with pytest.raises(RiskRefused) as refused:
        await bench.desk.place(elsewhere)
    assert refused.value.control == "open_orders"
    bench.venue.gate.set()
    await placing


@pytest.mark.parametrize("error", [RuntimeError("a defect"), asyncio.CancelledError()])
async def test_whatever_fails_before_the_signature_leaves_no_half_made_record(
    make_bench: MakeBench, intent: Any, error: BaseException
) -> None:
    bench = make_bench()

    def fail(approved: Any) -> Any:
        raise error

    bench.venue.sign = fail  # type: ignore[method-assign]
    with pytest.raises(BaseException) as caught:
        await bench.desk.place(intent())
    if isinstance(error, RuntimeError):
        assert isinstance(caught.value, PolymarketAPIError)
        assert caught.value.anything_sent == "no"
    (record,) = bench.desk.journal
    assert record.status is OrderStatus.REFUSED


async def test_a_look_that_finds_an_order_just_cancelled_leaves_it_so(
    make_bench: MakeBench, resting: OrderIntent
) -> None:
    bench = make_bench()
    record = (await bench.desk.place(resting)).record
    assert record.order_id is not None
    looked_up = asyncio.Event()
    answer = asyncio.Event()

    async def slow_order(order_id: OrderId) -> OpenOrder | None:
        looked_up.set()
        await answer.wait()
        return as_known(order_id, bench.clock.now(), "LIVE")

    bench.venue.order = slow_order  # type: ignore[method-assign]
    looking = asyncio.create_task(bench.desk.orders())
    await looked_up.wait()
    await bench.desk.cancels.of((record.order_id,))
    answer.set()
    await looking
    assert bench.desk.journal.current(record).status is OrderStatus.CANCELED


async def test_a_cancelled_order_can_be_placed_again_at_once(make_bench: MakeBench, resting: OrderIntent) -> None:
    bench = make_bench()
    first = (await bench.desk.place(resting)).record
    assert first.order_id is not None
    await bench.desk.cancels.of((first.order_id,))
    assert not (await bench.desk.place(resting)).already_placed


async def test_a_failed_trade_is_no_fill(make_bench: MakeBench, resting: OrderIntent) -> None:
    bench = make_bench()
    record = (await bench.desk.place(resting)).record
    assert record.order_id is not None
    bench.venue.fills.append(a_fill(record, bench.clock.now(), TradeStatus.FAILED))
    assert await bench.desk.fills_of(record.order_id) == ()
    (view,) = await bench.desk.orders()
    assert view.filled == 0


@pytest.mark.parametrize("before", list(OrderStatus))
@pytest.mark.parametrize("after", list(OrderStatus))
def test_only_moves_in_the_table_are_made(before: OrderStatus, after: OrderStatus) -> None:
    if after is before or after in LEGAL_MOVES[before]:
        check_move(before, after)
    else:
        with pytest.raises(IllegalMove):
            check_move(before, after)
