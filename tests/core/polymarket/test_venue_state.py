"""What is believed about the venue follows its answers, and is forgotten in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import UnexpectedPayload
from polydesk.core.polymarket.request import RequestSpec
from polydesk.core.polymarket.venue_clock import TIME_SPEC, VenueClock
from polydesk.core.polymarket.venue_state import VenueMemory, VenueState


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 1, 12, tzinfo=UTC))


def sent(path: str, body: Any = None, *, read: bool = False, method: Any = "POST") -> RequestSpec[Any]:
    return RequestSpec(
        service="clob", method=method, path=path, parse=lambda payload, _: payload, body=body, idempotent=read
    )


ORDER = sent("/order", {"postOnly": False})
QUOTE = sent("/order", {"postOnly": True})
BATCH = sent("/orders", [{"postOnly": False}])
CANCEL = sent("/cancel-all", method="DELETE")
READ = sent("/book", read=True, method="GET")


def test_a_restriction_is_dated_from_when_it_was_first_heard(clock: ManualClock) -> None:
    memory = VenueMemory(clock)
    assert memory.state == VenueState("normal", None, None)
    memory.refused("post_only", retry_after_s=79)
    began = clock.now()
    assert memory.state == VenueState("post_only", began, 79)


async def test_the_same_restriction_again_keeps_its_date_and_another_begins_anew(clock: ManualClock) -> None:
    memory = VenueMemory(clock)
    memory.refused("restarting", retry_after_s=None)
    began = clock.now()
    await clock.advance(10)
    memory.refused("restarting", retry_after_s=5)
    assert memory.state == VenueState("restarting", began, 5)
    memory.refused("post_only", retry_after_s=None)
    assert memory.state.since == began + timedelta(seconds=10)


@pytest.mark.parametrize(
    ("restriction", "retry_after_s", "lasts_s"),
    [("restarting", None, 120), ("post_only", 79, 79), ("cancel_only", None, 600), ("trading_disabled", 5, 5)],
)
async def test_without_news_a_restriction_is_forgotten(
    clock: ManualClock, restriction: Any, retry_after_s: float | None, lasts_s: float
) -> None:
    memory = VenueMemory(clock)
    memory.refused(restriction, retry_after_s=retry_after_s)
    await clock.advance(lasts_s - 1)
    assert memory.state.condition != "normal"
    await clock.advance(1)
    assert memory.state == VenueState()


@pytest.mark.parametrize(
    ("restriction", "answered", "ends"),
    [
        ("restarting", READ, False),
        ("restarting", CANCEL, True),
        ("restarting", QUOTE, True),
        ("post_only", QUOTE, False),
        ("post_only", CANCEL, False),
        ("post_only", BATCH, False),
        ("post_only", ORDER, True),
        ("cancel_only", CANCEL, False),
        ("cancel_only", ORDER, True),
        ("trading_disabled", READ, False),
        ("trading_disabled", ORDER, True),
    ],
)
def test_only_what_the_restriction_forbids_ends_it(
    clock: ManualClock, restriction: Any, answered: RequestSpec[Any], ends: bool
) -> None:
    memory = VenueMemory(clock)
    memory.refused(restriction, retry_after_s=None)
    memory.answered(answered)
    assert (memory.state.condition == "normal") is ends


def test_a_region_is_no_state_of_the_venue(clock: ManualClock) -> None:
    memory = VenueMemory(clock)
    memory.refused("region", retry_after_s=None)
    assert memory.state.condition == "normal"


async def test_a_clock_is_corrected_by_what_was_measured(clock: ManualClock) -> None:
    venue_clock = VenueClock(clock, keep_s=600)
    assert venue_clock.now() == clock.now()
    assert venue_clock.is_due()
    sent_at = clock.now()
    await clock.advance(2)
    changed = venue_clock.measured(int(sent_at.timestamp()) + 91, sent_at=sent_at, received_at=clock.now())
    assert changed == venue_clock.skew_s == pytest.approx(90.5)
    assert venue_clock.now() - clock.now() == timedelta(seconds=90.5)
    assert venue_clock.measured_at == clock.now()


@pytest.mark.parametrize("seconds", [-2, -1, 0, 1])
def test_differences_that_rounding_explains_are_none(clock: ManualClock, seconds: int) -> None:
    venue_clock = VenueClock(clock, keep_s=600)
    now = clock.now()
    venue_clock.measured(int(now.timestamp()) + seconds, sent_at=now, received_at=now)
    assert venue_clock.skew_s == 0


async def test_an_answer_that_took_long_says_nothing(clock: ManualClock) -> None:
    venue_clock = VenueClock(clock, keep_s=600)
    sent_at = clock.now()
    await clock.advance(6)
    assert venue_clock.measured(0, sent_at=sent_at, received_at=clock.now()) == 0
    assert (venue_clock.skew_s, venue_clock.measured_at) == (0, None)


async def test_looks_at_the_clock_are_neither_too_many_nor_too_few(clock: ManualClock) -> None:
    venue_clock = VenueClock(clock, keep_s=600, pause_s=10)
    venue_clock.trying()
    assert not venue_clock.is_due()
    assert not venue_clock.is_due(in_doubt=True)
    await clock.advance(10)
    assert venue_clock.is_due()
    venue_clock.measured(int(clock.now().timestamp()), sent_at=clock.now(), received_at=clock.now())
    assert not venue_clock.is_due()
    assert venue_clock.is_due(in_doubt=True)
    await clock.advance(600)
    assert venue_clock.is_due()


async def test_sleeping_is_not_affected(clock: ManualClock) -> None:
    await VenueClock(clock, keep_s=1).sleep(0)


def test_a_time_that_is_no_number_is_an_unexpected_payload(clock: ManualClock) -> None:
    assert TIME_SPEC.parse("1795", clock.now()) == 1795
    with pytest.raises(UnexpectedPayload):
        TIME_SPEC.parse("noon", clock.now())
    with pytest.raises(UnexpectedPayload):
        TIME_SPEC.parse({}, clock.now())
