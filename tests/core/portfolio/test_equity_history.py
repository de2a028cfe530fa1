"""What the account was worth is kept by the minute, and what is old by the hour and by the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import VenueUnavailable
from polydesk.core.portfolio.equity_history import EquityHistory, EquitySample, EquityWatch
from polydesk.core.portfolio.snapshot import PortfolioSnapshot
from polydesk.core.storage.database import Database

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def database() -> Iterator[Database]:
    opened = Database.in_memory()
    yield opened
    opened.close()


def sample(at: datetime, equity: str = "1000", cash: str = "900") -> EquitySample:
    worth, money = Decimal(equity), Decimal(cash)
    return EquitySample(at=at, equity=worth, settled_equity=worth, cash=money, positions_value=worth - money)


class Account:
    """A portfolio whose cash is what is said, or that cannot be read."""

    def __init__(self, clock: ManualClock) -> None:
        self.cash = Decimal(1000)
        self.fails = False
        self.failure: Exception = VenueUnavailable("no answer")
        self._clock = clock

    async def snapshot(self) -> PortfolioSnapshot:
        if self.fails:
            raise self.failure
        zero = Decimal(0)
        money: dict[str, Any] = dict.fromkeys(("provisional", "reserved", "realized", "unrealized"), zero)
        return PortfolioSnapshot(
            **money,
            cash=self.cash,
            settled=self.cash,
            free=self.cash,
            positions=(),
            value=zero,
            equity=self.cash,
            entry_fees=zero,
            open_orders=(),
            trades=(),
            settling=(),
            unpriced=(),
            as_of=self._clock.now(),
        )


@pytest.mark.parametrize("failure", [VenueUnavailable("no answer"), ValueError("what is this?")])
async def test_each_minute_has_its_sample_and_one_without_an_answer_has_none(
    database: Database, failure: Exception
) -> None:
    clock = ManualClock(NOON)
    account, history = Account(clock), EquityHistory(database, account="0xa")
    account.failure = failure
    watch = EquityWatch(account, history, clock)  # type: ignore[arg-type]
    async with watch:
        await clock.advance(10)
        account.fails = True
        await clock.advance(60)
        account.fails, account.cash = False, Decimal("1000.123456")
        await clock.advance(60)
    kept = [(each.at, each.equity) for each in history.since(NOON)]
    assert kept == [(NOON + timedelta(seconds=5), 1000), (NOON + timedelta(seconds=125), Decimal("1000.123456"))]
    await clock.advance(600)
    assert len(history.since(NOON)) == 2


def test_accounts_of_one_file_are_kept_apart(database: Database) -> None:
    first, second = (EquityHistory(database, account=name) for name in ("0xa", "0xb"))
    first.note(sample(NOON, "5", "5"))
    assert second.latest is None
    assert first.latest == sample(NOON, "5", "5")


def test_a_sample_of_the_same_moment_replaces_the_other(database: Database) -> None:
    history = EquityHistory(database, account="0xa")
    history.note(sample(NOON, "5", "5"))
    history.note(sample(NOON, "6", "5"))
    assert [each.equity for each in history.since(NOON)] == [6]


def test_what_is_old_is_kept_by_the_hour_then_by_the_day(database: Database) -> None:
    history = EquityHistory(database, account="0xa")
    began = NOON - timedelta(days=100)
    for minutes in range(0, 3 * 60, 15):
        history.note(sample(began + timedelta(minutes=minutes)))
        history.note(sample(NOON - timedelta(days=3) + timedelta(minutes=minutes)))
    history.note(sample(NOON))
    kept = [each.at for each in history.since(began)]
    assert kept == [
        began + timedelta(minutes=165),  # the last of its day
        *(NOON - timedelta(days=3) + timedelta(hours=hour, minutes=45) for hour in range(3)),
        NOON,
    ]
