"""A soak's report finds each of the five things that must not happen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from polydesk.core.exchange.ledger import Account
from polydesk.core.storage.audit_log import AuditLog
from polydesk.core.storage.database import Database
from polydesk.core.storage.schema import audit, orders
from polydesk.server.soak.market import Watch
from polydesk.server.soak.report import SoakReport, report
from polydesk.server.soak.worker import Belief

NOW = datetime(2026, 11, 1, tzinfo=UTC)
GRANTED = 100_000_000


class Run:
    """A soak that went well, of two orders, for tests to spoil."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.database = Database.at(file)
        self.watch = Watch(most_open=5, most_exposed=Decimal(100), placed={"0x1", "0x2"})
        self.account = Account("0xa", cash=GRANTED - 7_000_000)
        self.account.position("token").acquire(10_000_000, cost=6_900_000, fee=100_000, at=0)
        self.belief = Belief(spent_micro=7_000_000, shares_micro={"token": 10_000_000}, open_orders=0)
        self.order(1, "matched", token="a")
        self.order(2, "canceled", token="b")
        AuditLog(self.database, "0xa").write("order.asked", now=NOW)

    def order(self, number: int, status: str, *, token: str) -> None:
        row: dict[str, Any] = {
            "attempt_id": f"a{number}",
            "account": "0xa",
            "status": status,
            "created_at": 0,
            "updated_at": 0,
            "client_token": token,
            "fingerprint": "f",
            "condition_id": "c",
            "order_id": f"0x{number}",
            "desk": "d",
            "revision": 1,
            "spent": 0,
            "document": "{}",
        }
        with self.database.writing() as connection:
            connection.execute(insert(orders).values(**row))

    def report(self) -> SoakReport:
        return report(
            seed=1,
            kills=0,
            seconds=1,
            faults=Counter(),
            failed_trades=0,
            file=self.file,
            watch=self.watch,
            account=self.account,
            granted_micro=GRANTED,
            belief=self.belief,
        )


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    made = Run(tmp_path / "desk.sqlite3")
    yield made
    made.database.close()


def test_a_run_that_went_well_passes(run: Run) -> None:
    found = run.report()
    assert found.passed
    assert (found.orders, found.states) == (2, {"matched": 1, "canceled": 1})


def test_two_orders_of_one_token_at_the_venue_were_sent_twice(run: Run) -> None:
    run.order(3, "matched", token="a")
    run.watch.placed.add("0x3")
    assert run.report().sent_twice == 1
    assert not run.report().passed


def test_an_order_that_the_journal_does_not_know_was_lost(run: Run) -> None:
    run.watch.placed.add("0x9")
    assert run.report().lost_from_journal == 1


@pytest.mark.parametrize("status", ["draft", "sending", "unknown", "delayed", "awaiting_person"])
def test_an_order_without_an_end_is_counted(run: Run, status: str) -> None:
    run.order(3, status, token="c")
    assert run.report().unknown_at_end == 1


def test_a_missing_micro_dollar_and_a_missing_share_are_found(run: Run) -> None:
    run.account.cash -= 1
    run.account.position("other").acquire(5, cost=0, fee=0, at=0)
    assert run.report().ledger_difference_micro == 6


def test_a_limit_that_was_passed_is_counted(run: Run) -> None:
    run.watch.exceeded = 2
    assert run.report().limits_exceeded == 2
    assert not run.report().passed


def test_a_changed_decision_is_found(run: Run) -> None:
    with run.database.writing() as connection:
        connection.execute(update(audit).values(kind="order.forged"))
    assert run.report().audit_broken_at == 1
    assert not run.report().passed
