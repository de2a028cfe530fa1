"""Opening a ledger file: one process at a time, and only a file that is whole and of a known kind."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ..errors import ConfigurationError
from .ledger_schema import ADDED_TABLES, APPLICATION_ID, SCHEMA_VERSION, STATE, TABLES, Row, Table, checksum, sealed

_BUSY_S = 0.5
_CHECKPOINT_PAGES = 8000
"""The log is folded into the file, which waits for the disk, each 32 MB: every few thousand orders."""
_MAGIC = b"SQLite format 3\x00"
_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises for a damaged file; the second where its own message quotes bytes that are no text any more."""


def lock_ledger(path: Path) -> sqlite3.Connection:
    """Hold the ledger for this process; the lock ends when the result is closed, or with the process.

    It is on a file beside the ledger, so that the ledger can be read while an exchange writes it.
    Raises ConfigurationError when another process holds it or the folder cannot be written.
    """
    lock = path.with_name(path.name + ".lock")
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(lock, timeout=0, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        if "locked" in str(error):
            raise ConfigurationError(
                f"The ledger {path} is in use by another process. Stop that exchange first, or use another file."
            ) from error
        raise ConfigurationError(f"The ledger {path} cannot be locked with {lock.name}: {error}.") from error
    return connection


def open_ledger(path: Path, *, secret: bytes) -> sqlite3.Connection:
    """Open a ledger to write to it, made anew when there is none. Raises ConfigurationError."""
    _check_kind(path)
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
    except sqlite3.Error as error:
        raise ConfigurationError(f"The ledger {path} cannot be opened: {error}.") from error
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        if _is_empty(connection):
            _create(connection, secret)
        _check(connection, path)
    except _UNREADABLE as error:
        connection.close()
        raise ConfigurationError(_refusal(path, str(error))) from error
    except BaseException:
        connection.close()
        raise
    return connection


def read_ledger(path: Path) -> sqlite3.Connection:
    """Open a ledger to read it, in use or not. Raises ConfigurationError when there is none or it is refused."""
    if not path.exists():
        raise ConfigurationError(f"There is no ledger at {path}. `polydesk accounts create` makes one.")
    _check_kind(path)
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=_BUSY_S, uri=True)
    except sqlite3.Error as error:
        raise ConfigurationError(f"The ledger {path} cannot be opened: {error}.") from error
    try:
        _check(connection, path)
    except _UNREADABLE as error:
        connection.close()
        raise ConfigurationError(_refusal(path, str(error))) from error
    except BaseException:
        connection.close()
        raise
    return connection


def verified_rows(connection: sqlite3.Connection, table: Table, path: Path) -> list[Row]:
    """All rows of a table, oldest first, without their checksums. Raises ConfigurationError for a damaged one."""
    try:
        found = connection.execute(table.select).fetchall()
    except _UNREADABLE as error:
        raise ConfigurationError(_refusal(path, str(error))) from error
    rows = [row[:-1] for row in found]
    for row, whole in zip(rows, found, strict=True):
        if checksum(row) != whole[-1]:
            name = ", ".join(str(value) for value in row[: table.key])
            raise ConfigurationError(_refusal(path, f"the row {name} of {table.name} is not what was written"))
    return rows


def ledger_state(connection: sqlite3.Connection, name: str, path: Path) -> str:
    """One of the values that a ledger has once. Raises ConfigurationError when it is missing."""
    for known, value in verified_rows(connection, STATE, path):
        if known == name:
            return str(value)
    raise ConfigurationError(_refusal(path, f"it lacks its {name}"))


def _check_kind(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(f"The ledger {path} cannot be read: {error.strerror}.") from error
    if head and head != _MAGIC:
        raise ConfigurationError(_refusal(path, "it is not a SQLite file"))


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nobody has ever written to the file, as when a process ended while it made one."""
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    kind = connection.execute("PRAGMA application_id").fetchone()[0]
    return not tables and not kind


def _create(connection: sqlite3.Connection, secret: bytes) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    for table in TABLES:
        connection.execute(table.definition)
    first = {"secret": secret.hex(), "opened": "0", "at_ms": "0", "deposited": "0", "fees": "0", "readonly_made": "0"}
    connection.executemany(STATE.upsert, sealed(first.items()))
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise ConfigurationError unless this is a whole ledger of the present schema."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise ConfigurationError(_refusal(path, "it is not a ledger of polydesk"))
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    while version in ADDED_TABLES:
        version = _bring_forward(connection, version)
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"The ledger {path} has schema version {version}; this polydesk reads version {SCHEMA_VERSION}. It was "
            "left as it is: open it with the version of polydesk that wrote it, or start a new one elsewhere."
        )
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise ConfigurationError(_refusal(path, str(verdict)))
    for table in TABLES:
        verified_rows(connection, table, path)


def _bring_forward(connection: sqlite3.Connection, version: int) -> int:
    """Make the tables that the next version has more, in one transaction; the version that the file has then."""
    connection.execute("BEGIN IMMEDIATE")
    for table in TABLES:
        if table.name in ADDED_TABLES[version]:
            connection.execute(table.definition)
    connection.execute(f"PRAGMA user_version = {version + 1}")
    connection.execute("COMMIT")
    return version + 1


def _refusal(path: Path, reason: str) -> str:
    return (
        f"The ledger {path} cannot be used: {reason}. It was left as it is, nothing was reset. Move it away to begin "
        "with a new one, or put a copy of it back; `sqlite3 FILE .recover` reads out of a damaged one what can be read."
    )
