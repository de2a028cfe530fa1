"""Deliveries are made at least once, never too often, and fail where everybody can see it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from polydesk.core.alerts.alert_book import MOST_RULES, AlertBook, WatchedRule
from polydesk.core.alerts.channel import ChannelFailed, Message
from polydesk.core.alerts.delivery import Deliverer, RetryTerms
from polydesk.core.alerts.delivery_book import DeliveryBook, DeliveryState, Pace
from polydesk.core.alerts.levels import Judgement, Occurrence
from polydesk.core.alerts.rule_arguments import checked_rule
from polydesk.core.alerts.rules import DEFAULT_RULES
from polydesk.core.clock import ManualClock
from polydesk.core.errors import InputRejected
from polydesk.core.storage.database import Database, StorageFailed

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Recorder:
    """A channel that keeps what it is given and fails as often as it is told to."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.failures: list[ChannelFailed] = []

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        if self.failures:
            raise self.failures.pop(0)


class Desk:
    """The books of one desk on a file, and what is delivered from them."""

    def __init__(self, path: Path, clock: ManualClock, *, pace: Pace | None = None) -> None:
        self.database = Database.at(path)
        numbers = itertools.count(1)
        self.book = AlertBook(
            self.database, account="me", new_id=lambda prefix: f"{prefix}_{path.stat().st_mtime_ns}_{next(numbers)}"
        )
        self.deliveries = DeliveryBook(self.database, account="me", pace=pace)
        self.clock = clock
        self.channel = Recorder()

    def rule(self, kind: str = "exposure", **arguments: Any) -> WatchedRule:
        if kind == "exposure":
            arguments = {"threshold": Decimal(5)} | arguments
        return self.book.add(checked_rule(kind, **arguments), now=self.clock.now())[0]

    def happens(self, watched: WatchedRule, *events: str) -> None:
        occurrences = tuple(Occurrence(each, f"{each} happened", {"what": each}) for each in events)
        self.book.write(
            [(watched, Judgement({"seen": list(events)}, occurrences))],
            now=self.clock.now(),
            channels=frozenset({"phone"}),
        )

    @asynccontextmanager
    async def delivering(self, *, attempts: int = 3) -> AsyncIterator[Deliverer]:
        deliverer = Deliverer(
            self.deliveries,
            {"phone": self.channel},
            clock=self.clock,
            random=Random(1),
            mode="live",
            retry=RetryTerms(attempts=attempts),
        )
        async with deliverer:
            yield deliverer

    @property
    def states(self) -> list[str]:
        return [state for each in self.deliveries.states().values() for state in each.values()]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def desk(tmp_path: Path, clock: ManualClock) -> Iterator[Desk]:
    one = Desk(tmp_path / "desk.sqlite3", clock)
    yield one
    one.database.close()


async def test_an_alert_is_delivered_once_and_its_repeat_not_at_all(desk: Desk, clock: ManualClock) -> None:
    watched = desk.rule()
    async with desk.delivering() as deliverer:
        desk.happens(watched, "one")
        desk.happens(watched, "one")
        deliverer.nudge()
        await clock.advance(120)
    (message,) = desk.channel.messages
    assert message.document["text"] == "one happened"
    assert desk.states == ["delivered"]


async def test_a_failure_is_tried_again_with_the_same_id_and_then_given_up(desk: Desk, clock: ManualClock) -> None:
    desk.channel.failures = [ChannelFailed("no answer"), ChannelFailed("no answer"), ChannelFailed("it answered 500")]
    async with desk.delivering(attempts=3):
        desk.happens(desk.rule(), "one")
        await clock.advance(0.5)
        assert [each.state for each in desk.deliveries.troubles(since=NOW)] == [DeliveryState.PENDING]
        await clock.advance(60)
    assert len({each.message_id for each in desk.channel.messages}) == 1
    assert len(desk.channel.messages) == 3
    (failed,) = desk.deliveries.troubles(since=NOW)
    assert (failed.state, failed.attempts, failed.error) == (DeliveryState.FAILED, 3, "it answered 500")


async def test_what_cannot_succeed_is_not_tried_again(desk: Desk, clock: ManualClock) -> None:
    desk.channel.failures = [ChannelFailed("it answered 404", lasting=True)]
    async with desk.delivering():
        desk.happens(desk.rule(), "one")
        await clock.advance(60)
    assert len(desk.channel.messages) == 1
    assert desk.states == ["failed"]


