"""Orders and cancels that failed for good, kept until somebody has dealt with them. Nothing here acts by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, insert, select, update

from ..errors import InputRejected
from ..models import OrderTicket
from ..storage.audit_log import AuditLog
from ..storage.database import Database
from ..storage.moments import from_micros, to_micros
from ..storage.schema import dead_letters
from .order_record import OrderRecord

Kind = Literal["order", "cancel"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What was to be done and why it never was. `body` holds the plain JSON values of the request."""

    letter_id: str
    account: str
    kind: Kind
    at: datetime
    attempt_id: str | None
    cause: str
    attempts: int
    body: Any


class DeadLetters:
    """The letters of one account. A letter ends when it is replayed into an order that was placed, or dropped."""

    def __init__(self, database: Database, audit: AuditLog, *, account: str, new_id: Callable[[], str]) -> None:
        self._database = database
        self._audit = audit
        self._account = account
        self._new_id = new_id

    def of_order(self, record: OrderRecord, *, now: datetime) -> None:
        """Keep an order that was meant to be sent and had no effect."""
        plan = record.plan
        body = {"order_id": record.order_id, "ticket": _plain(plan.ticket) if plan else None}
        cause = record.refusal.message if record.refusal else "It never reached the venue."
        self._add("order", cause, body, now=now, attempt_id=record.attempt_id)

    def of_cancel(self, cause: str, *, now: datetime, **what: Any) -> None:
        """Keep a cancel that did not go through: orders may still rest. `what` names them; asked again, it is one."""
        if any(letter.kind == "cancel" and letter.body == what for letter in self.open()):
            return
        self._add("cancel", cause, what, now=now)

    def open(self) -> tuple[DeadLetter, ...]:
        """Letters nobody has dealt with, oldest first."""
        return tuple(letter for letter in open_letters(self._database) if letter.account == self._account)

    def get(self, letter_id: str) -> DeadLetter:
        """Raises InputRejected `unknown_letter` for one that does not exist or was dealt with."""
        found = next((letter for letter in self.open() if letter.letter_id == letter_id), None)
        if found is None:
            raise InputRejected(
                f"There is no dead letter {letter_id[:40]!r}.",
                code="unknown_letter",
                fix="use a letter_id from polymarket_get_orders with status=dead",
                next_tool="polymarket_get_orders",
            )
        return found

    def drop(self, letter_id: str, *, now: datetime) -> DeadLetter:
        """End a letter for good. Raises InputRejected `unknown_letter`."""
        letter = self.get(letter_id)
        self._end(letter, "dropped", now=now)
        return letter

    def replayed(self, attempt_id: str, *, by: str, now: datetime) -> None:
        """End the letter of an attempt, if it has one: `by` is the attempt that took its place."""
        for letter in self.open():
            if letter.attempt_id == attempt_id:
                self._end(letter, f"replayed by {by}", now=now)

    def _add(self, kind: Kind, cause: str, body: Any, *, now: datetime, attempt_id: str | None = None) -> None:
        letter_id = self._new_id()
        with self._database.writing() as connection:
            connection.execute(
                insert(dead_letters).values(
                    letter_id=letter_id,
                    account=self._account,
                    kind=kind,
                    at=to_micros(now),
                    attempt_id=attempt_id,
                    cause=cause,
                    attempts=1,  # an order is sent once, and a cancel is repeated by who asked for it
                    body=json.dumps(body),
                )
            )
            self._audit.write("letter.kept", now=now, attempt_id=attempt_id, letter_id=letter_id, cause=cause)

    def _end(self, letter: DeadLetter, how: str, *, now: datetime) -> None:
        with self._database.writing() as connection:
            connection.execute(
                update(dead_letters).where(dead_letters.c.letter_id == letter.letter_id).values(ended=how)
            )
            self._audit.write(
                "letter.ended", now=now, attempt_id=letter.attempt_id, letter_id=letter.letter_id, how=how
            )


def open_letters(database: Database) -> tuple[DeadLetter, ...]:
    """Letters of all accounts of a file that nobody has dealt with, oldest first."""
    query = (
        select(dead_letters).where(dead_letters.c.ended.is_(None)).order_by(dead_letters.c.at, dead_letters.c.letter_id)
    )
    with database.reading() as connection:
        return tuple(_letter(row) for row in connection.execute(query))


def _letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        letter_id=row.letter_id,
        account=row.account,
        kind=row.kind,
        at=from_micros(row.at),
        attempt_id=row.attempt_id,
        cause=row.cause,
        attempts=row.attempts,
        body=json.loads(row.body),
    )


def _plain(ticket: OrderTicket) -> dict[str, Any]:
    given = {name: value for name, value in asdict(ticket).items() if value is not None}
    return {name: value if isinstance(value, bool) else str(value) for name, value in given.items()}
