"""The watch looks as often as it says, survives what it cannot read, and says when nothing can be written."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from polydesk.core.alerts.alert_book import AlertBook
from polydesk.core.alerts.alert_desk import AlertDesk
from polydesk.core.alerts.channel import Message
from polydesk.core.alerts.delivery_book import DeliveryBook
from polydesk.core.alerts.order_conditions import LETTER_KEPT
from polydesk.core.alerts.rule_arguments import checked_rule
from polydesk.core.alerts.rules import Target
from polydesk.core.alerts.sources import AlertSources
from polydesk.core.alerts.system_conditions import RequestsSeen, StreamSeen
from polydesk.core.clock import ManualClock
from polydesk.core.errors import VenueUnavailable
from polydesk.core.identifiers import ConditionId, TokenId
from polydesk.core.models import OrderBook, PriceLevel
from polydesk.core.storage.audit_log import AuditEntry
from polydesk.core.storage.database import Database, StorageFailed

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TARGET = Target(condition_id=ConditionId("0x1"), token_id=TokenId("7"), slug="rain", question="Rain?", outcome="Yes")


class Audit:
    def __init__(self) -> None:
        self.letters: list[AuditEntry] = []

    def last_number(self) -> int:
        return len(self.letters)

    def entries(self, *, after: int = 0, kind: str | None = None) -> list[AuditEntry]:
        return self.letters[after:]

    def keep_a_letter(self) -> None:
        number = len(self.letters) + 1
        told = {"letter_id": f"l_{number}", "cause": "it was refused"}
        self.letters.append(AuditEntry(number, NOW, "me", LETTER_KEPT, None, None, told, ""))


class Venue:
    """Counts what it is asked for. `down`: it does not answer."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self.down = False
        self.price = Decimal("0.5")
        self.followed = False
        self.troubles: dict[str, str] = {}
        self.audit = Audit()

    def book(self) -> OrderBook:
        level = PriceLevel(self.price, Decimal(10))
        return OrderBook(
            market_id=ConditionId("0x1"),
            token_id=TokenId("7"),
            bids=(level,),
            asks=(level,),
            timestamp=NOW,
            received_at=NOW,
            tick=Decimal("0.01"),
            min_size=Decimal(5),
            neg_risk=False,
            last_trade_price=None,
            hash="",
        )

    def answers(self, name: str, value: Any) -> Any:
        async def answer(*_: object) -> Any:
            self.asked.append(name)
            if self.down:
                raise VenueUnavailable("gone")
            return value() if callable(value) else value

        return answer

    @property
    def sources(self) -> AlertSources:
        return AlertSources(
            audit=self.audit,
            order=lambda _: None,
            followed_book=lambda _: self.book() if self.followed else None,
            read_books=self.answers("books", lambda: {TokenId("7"): self.book()}),
            prices=self.answers("prices", []),
            markets=self.answers("markets", []),
            newest=self.answers("newest", []),
            held=self.answers("held", []),
            equity=lambda _: [],
            holdings=lambda _: [],
            exposure=self.answers("exposure", Decimal(0)),
            runs=self.answers("runs", []),
            requests=lambda: RequestsSeen({}),
            stream=lambda: StreamSeen(0, 0),
            troubles=lambda: self.troubles,
        )


class Phone:
    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def send(self, message: Message) -> None:
        self.messages.append(message)


@dataclasses.dataclass
class Watched:
    desk: AlertDesk
    venue: Venue
    phone: Phone
    clock: ManualClock
    database: Database


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    clock = ManualClock(NOW)
    venue, phone = Venue(clock), Phone()
    database = Database.at(tmp_path / "desk.sqlite3")
    numbers = iter(range(10_000))

    async def publish() -> None:
        pass

    desk = AlertDesk(
        AlertBook(database, account="me", new_id=lambda prefix: f"{prefix}_{next(numbers)}"),
        DeliveryBook(database, account="me"),
        venue.sources,
        {"phone": phone},
        defaults=frozenset({"default_system_health"}),
        clock=clock,
        random=Random(1),
        mode="live",
        publish=publish,
    )
    yield Watched(desk, venue, phone, clock, database)
    database.close()


async def test_without_rules_about_markets_nobody_is_asked(watched: Watched) -> None:
    async with watched.desk:
        await watched.clock.advance(300)
    assert watched.venue.asked == []