async def test_a_channel_that_is_configured_no_more_fails_visibly(desk: Desk, clock: ManualClock) -> None:
    watched = desk.rule(channel="gone")
    async with desk.delivering():
        desk.happens(watched, "one")
        await clock.advance(10)
    (failed,) = desk.deliveries.troubles(since=NOW)
    assert (failed.channel, failed.error) == ("gone", "no channel of this name is configured")


async def test_what_a_rule_tells_too_often_is_told_together(desk: Desk, clock: ManualClock) -> None:
    watched = desk.rule()
    async with desk.delivering() as deliverer:
        desk.happens(watched, "first")
        deliverer.nudge()
        await clock.advance(5)
        for number in range(13):
            desk.happens(watched, f"later {number}")
        deliverer.nudge()
        await clock.advance(30)
        assert len(desk.channel.messages) == 1
        await clock.advance(60)
    first, digest = desk.channel.messages
    assert first.document["and_more"] == 0
    assert digest.document["and_more"] == 12
    assert digest.document["last"]["text"] == "later 12 happened"
    assert "and 12 more" in digest.text
    assert sorted(desk.states) == ["delivered"] * 2 + ["folded"] * 12


async def test_a_channel_gets_no_more_than_its_pace(tmp_path: Path, clock: ManualClock) -> None:
    desk = Desk(tmp_path / "desk.sqlite3", clock, pace=Pace(burst=2))
    async with desk.delivering() as deliverer:
        for number in range(5):
            desk.happens(desk.rule(threshold=Decimal(number + 1)), "one")
        deliverer.nudge()
        await clock.advance(20)
        assert len(desk.channel.messages) == 2
        await clock.advance(60)
        assert len(desk.channel.messages) == 4
        await clock.advance(60)
    assert desk.states == ["delivered"] * 5
    desk.database.close()


def test_two_rules_that_tell_the_same_of_an_order_reach_a_channel_once(desk: Desk) -> None:
    for query in ("filled", "filled failed"):
        desk.happens(desk.rule("order", query=query), "order/a_1/filled")
    assert len(desk.book.latest(10)) == 2
    assert desk.states == ["pending"]


async def test_a_snoozed_rule_is_kept_and_told_to_nobody(desk: Desk, clock: ManualClock) -> None:
    watched = desk.book.snooze(desk.rule().rule_id, NOW + timedelta(minutes=5))
    desk.happens(watched, "one")
    assert desk.states == []
    assert [each.silenced for each in desk.book.latest(10)] == [True]
    assert desk.book.tell("host", now=NOW) == []
    await clock.advance(301)
    desk.happens(desk.book.get(watched.rule_id), "two")
    assert desk.states == ["pending"]
    assert [each.text for each in desk.book.tell("host", now=clock.now())] == ["two happened"]


async def test_what_a_process_had_begun_to_send_is_sent_by_the_next_with_the_same_id(
    tmp_path: Path, clock: ManualClock
) -> None:
    before = Desk(tmp_path / "desk.sqlite3", clock)
    before.happens(before.rule(), "one")
    (begun,) = before.deliveries.take_due(now=clock.now())
    before.deliveries.attempted(begun, now=clock.now(), again_at=clock.now() + timedelta(seconds=60))
    before.database.close()  # the process is gone, and nobody knows what became of it
    after = Desk(tmp_path / "desk.sqlite3", clock)
    async with after.delivering():
        await clock.advance(1)
    (message,) = after.channel.messages
    assert message.message_id == begun.delivery_id
    assert after.states == ["delivered"]
    after.database.close()


def test_rules_and_what_they_remember_outlive_the_process(tmp_path: Path, clock: ManualClock) -> None:
    before = Desk(tmp_path / "desk.sqlite3", clock)
    watched = before.rule()
    before.happens(watched, "one")
    before.database.close()
    after = Desk(tmp_path / "desk.sqlite3", clock)
    (again,) = after.book.rules()
    assert (again.rule_id, again.rule, dict(again.memory)) == (watched.rule_id, watched.rule, {"seen": ["one"]})
    after.happens(again, "one")
    assert len(after.book.latest(10)) == 1
    after.database.close()


