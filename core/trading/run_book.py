"""Work of the desk that goes on after the call that began it: what each run is to do, whose it is, how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, insert, select, update

from ..errors import InputRejected
from ..storage.audit_log import AuditLog
from ..storage.database import Database
from ..storage.moments import from_micros, to_micros
from ..storage.processes import ProcessMark
from ..storage.schema import runs

REPEAT_WINDOW = timedelta(seconds=120)


class RunStatus(StrEnum):
    """`awaiting_person`: it has not begun. `done`: it has nothing more to do. `stopped`: something, or somebody, ended
    it before that."""

    AWAITING_PERSON = "awaiting_person"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


_OPEN = (RunStatus.RUNNING.value, RunStatus.AWAITING_PERSON.value)


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `kind` says who reads `document`, `desk` is the process that carries it on, `cause` why it ended.

    `progress` is what it has written down on its way.
    """

    run_id: str
    kind: str
    status: RunStatus
    created_at: datetime
    updated_at: datetime
    desk: str
    cause: str
    document: str
    progress: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended, though it may wait for a person."""
        return self.status.value in _OPEN


class RunBook:
    """The runs of one account, in the desk's file, so that they outlive the process that began them."""

    def __init__(
        self, database: Database, audit: AuditLog, *, account: str, process: ProcessMark, new_id: Callable[[], str]
    ) -> None:
        self._database = database
        self._audit = audit
        self._account = account
        self._process = process
        self._new_id = new_id

    def open(
        self,
        kind: str,
        document: str,
        *,
        fingerprint: str,
        client_token: str | None,
        now: datetime,
        status: RunStatus = RunStatus.RUNNING,
    ) -> tuple[Run, bool]:
        """A new run of this process, and True; or the one that this call repeats, and False.

        The same `client_token` begins one run; without a token, so does the same work within two minutes. Raises
        InputRejected `token_reused` for a token that began other work.
        """
        with self._database.writing() as connection:
            earlier = self._earlier(fingerprint, client_token, now)
            if earlier is not None:
                return earlier, False
            run_id = self._new_id()
            connection.execute(
                insert(runs).values(
                    run_id=run_id,
                    account=self._account,
                    kind=kind,
                    status=status.value,
                    created_at=to_micros(now),
                    updated_at=to_micros(now),
                    fingerprint=fingerprint,
                    client_token=client_token,
                    desk=self._process.id,
                    cause="",
                    document=document,
                )
            )
            self._audit.write("run.started", now=now, run_id=run_id, work=kind)
            return self.get(run_id), True

    def begin(self, run_id: str, *, now: datetime) -> Run:
        """Let a run that waited for a person go on, unless it has ended meanwhile."""
        with self._database.writing() as connection:
            changed = connection.execute(
                update(runs)
                .where(runs.c.run_id == run_id, runs.c.status == RunStatus.AWAITING_PERSON.value)
                .values(status=RunStatus.RUNNING.value, updated_at=to_micros(now))
            )
            if changed.rowcount:
                self._audit.write("run.approved", now=now, run_id=run_id)
            return self.get(run_id)

    def note(self, run_id: str, progress: str, *, now: datetime) -> None:
        """Write down what a run has met so far."""
        with self._database.writing() as connection:
            connection.execute(
                update(runs).where(runs.c.run_id == run_id).values(progress=progress, updated_at=to_micros(now))
            )

    def end(self, run_id: str, status: RunStatus, cause: str, *, now: datetime) -> Run:
        """End a run, unless it has ended already."""
        with self._database.writing() as connection:
            changed = connection.execute(
                update(runs)
                .where(runs.c.run_id == run_id, runs.c.status.in_(_OPEN))
                .values(status=status.value, cause=cause, updated_at=to_micros(now))
            )
            if changed.rowcount:
                self._audit.write(f"run.{status.value}", now=now, run_id=run_id, cause=cause)
            return self.get(run_id)

    def find(self, run_id: str) -> Run | None:
        return next(iter(self._all(self._mine().where(runs.c.run_id == run_id))), None)

    def get(self, run_id: str) -> Run:
        """Raises InputRejected `unknown_run`."""
        found = self.find(run_id)
        if found is None:
            raise InputRejected(
                f"There is no run {run_id[:40]!r}.",
                code="unknown_run",
                fix="list them with polymarket_get_runs",
                next_tool="polymarket_get_runs",
            )
        return found

    def latest(self, most: int) -> list[Run]:
        """The last runs, newest first."""
        return self._all(self._mine().order_by(runs.c.number.desc()).limit(most))

    def going_on(self, kind: str) -> list[Run]:
        """The runs of a kind that have not ended, oldest first."""
        return self._all(self._mine().where(runs.c.kind == kind, runs.c.status.in_(_OPEN)).order_by(runs.c.number))

    def is_mine(self, run_id: str) -> bool:
        """Whether a run goes on, in this process."""
        run = self.get(run_id)
        return run.status is RunStatus.RUNNING and run.desk == self._process.id

    def adopt_orphans(self, kind: str, *, now: datetime) -> list[Run]:
        """Take over the runs of a kind whose process is gone; each is taken over once."""
        adopted = []
        with self._database.writing() as connection:
            for run in self._all(self._mine().where(runs.c.kind == kind, runs.c.status.in_(_OPEN))):
                if run.desk == self._process.id or self._process.lives(run.desk):
                    continue
                connection.execute(update(runs).where(runs.c.run_id == run.run_id).values(desk=self._process.id))
                self._audit.write("run.taken_over", now=now, run_id=run.run_id)
                adopted.append(self.get(run.run_id))
        return adopted

    def earlier(self, fingerprint: str, *, client_token: str | None, now: datetime) -> Run | None:
        """The run that a call with this work and token would repeat. Raises InputRejected `token_reused`."""
        return self._earlier(fingerprint, client_token, now)

    def _earlier(self, fingerprint: str, client_token: str | None, now: datetime) -> Run | None:
        query = self._mine().order_by(runs.c.number.desc())
        if client_token is None:
            since = to_micros(now - REPEAT_WINDOW)
            query = query.where(runs.c.fingerprint == fingerprint, runs.c.created_at > since)
            return next(iter(self._all(query)), None)
        query = query.where(runs.c.client_token == client_token)
        used = next(iter(self._all(query)), None)
        if used is not None and not self._all(query.where(runs.c.fingerprint == fingerprint)):
            raise InputRejected(
                f"client_token {client_token!r} already began another run ({used.run_id}).",
                code="token_reused",
                fix="use a new client_token for other work",
                next_tool="polymarket_get_runs",
            )
        return used

    def _mine(self) -> Select[Any]:
        return select(runs).where(runs.c.account == self._account)

    def _all(self, query: Select[Any]) -> list[Run]:
        with self._database.reading() as connection:
            return [_run(row) for row in connection.execute(query).all()]


def _run(row: Row[Any]) -> Run:
    return Run(
        run_id=row.run_id,
        kind=row.kind,
        status=RunStatus(row.status),
        created_at=from_micros(row.created_at),
        updated_at=from_micros(row.updated_at),
        desk=row.desk,
        cause=row.cause,
        document=row.document,
        progress=row.progress,
    )
