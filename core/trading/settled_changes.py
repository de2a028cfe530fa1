"""Changes of positions whose fate only a person can find out, and that person's word on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from ..errors import InputRejected
from ..storage.audit_log import AuditLog
from ..storage.database import Database
from ..storage.processes import ProcessMark
from ..storage.schema import position_changes
from .position_journal import ChangeStatus, PositionChange, PositionJournal, change_from_text

LOOKED_UP_FOR = timedelta(minutes=10)
"""How long after it was sent, or became void, a change is left to the desk, which looks for it at the relayer."""


@dataclass(frozen=True, slots=True)
class UnknownChange:
    """A change whose fate is unknown. `account` is the address of its wallet, `left_to_desk_until` when a person may
    settle it."""

    account: str
    change: PositionChange
    left_to_desk_until: datetime

    @property
    def look_for(self) -> str:
        """What a block explorer shows of it, if it was carried out."""
        *_, call = self.change.calls
        arguments = ", ".join(f"{name}={value}" for name, value in call.arguments)
        return (
            f"transactions of {self.account} since {self.change.sent_at:%Y-%m-%d %H:%M} UTC, internal ones too, that "
            f"call {call.function} of {call.contract} {call.address} with {arguments}; and its transfers of tokens: "
            f"it would have given {self.change.gives} for {self.change.gets}"
        )


def unknown_changes(database: Database) -> tuple[UnknownChange, ...]:
    """Those of all accounts of a file, oldest first."""
    query = (
        select(position_changes.c.account, position_changes.c.document)
        .where(position_changes.c.status == ChangeStatus.UNKNOWN.value)
        .order_by(position_changes.c.number)
    )
    with database.reading() as connection:
        rows = connection.execute(query).all()
    return tuple(_unknown(account, change_from_text(document)) for account, document in rows)


def settle(database: Database, change_id: str, *, carried_out: bool, now: datetime) -> PositionChange:
    """Write down what a person has found out, so that the wallet's next change can be signed.

    Raises InputRejected `unknown_change` for one that is not unknown, and `still_looked_up` while the desk may yet find
    it.
    """
    with database.writing():
        found = next((each for each in unknown_changes(database) if each.change.change_id == change_id), None)
        if found is None:
            raise InputRejected(
                f"There is no change {change_id[:40]!r} whose fate is unknown.",
                code="unknown_change",
                fix="`polydesk positions unknown` shows them",
            )
        if now < found.left_to_desk_until:
            raise InputRejected(
                f"{change_id} is still looked for at the relayer, until {found.left_to_desk_until:%Y-%m-%d %H:%M} UTC.",
                code="still_looked_up",
                fix="keep the desk running until then, and settle it afterwards if it is still listed",
            )
        audit = AuditLog(database, found.account)
        audit.write("position.settled_by_person", now=now, attempt_id=change_id, carried_out=carried_out)
        journal = PositionJournal(
            database, audit, account=found.account, process=ProcessMark(None), new_id=lambda: change_id
        )
        if carried_out:
            return journal.move(found.change, ChangeStatus.CONFIRMED, now=now)
        return journal.move(
            found.change, ChangeStatus.REJECTED, now=now, error="A person found that it was never carried out."
        )


def _unknown(account: str, change: PositionChange) -> UnknownChange:
    assert change.sent_at is not None  # nothing is unknown before it was sent
    void_at = datetime.fromtimestamp(change.void_after, change.sent_at.tzinfo) if change.void_after else change.sent_at
    return UnknownChange(account, change, max(change.sent_at, void_at) + LOOKED_UP_FOR)
