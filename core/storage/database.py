"""One SQLite file that every process of a desk may read and write, in whole transactions that survive a crash."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select, update
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from ..errors import ConfigurationError
from .migrations import MIGRATIONS
from .schema import SCHEMA_VERSION, metadata, versions

_log = logging.getLogger(__name__)

DESK_FILE = "desk.sqlite3"
"""Its name in the state folder of a mode."""

_LOCK_WAIT_S = 10.0
"""How long a write waits for one of another process. They take milliseconds."""


class StorageFailed(ConfigurationError):
    """The desk's file cannot be used. Nothing was sent, because nothing is sent that cannot be written down first."""


class Database:
    """An open file, or one in memory that ends with the process.

    The write-ahead log lets others read while one writes; with synchronous=FULL a committed transaction outlives the
    process and the power. Transactions are short and hold no awaits, so the file is used from one thread.
    """

    def __init__(self, engine: Engine, *, where: str) -> None:
        self._engine = engine
        self._where = where
        self._kept: dict[bool, Connection] = {}
        self._writing: Connection | None = None

    @classmethod
    def at(cls, path: Path) -> Database:
        """Open a file, made when it is missing. Raises StorageFailed for one that is damaged or not ours."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StorageFailed(
                f"{path} cannot be written ({error.strerror}); name another POLYMARKET_STATE_DIR."
            ) from error
        database = cls(_engine(f"sqlite:///{path}"), where=str(path))
        database._prepare()
        return database

    @classmethod
    def in_memory(cls) -> Database:
        """For a desk whose venue forgets everything too."""
        database = cls(_engine("sqlite://"), where="memory")
        database._prepare()
        return database

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other process writes beside; what fails in it has not happened.

        One that is opened within another is part of it. Raises StorageFailed.
        """
        if self._writing is not None:
            yield self._writing
            return
        with self._failures(), self._connection(writes=True).begin() as transaction:
            connection = self._writing = transaction.connection
            try:
                yield connection
            finally:
                self._writing = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A look at the file; each statement sees it as it is at that moment. Raises StorageFailed.

        Rows must be fetched before the next look begins.
        """
        if self._writing is not None:
            yield self._writing
            return
        with self._failures():
            connection = self._connection(writes=False)
            try:
                yield connection
            finally:
                connection.rollback()

    def close(self) -> None:
        for connection in self._kept.values():
            connection.close()
        self._engine.dispose()

    def _connection(self, *, writes: bool) -> Connection:
        """One connection to write and one to read, kept because opening them costs as much as using them."""
        kept = self._kept.get(writes)
        if kept is None:
            kept = self._kept[writes] = self._engine.connect().execution_options(immediate=writes)
        return kept

    def _prepare(self) -> None:
        """Make the tables, or bring those of an earlier version forward. Raises StorageFailed."""
        with self.writing() as connection:
            metadata.create_all(connection)
            version = connection.execute(select(versions.c.version)).scalar()
            if version is None:
                connection.execute(insert(versions).values(version=SCHEMA_VERSION))
                return
            if version == SCHEMA_VERSION:
                return
            if any(each not in MIGRATIONS for each in range(version, SCHEMA_VERSION)) or version > SCHEMA_VERSION:
                raise StorageFailed(
                    f"{self._where} has the format {version} and this polydesk writes {SCHEMA_VERSION}: use the "
                    "polydesk that wrote it, or name another POLYMARKET_STATE_DIR."
                )
            kept = self._copy(f"{self._where}.format-{version}")
            _log.warning(
                "%s goes from format %d to %d; the old one is kept as %s", self._where, version, SCHEMA_VERSION, kept
            )
            for each in range(version, SCHEMA_VERSION):
                MIGRATIONS[each](connection)
            connection.execute(update(versions).values(version=SCHEMA_VERSION))

    def _copy(self, name: str) -> str:
        """A copy of the file as it was before the transaction under way. Raises StorageFailed."""
        try:
            with closing(sqlite3.connect(self._where)) as source, closing(sqlite3.connect(name)) as target:
                source.backup(target)
            os.chmod(name, 0o600)
        except (sqlite3.Error, OSError) as error:
            raise StorageFailed(f"{self._where} was left as it is: no copy of it could be made ({error}).") from error
        return name

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            if isinstance(error, OperationalError) and "locked" in str(cause):
                message = f"{self._where} stayed locked by another process for {_LOCK_WAIT_S:g} s; try again."
            elif isinstance(error, DatabaseError):
                message = (
                    f"{self._where} cannot be used ({cause}). It was left as it is: move it away to start anew, "
                    "or put a backup in its place."
                )
            else:
                raise
            raise StorageFailed(message) from error


def _engine(url: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "timeout": _LOCK_WAIT_S, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # Taking the write lock at once is what makes a check and the write after it one step for other processes.
        # Reads need no transaction: a statement is consistent by itself.
        if connection.get_execution_options().get("immediate", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