async def test_requests_are_bounded_whatever_rules_there_are(watched: Watched) -> None:
    async with watched.desk:
        for level in range(1, 20):
            await watched.desk.create(
                checked_rule("price_crosses", target=TARGET, threshold=Decimal(level) / 20, lasting_s=1.0)
            )
        for kind, given in (("volume", {"target": TARGET}), ("exposure", {})):
            await watched.desk.create(checked_rule(kind, threshold=Decimal(5), **given))  # type: ignore[arg-type]
        for query in ("rain", "snow"):
            await watched.desk.create(checked_rule("new_market", query=query))
        await watched.desk.create(checked_rule("resolution"))
        watched.venue.asked.clear()
        await watched.clock.advance(600)
    counts = {name: watched.venue.asked.count(name) for name in set(watched.venue.asked)}
    assert counts["books"] <= 61
    assert counts == {"books": counts["books"], "markets": 10, "newest": 10, "exposure": 10, "held": 10}


async def test_a_book_that_the_stream_keeps_costs_no_request(watched: Watched) -> None:
    watched.venue.followed = True
    async with watched.desk:
        await watched.desk.create(checked_rule("price_crosses", target=TARGET, threshold=Decimal("0.6")))
        await watched.clock.advance(5)
        watched.venue.price = Decimal("0.7")
        await watched.clock.advance(3)
    assert "books" not in watched.venue.asked
    assert [each.document["facts"]["price"] for each in watched.phone.messages] == ["0.7"]


async def test_a_venue_that_does_not_answer_is_logged_once_and_asked_again(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.venue.down = True
    async with watched.desk:
        await watched.desk.create(checked_rule("exposure", threshold=Decimal(5)))
        with caplog.at_level(logging.WARNING):
            await watched.clock.advance(300)
        watched.venue.troubles["halted"] = "trading is halted"
        await watched.clock.advance(5)
    assert len([each for each in caplog.records if "could not be looked at" in each.message]) <= 1
    assert watched.venue.asked.count("exposure") >= 5
    assert [each.document["text"] for each in watched.phone.messages] == ["trading is halted"]


async def test_a_file_that_fails_is_said_over_the_channels_once_and_watching_goes_on(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched.desk:
        await watched.clock.advance(2)

        def fails(*_: object, **__: object) -> Any:
            raise StorageFailed("the disk is full")

        with monkeypatch.context() as broken:
            broken.setattr(watched.desk.book, "write", fails)
            watched.venue.troubles["halted"] = "trading is halted"
            await watched.clock.advance(10)
            await asyncio.sleep(0)
        (said,) = watched.phone.messages
        assert said.document["facts"] == {"what": "desk file"}
        assert "the disk is full" in said.text
        await watched.clock.advance(10)
    assert [each.document["text"] for each in watched.phone.messages[1:]] == ["trading is halted"]


async def test_a_rule_snoozed_from_elsewhere_is_silent_within_seconds(watched: Watched) -> None:
    other = AlertBook(watched.database, account="me", new_id=str)
    async with watched.desk:
        await watched.clock.advance(2)
        other.snooze("default_system_health", datetime(2026, 6, 2, tzinfo=UTC))
        await watched.clock.advance(6)
        watched.venue.troubles["halted"] = "trading is halted"
        await watched.clock.advance(5)
    assert watched.phone.messages == []
    assert [each.silenced for each in watched.desk.book.latest(5)] == [True]


async def test_what_could_not_be_written_is_told_once_it_can_be(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> Any:
        raise StorageFailed("the disk is full")

    async with watched.desk:
        await watched.desk.create(checked_rule("dead_letter"))
        with monkeypatch.context() as broken:
            broken.setattr(watched.desk.book, "write", fails)
            watched.venue.audit.keep_a_letter()
            await watched.clock.advance(5)
        await watched.clock.advance(5)
    assert [each.text for each in watched.desk.book.latest(5)] == ["a dead letter is kept: it was refused"]


@pytest.mark.parametrize("broken_part", ["rules", "write"])
async def test_a_defect_neither_ends_the_watch_nor_fills_the_log(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken_part: str
) -> None:
    def fails(*_: object, **__: object) -> Any:
        raise ValueError("no such thing")

    async with watched.desk:
        await watched.clock.advance(2)
        with monkeypatch.context() as broken:
            broken.setattr(watched.desk.book, broken_part, fails)
            watched.venue.troubles["halted"] = "trading is halted"
            await watched.clock.advance(60)
        await watched.clock.advance(10)
    assert [each.document["text"] for each in watched.phone.messages] == ["trading is halted"]
    assert len([each for each in caplog.records if each.levelno >= logging.ERROR]) == 1
