"""An account of every decision of the desk that cannot be changed afterwards without showing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, func, insert, select

from ..telemetry.redaction import SECRETS
from ..telemetry.request import current_request
from .caller import caller
from .database import Database
from .moments import from_micros, to_micros
from .schema import audit

_FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One decision: what kind it was, of which order, and its particulars as plain JSON values."""

    number: int
    at: datetime
    account: str
    kind: str
    attempt_id: str | None
    order_id: str | None
    detail: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """`entries` were read; `broken_at` is the number of the first that does not fit, None when all do."""

    entries: int
    broken_at: int | None
    last_hash: str


class AuditLog:
    """Entries of one account, in the chain that all accounts of a file share.

    Each entry's hash covers the entry and the hash before it, so that a changed, missing or inserted one breaks every
    later hash. Who can write the file can still forge the whole chain anew: keep `last_hash` somewhere else to notice.
    """

    def __init__(self, database: Database, account: str) -> None:
        self._database = database
        self._account = account

    def write(
        self,
        kind: str,
        *,
        now: datetime,
        attempt_id: str | None = None,
        order_id: str | None = None,
        **detail: Any,
    ) -> None:
        """Append an entry, in the caller's transaction where there is one, with the host it was done for and
        the id of its call.

        `detail` must be plain JSON values. Secrets that this process knows are masked in them.
        """
        if (host := caller()) is not None:
            detail["by"] = host
        if (request := current_request()) is not None:
            detail["request"] = request.request_id
        with self._database.writing() as connection:
            last = connection.execute(
                select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
            ).first()
            row = {
                "number": last.number + 1 if last else 1,
                "at": to_micros(now),
                "account": self._account,
                "kind": kind,
                "attempt_id": attempt_id,
                "order_id": order_id,
                "detail": SECRETS.masked(json.dumps(detail, sort_keys=True, separators=(",", ":"))),
                "previous": last.hash if last else _FIRST,
            }
            connection.execute(insert(audit).values(**row, hash=_hash(row)))

    def entries(self, *, after: int = 0, kind: str | None = None) -> Sequence[AuditEntry]:
        """Entries of this account beyond a number, of one kind or of all, oldest first."""
        mine = select(audit).where(audit.c.account == self._account, audit.c.number > after)
        if kind is not None:
            mine = mine.where(audit.c.kind == kind)
        with self._database.reading() as connection:
            rows = connection.execute(mine.order_by(audit.c.number)).mappings().all()
        return [_entry(row) for row in rows]

    def last_number(self) -> int:
        with self._database.reading() as connection:
            return connection.execute(select(func.max(audit.c.number))).scalar() or 0


def all_entries(database: Database) -> Sequence[AuditEntry]:
    """Entries of all accounts of a file, oldest first."""
    with database.reading() as connection:
        rows = connection.execute(select(audit).order_by(audit.c.number)).mappings().all()
    return [_entry(row) for row in rows]


def check_chain(database: Database) -> AuditCheck:
    """Recompute every hash of a file, of all accounts."""
    previous, number = _FIRST, 0
    with database.reading() as connection:
        for row in connection.execute(select(audit).order_by(audit.c.number)).mappings():
            number += 1
            if row["number"] != number or row["previous"] != previous or row["hash"] != _hash(row):
                return AuditCheck(number, row["number"], previous)
            previous = row["hash"]
    return AuditCheck(number, None, previous)


def _hash(row: Mapping[str, Any] | RowMapping) -> str:
    covered = [
        row[name] for name in ("number", "at", "account", "kind", "attempt_id", "order_id", "detail", "previous")
    ]
    return hashlib.sha256(json.dumps(covered, separators=(",", ":")).encode()).hexdigest()


def _entry(row: RowMapping) -> AuditEntry:
    return AuditEntry(
        number=row["number"],
        at=from_micros(row["at"]),
        account=row["account"],
        kind=row["kind"],
        attempt_id=row["attempt_id"],
        order_id=row["order_id"],
        detail=json.loads(row["detail"]),
        hash=row["hash"],
    )
