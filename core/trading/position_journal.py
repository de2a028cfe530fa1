"""What the wallet was asked to do beside trading, written down before it happens and kept over restarts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from ..errors import InputRejected
from ..models.position_change import ContractCall, PositionAction, PositionOrder
from ..storage.audit_log import AuditLog
from ..storage.caller import principal
from ..storage.database import Database
from ..storage.moments import to_micros
from ..storage.processes import ProcessMark
from ..storage.schema import position_changes

if TYPE_CHECKING:
    from pydantic import TypeAdapter


class ChangeStatus(StrEnum):
    """Where a change stands. `sending`, `submitted` and `unknown` may still happen; the last five are final."""

    PREVIEWED = "previewed"
    AWAITING_PERSON = "awaiting_person"
    SENDING = "sending"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    REJECTED = "rejected"
    DECLINED = "declined"
    EXPIRED = "expired"

    @property
    def under_way(self) -> bool:
        return self in (ChangeStatus.SENDING, ChangeStatus.SUBMITTED, ChangeStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class PositionChange:
    """One change: what it is to do, the exact calls, and what became of it.

    `gives` and `gets` say in words what leaves the account and what arrives. `nonce` and `signature` are known before
    anything is sent, `void_after` (unix seconds) is when the chain no longer takes it, `transaction_id` is the
    relayer's. `desk` is the process that sees it through.
    """

    change_id: str
    status: ChangeStatus
    order: PositionOrder
    calls: tuple[ContractCall, ...]
    gives: str
    gets: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    desk: str
    nonce: int | None = None
    signature: str = ""
    void_after: int | None = None
    sent_at: datetime | None = None
    transaction_id: str = ""
    transaction_hash: str = ""
    error: str = ""
    approval_code: str = ""


class PositionJournal:
    """The changes of one account. Each step is one transaction, with its entry in the audit log."""

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        *,
        account: str,
        process: ProcessMark,
        new_id: Callable[[], str],
    ) -> None:
        self._database = database
        self._audit = audit
        self._account = account
        self._process = process
        self._new_id = new_id

    def atomically(self) -> AbstractContextManager[Connection]:
        """A transaction over several calls, during which no other process writes. It must hold no await."""
        return self._database.writing()

    def open(
        self,
        order: PositionOrder,
        calls: tuple[ContractCall, ...],
        *,
        gives: str,
        gets: str,
        now: datetime,
        expires_at: datetime,
    ) -> PositionChange:
        """A change that was previewed."""
        change = PositionChange(
            change_id=self._new_id(),
            status=ChangeStatus.PREVIEWED,
            order=order,
            calls=calls,
            gives=gives,
            gets=gets,
            created_at=now,
            updated_at=now,
            expires_at=expires_at,
            desk=self._process.id,
        )
        with self._database.writing() as connection:
            connection.execute(
                insert(position_changes).values(
                    change_id=change.change_id, account=self._account, principal=principal(), **_columns(change)
                )
            )
        return change

    def move(self, change: PositionChange, status: ChangeStatus, *, now: datetime, **fields: Any) -> PositionChange:
        """Write the next state of a change. `fields` are fields of the record."""
        with self._database.writing() as connection:
            updated = dataclasses.replace(self.current(change), status=status, updated_at=now, **fields)
            connection.execute(
                update(position_changes)
                .where(position_changes.c.change_id == change.change_id)
                .values(**_columns(updated))
            )
            if status is not change.status:
                self._audit.write(f"position.{status.value}", now=now, attempt_id=change.change_id, **_told(updated))
        return updated

    def current(self, change: PositionChange) -> PositionChange:
        """The change as it is now: another call, or another process, may have moved it on."""
        (found,) = self._read(position_changes.c.change_id == change.change_id)
        return found

    def get(self, change_id: str) -> PositionChange:
        """A change by its id. Raises InputRejected `unknown_preview`, also for one that somebody else previewed."""
        found = self._read(
            position_changes.c.change_id == change_id,
            position_changes.c.account == self._account,
            position_changes.c.principal == principal(),
        )
        if not found:
            raise InputRejected(
                f"There is no preview {change_id[:40]!r}.",
                code="unknown_preview",
                fix="call again without preview_id",
                next_tool="polymarket_manage_position",
            )
        return found[0]

    def in_state(self, *statuses: ChangeStatus) -> list[PositionChange]:
        """Oldest first."""
        return self._read(position_changes.c.account == self._account, position_changes.c.status.in_(statuses))

    def under_way(self) -> list[PositionChange]:
        """What may still happen on chain."""
        return self.in_state(*(each for each in ChangeStatus if each.under_way))

    def orphans(self) -> list[PositionChange]:
        """Changes that a process was seeing through which no longer runs."""
        held = self.in_state(ChangeStatus.AWAITING_PERSON, ChangeStatus.SENDING)
        return [each for each in held if not self._process.lives(each.desk)]

    @property
    def process_id(self) -> str:
        return self._process.id

    def _read(self, *conditions: Any) -> list[PositionChange]:
        query = select(position_changes.c.document).where(*conditions).order_by(position_changes.c.number)
        with self._database.reading() as connection:
            texts = connection.execute(query).scalars().all()
        return [change_from_text(text) for text in texts]


_OF_SETS = (PositionAction.SPLIT, PositionAction.MERGE, PositionAction.REDEEM)


def set_changes(database: Database, account: str) -> list[PositionChange]:
    """The splits, merges and redemptions of an account that have happened or may have, oldest first."""
    statuses = (ChangeStatus.CONFIRMED, *(each for each in ChangeStatus if each.under_way))
    query = (
        select(position_changes.c.document)
        .where(position_changes.c.account == account, position_changes.c.status.in_(statuses))
        .order_by(position_changes.c.number)
    )
    with database.reading() as connection:
        texts = connection.execute(query).scalars().all()
    return [change for change in map(change_from_text, texts) if change.order.action in _OF_SETS]


def change_from_text(document: str) -> PositionChange:
    """A change as it stands in the desk's file."""
    return _adapter().validate_json(document)


def _columns(change: PositionChange) -> dict[str, Any]:
    return {
        "status": change.status.value,
        "updated_at": to_micros(change.updated_at),
        "document": _adapter().dump_json(change).decode(),
    }


def _told(change: PositionChange) -> dict[str, Any]:
    """What the audit log keeps: the calls as they were shown, and what is known of the transaction."""
    return {
        "action": change.order.action.value,
        "gives": change.gives,
        "gets": change.gets,
        "calls": [[each.contract, each.address, each.function, dict(each.arguments)] for each in change.calls],
        "nonce": change.nonce,
        "transaction": change.transaction_id,
        "hash": change.transaction_hash,
        "error": change.error,
    }


@cache
def _adapter() -> TypeAdapter[PositionChange]:
    from pydantic import TypeAdapter

    return TypeAdapter(PositionChange)
