"""After a crash at any point every order reaches its true state, and none is sent again."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import InputRejected, OutcomeUnknown, VenueUnavailable
from polydesk.core.models import OrderStatus, TradeStatus
from polydesk.core.risk.limits import RiskLimits
from polydesk.core.storage.audit_log import AuditLog, check_chain
from polydesk.core.storage.database import Database
from polydesk.core.storage.processes import ProcessMark
from polydesk.core.trading.approvals import Decision
from polydesk.core.trading.consent import ConsentPolicy, LiveConsent, NoConsent
from polydesk.core.trading.desk import TradingDesk
from polydesk.core.trading.intent import OrderIntent
from polydesk.server.order_desk import order_desk

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook
    from tests.core.trading.conftest import ScriptedVenue

ACCOUNT = "0x" + "11" * 20
D = Decimal


class Start:
    """Starts processes of one desk: each has a mark and objects of its own; folder, venue and clock are shared."""

    def __init__(self, folder: Path, venue: ScriptedVenue, clock: ManualClock) -> None:
        self.folder, self.venue, self.clock = folder, venue, clock
        self.marks: list[ProcessMark] = []
        self._databases: list[Database] = []
        self._numbers = itertools.count(1)

    def __call__(self, consent: ConsentPolicy | None = None) -> TradingDesk:
        database = Database.at(self.folder / "desk.sqlite3")
        mark = ProcessMark(self.folder / "processes")
        self._databases.append(database)
        self.marks.append(mark)
        made = order_desk(
            database,
            self.venue,
            self.clock,
            account=ACCOUNT,
            folder=self.folder,
            process=mark,
            limits=RiskLimits(max_order_usd=D(250), max_open_orders=3),
            consent=consent or NoConsent(),
            new_id=lambda letter: f"{letter}{next(self._numbers)}",
            new_code=lambda: f"c{next(self._numbers)}",
            lifted_by="polydesk resume --mode live",
        )
        self.approvals = made.approvals
        return made.desk

    def kill(self, number: int = -1) -> None:
        """What the death of a process leaves behind: its entries, and a mark that nobody holds."""
        self.marks[number].release()

    def close(self) -> None:
        for mark in self.marks:
            mark.release()
        for database in self._databases:
            database.close()


@pytest.fixture
def start(make_book: MakeBook, now: datetime, tmp_path: Path, make_bench: Callable[..., object]) -> Iterator[Start]:
    clock = ManualClock(now)
    bench = make_bench()
    venue: ScriptedVenue = bench.venue  # type: ignore[attr-defined]
    venue.clock = clock
    venue.order_book = make_book()
    starter = Start(tmp_path / "state", venue, clock)
    yield starter
    starter.close()


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs."""


async def test_an_order_is_on_disk_with_its_body_before_it_is_sent(start: Start, resting: OrderIntent) -> None:
    desk, other = start(), start()
    found = []
    start.venue.before_submit = lambda signed: found.append(other.journal.by_order(signed.order_id))
    placed = (await desk.place(resting)).record
    (record,) = found
    assert record is not None
    assert (record.status, record.attempt_id) == (OrderStatus.SENDING, placed.attempt_id)
    assert record.plan is not None
    assert record.plan.ticket == placed.plan.ticket  # type: ignore[union-attr]
    seen, own = other.journal.get(placed.attempt_id), desk.journal.get(placed.attempt_id)
    assert seen is not None
    assert own is not None
    assert (seen.status, seen.order_id, seen.result) == (own.status, own.order_id, own.result)


async def test_an_order_that_was_being_sent_is_unknown_after_a_crash_and_then_what_the_venue_says(
    start: Start, resting: OrderIntent
) -> None:
    crashed = start()
    start.venue.gate = asyncio.Event()
    sending = asyncio.create_task(crashed.place(resting, client_token="t"))
    await start.clock.advance(0)
    start.kill()
    async with start() as desk:
        (record,) = desk.journal
        assert record.status is OrderStatus.UNKNOWN
        with pytest.raises(InputRejected, match="not known yet"):
            await desk.place(resting, client_token="another")
        assert (await desk.place(resting, client_token="t")).already_placed
        assert len(start.venue.submitted) == 1
        await start.clock.advance(61)
        assert desk.journal.current(record).status is OrderStatus.DEAD
    sending.cancel()


async def test_an_order_that_had_not_been_signed_is_refused_after_a_crash_and_its_token_is_free(
    start: Start, resting: OrderIntent
) -> None:
    crashed = start()
    crashed.journal.open(resting, now=start.clock.now(), client_token="t")
    start.kill()
    async with start() as desk:
        (record,) = desk.journal
        assert record.status is OrderStatus.REFUSED
        assert record.refusal is not None
        assert record.refusal.code == "abandoned"
        assert not (await desk.place(resting, client_token="t")).already_placed
    assert len(start.venue.submitted) == 1


async def test_an_order_that_waited_for_a_person_still_does_after_a_crash(start: Start, resting: OrderIntent) -> None:
    crashed = start(LiveConsent(dialog=False, acknowledge_up_to=D(0)))
    waiting = (await crashed.place(resting)).record
    start.kill()
    assert waiting.approval is not None
    async with start(LiveConsent(dialog=False, acknowledge_up_to=D(0))) as desk:
        start.approvals.decide(waiting.approval.code, Decision.APPROVED, start.clock.now())
        while desk.journal.current(waiting).status is OrderStatus.AWAITING_PERSON:
            await start.clock.advance(1)
        assert desk.journal.current(waiting).status is OrderStatus.LIVE
    assert len(start.venue.submitted) == 1