def test_the_same_rule_watches_once_and_there_is_an_end_to_them(desk: Desk) -> None:
    first = desk.rule()
    assert desk.rule().rule_id == first.rule_id
    for number in range(MOST_RULES - 1):
        desk.rule(threshold=Decimal(number + 10))
    with pytest.raises(InputRejected, match="watch already"):
        desk.rule(threshold=Decimal(100_000))


def test_a_rule_that_was_deleted_tells_nothing_and_an_unknown_one_is_refused(desk: Desk) -> None:
    watched = desk.rule()
    desk.book.delete(watched.rule_id)
    desk.happens(watched, "one")
    assert desk.book.latest(10) == []
    with pytest.raises(InputRejected, match="no rule"):
        desk.book.delete(watched.rule_id)


def test_the_desks_own_rules_are_those_configured_and_fire_anew_when_they_come_back(desk: Desk) -> None:
    desk.book.keep_defaults(DEFAULT_RULES, now=NOW)
    health = desk.book.get("default_system_health")
    desk.happens(health, "halted/1")
    with pytest.raises(InputRejected, match="own rules"):
        desk.book.delete(health.rule_id)
    desk.book.keep_defaults((), now=NOW)
    assert desk.book.rules() == ()
    desk.book.keep_defaults(["default_system_health"], now=NOW + timedelta(seconds=1))
    desk.happens(desk.book.get("default_system_health"), "halted/1")
    assert len(desk.book.latest(10)) == 2


def test_each_who_asks_is_told_once_and_the_first_time_of_a_day(desk: Desk) -> None:
    watched = desk.rule()
    desk.happens(watched, "one")
    assert [each.text for each in desk.book.tell("a", now=NOW + timedelta(hours=1))] == ["one happened"]
    assert desk.book.tell("a", now=NOW + timedelta(hours=1)) == []
    assert desk.book.tell("late", now=NOW + timedelta(hours=25)) == []
    desk.happens(watched, "two")
    assert [each.text for each in desk.book.tell("a", now=NOW)] == ["two happened"]
    assert len(desk.book.tell("b", now=NOW)) == 2


def test_what_is_acknowledged_is_told_no_more(desk: Desk) -> None:
    watched = desk.rule()
    desk.happens(watched, "one", "two")
    (newest, _) = desk.book.latest(2)
    assert desk.book.acknowledge(newest.alert_id, now=NOW) == 1
    assert [each.text for each in desk.book.tell("a", now=NOW)] == ["one happened"]
    assert desk.book.acknowledge(watched.rule_id, now=NOW) == 1
    with pytest.raises(InputRejected, match="no alert"):
        desk.book.acknowledge("n_0", now=NOW)


def test_waits_between_attempts_grow_to_a_bound_and_vary() -> None:
    terms = RetryTerms(first_s=2, longest_s=60)
    random = Random(3)
    for attempts, whole in ((1, 2), (2, 4), (5, 32), (9, 60)):
        waits = {terms.wait_s(attempts, random) for _ in range(20)}
        assert len(waits) == 20
        assert all(whole / 2 <= each <= whole for each in waits)


async def test_a_file_that_cannot_be_read_for_a_while_ends_no_delivery(
    desk: Desk, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_: Any) -> Any:
        raise StorageFailed("the disk is full")

    async with desk.delivering() as deliverer:
        with monkeypatch.context() as broken:
            broken.setattr(desk.deliveries, "take_due", fails)
            desk.happens(desk.rule(), "one")
            deliverer.nudge()
            await clock.advance(30)
        await clock.advance(10)
    assert desk.states == ["delivered"]


async def test_a_channel_with_a_defect_is_tried_no_more_often_than_any_other_and_seen(
    desk: Desk, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    async def fails(message: Message) -> None:
        tried.append(message)
        raise KeyError("https://secret.example/path")

    monkeypatch.setattr(desk.channel, "send", fails)
    desk.happens(desk.rule(), "one")
    async with desk.delivering(attempts=3):
        await clock.advance(1000)
    assert (len(tried), desk.states) == (3, ["failed"])
    (trouble,) = desk.deliveries.troubles(since=NOW)
    assert (trouble.error, trouble.state) == ("it failed with KeyError", DeliveryState.FAILED)