async def test_a_living_process_keeps_what_it_is_doing(start: Start, resting: OrderIntent) -> None:
    first = start()
    start.venue.gate = asyncio.Event()
    placing = asyncio.create_task(first.place(resting, client_token="t"))
    await start.clock.advance(0)
    async with start() as second:
        (record,) = second.journal
        assert record.status is OrderStatus.SENDING
        repeated = await second.place(resting, client_token="t")
        assert (repeated.already_placed, repeated.record.attempt_id) == (True, record.attempt_id)
        start.venue.gate.set()
        await placing
        assert second.journal.current(record).status is OrderStatus.LIVE
    assert len(start.venue.submitted) == 1


async def test_the_same_token_in_two_processes_at_once_places_one_order(start: Start, resting: OrderIntent) -> None:
    first, second = start(), start()
    both = asyncio.gather(*(desk.place(resting, client_token="t") for desk in (first, second)))
    while not both.done():
        await start.clock.advance(0.1)
    one, other = await both
    assert one.record.attempt_id == other.record.attempt_id
    assert sorted((one.already_placed, other.already_placed)) == [False, True]
    assert len(start.venue.submitted) == 1


async def test_two_orders_of_which_one_fits_do_not_both_pass_in_two_processes(
    start: Start, resting: OrderIntent
) -> None:
    start.venue.gate = asyncio.Event()
    desks = [start() for _ in range(5)]
    placing = [asyncio.create_task(desk.place(resting, client_token=f"t{number}")) for number, desk in enumerate(desks)]
    await start.clock.advance(0)
    start.venue.gate.set()
    results = await asyncio.gather(*placing, return_exceptions=True)
    assert sum(not isinstance(each, Exception) for each in results) == 3
    assert len(start.venue.submitted) == 3


async def test_the_draft_of_one_process_can_be_placed_once_by_any(start: Start, resting: OrderIntent) -> None:
    first, second = start(), start()
    draft = await first.preview(resting)
    placed = await second.place(resting, draft_id=draft.draft_id, named=True)
    again = await first.place(resting, draft_id=draft.draft_id, named=True)
    assert again.already_placed
    assert again.record.attempt_id == placed.record.attempt_id
    start.kill(0)
    start.kill(1)
    assert (await start().place(resting, draft_id=draft.draft_id, named=True)).already_placed


async def test_an_identical_order_within_two_minutes_is_the_first_one_also_after_a_restart(
    start: Start, resting: OrderIntent
) -> None:
    first = (await start().place(resting)).record
    start.kill()
    desk = start()
    await start.clock.advance(100)
    assert (await desk.place(resting)).record.attempt_id == first.attempt_id
    await start.clock.advance(21)
    assert start.venue.order_book is not None
    start.venue.order_book = dataclasses.replace(start.venue.order_book, received_at=start.clock.now())
    assert not (await desk.place(resting)).already_placed


async def test_lookups_go_on_with_pauses_until_the_venue_answers(start: Start, resting: OrderIntent) -> None:
    asked: list[datetime] = []

    async def down(order_id: object) -> None:
        asked.append(start.clock.now())
        raise VenueUnavailable("down")

    start.venue.answer = OutcomeUnknown("timed out")
    start.venue.order = down  # type: ignore[method-assign]
    async with start() as desk:
        with pytest.raises(OutcomeUnknown):
            await desk.place(resting)
        await start.clock.advance(200)
        assert desk.journal.unknown()
        pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
        assert pauses[:3] == [timedelta(seconds=wait) for wait in (1, 2, 4)]
        assert max(pauses) == timedelta(seconds=30)
        del start.venue.order
        await start.clock.advance(31)
        assert not desk.journal.unknown()


async def test_every_step_is_in_the_audit_log_with_its_particulars(start: Start, resting: OrderIntent) -> None:
    desk = start()
    record = (await desk.place(resting, client_token="t")).record
    assert record.order_id is not None
    await desk.cancels.of((record.order_id,))
    database = Database.at(start.folder / "desk.sqlite3")
    entries = list(AuditLog(database, ACCOUNT).entries())
    assert [entry.kind for entry in entries] == [
        "order.asked",
        "order.sending",
        "order.live",
        "cancel.asked",
        "cancel.answered",
        "order.canceled",
    ]
    assert entries[0].detail["client_token"] == "t"
    assert entries[1].detail["price"] == "0.45"
    assert entries[1].detail["gate"]["order_value"].endswith("of $250 per order")
    assert {entry.attempt_id for entry in entries if entry.kind.startswith("order")} == {record.attempt_id}
    assert check_chain(database).broken_at is None
    database.close()


async def test_an_order_whose_fills_make_it_whole_is_matched_without_a_question(
    start: Start, resting: OrderIntent
) -> None:
    from tests.core.trading.test_desk import a_fill

    async def asked(order_id: object) -> None:
        raise AssertionError("the fills told")

    desk = start()
    record = (await desk.place(resting)).record
    start.venue.order = asked  # type: ignore[method-assign]
    start.venue.fills = [a_fill(record, start.clock.now(), TradeStatus.MATCHED)]
    await desk.refresh()
    assert desk.journal.current(record).status is OrderStatus.MATCHED
