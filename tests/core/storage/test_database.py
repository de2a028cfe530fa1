"""The desk's file: whole transactions, shared by processes, and never overwritten when it is not understood."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from polydesk.core.storage.audit_log import AuditLog, check_chain
from polydesk.core.storage.database import Database, StorageFailed
from polydesk.core.storage.processes import ProcessMark
from polydesk.core.storage.schema import SCHEMA_VERSION, audit, last_seen, versions

NOW = datetime(2026, 11, 1, tzinfo=UTC)

Open = Callable[[], Database]


@pytest.fixture
def open_file(tmp_path: Path) -> Iterator[Open]:
    opened: list[Database] = []

    def open_once_more() -> Database:
        opened.append(Database.at(tmp_path / "desk" / "desk.sqlite3"))
        return opened[-1]

    yield open_once_more
    for database in opened:
        database.close()


def seen(database: Database) -> list[tuple[str, int]]:
    with database.reading() as connection:
        return [(row.principal, row.number) for row in connection.execute(select(last_seen))]


def note(database: Database, principal: str, number: int = 1) -> None:
    with database.writing() as connection:
        connection.execute(insert(last_seen).values(principal=principal, number=number, at=0))


def test_what_was_committed_is_there_for_the_next_one_to_open_it(open_file: Open, tmp_path: Path) -> None:
    note(open_file(), "a")
    assert seen(open_file()) == [("a", 1)]
    assert stat.S_IMODE((tmp_path / "desk" / "desk.sqlite3").stat().st_mode) == 0o600


def test_what_fails_in_a_transaction_has_not_happened(open_file: Open) -> None:
    database = open_file()
    with pytest.raises(RuntimeError), database.writing():
        note(database, "inner")  # part of the outer one
        raise RuntimeError
    assert seen(database) == []
    note(database, "later")
    assert seen(database) == [("later", 1)]


def test_a_transaction_of_another_process_is_waited_for(open_file: Open) -> None:
    first, second = open_file(), open_file()
    note(first, "count", 0)
    for database in (first, second, first):
        with database.writing() as connection:
            (row,) = connection.execute(select(last_seen.c.number)).all()
            connection.execute(update(last_seen).values(number=row.number + 1))
    assert seen(second) == [("count", 3)]


def test_a_lock_that_stays_is_an_error_that_says_so(open_file: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polydesk.core.storage.database._LOCK_WAIT_S", 0.05)
    first, second = open_file(), open_file()
    with first.writing(), pytest.raises(StorageFailed, match="locked by another process"):
        note(second, "b")


@pytest.mark.parametrize(
    "content", [b"this is no database, it only looks like a file" * 100, b"SQLite format 3\x00" * 400]
)
def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "desk.sqlite3"
    file.write_bytes(content)
    with pytest.raises(StorageFailed, match="left as it is"):
        Database.at(file)
    assert file.read_bytes() == content


def of_the_first_format(path: Path) -> None:
    """Turn a file back into what the first version wrote."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP INDEX orders_by_time_sent")
        connection.execute("CREATE INDEX orders_by_time_sent ON orders (account, sent_at)")
        connection.execute("ALTER TABLE forecasts DROP COLUMN sources")
        connection.execute("UPDATE schema_version SET version = 1")
    connection.close()


def asked(path: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute(query).fetchall()
    connection.close()
    return rows


def test_a_file_of_an_earlier_version_is_brought_forward_and_kept(open_file: Open, tmp_path: Path) -> None:
    database = open_file()
    note(database, "a")
    database.close()
    path = tmp_path / "desk" / "desk.sqlite3"
    of_the_first_format(path)

    assert seen(open_file()) == [("a", 1)]
    columns = [row[2] for row in asked(path, "PRAGMA index_info(orders_by_time_sent)")]
    assert columns == ["account", "sent_at", "spent"]
    assert "sources" in [row[1] for row in asked(path, "PRAGMA table_info(forecasts)")]
    assert asked(path, "SELECT version FROM schema_version") == [(SCHEMA_VERSION,)]
    before = path.with_name("desk.sqlite3.format-1")
    assert asked(before, "SELECT version FROM schema_version") == [(1,)]
    assert asked(before, "SELECT principal, number FROM last_seen") == [("a", 1)]
    assert stat.S_IMODE(before.stat().st_mode) == 0o600


def test_without_a_copy_nothing_is_brought_forward(open_file: Open, tmp_path: Path) -> None:
    open_file().close()
    path = tmp_path / "desk" / "desk.sqlite3"
    of_the_first_format(path)
    path.with_name("desk.sqlite3.format-1").mkdir()

    with pytest.raises(StorageFailed, match="left as it is"):
        open_file()
    assert asked(path, "SELECT version FROM schema_version") == [(1,)]


def test_a_file_of_another_version_is_refused(open_file: Open, tmp_path: Path) -> None:
    with open_file().writing() as connection:
        connection.execute(update(versions).values(version=99))
    with pytest.raises(StorageFailed, match="format 99"):
        open_file()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="POLYMARKET_STATE_DIR"):
        Database.at(tmp_path / "file" / "desk.sqlite3")


def test_a_changed_a_missing_and_a_swapped_audit_entry_break_the_chain(open_file: Open) -> None:
    database = open_file()
    log, other = AuditLog(database, "0x1"), AuditLog(database, "0x2")
    for number in range(4):
        (other if number == 2 else log).write("test.entry", now=NOW, attempt_id=f"a{number}", number=number)
    whole = check_chain(database)
    assert (whole.entries, whole.broken_at) == (4, None)
    assert [entry.detail["number"] for entry in log.entries()] == [0, 1, 3]
    assert [entry.number for entry in log.entries(after=2)] == [4]
    for statement in (
        "UPDATE audit SET detail = '{\"number\":9}' WHERE number = 2",
        "DELETE FROM audit WHERE number = 2",
        "UPDATE audit SET at = at + 1 WHERE number = 2",
    ):
        with pytest.raises(_Undo), database.writing() as connection:
            connection.exec_driver_sql(statement)
            broken = check_chain(database)
            assert broken.broken_at in (2, 3)
            raise _Undo
    assert check_chain(database).broken_at is None
    with database.reading() as connection:
        assert connection.execute(select(audit.c.previous).where(audit.c.number == 1)).scalar() == "0" * 64


class _Undo(Exception):
    pass


def test_a_process_counts_as_alive_until_it_dies_however_it_dies(tmp_path: Path) -> None:
    folder = tmp_path / "processes"
    mine = ProcessMark(folder)
    context = multiprocessing.get_context("spawn")
    answers, stay = context.SimpleQueue(), context.Event()
    other = context.Process(target=_hold_a_mark, args=(folder, answers, stay))
    other.start()
    its_id = answers.get()
    assert mine.lives(mine.id)
    assert mine.lives(its_id)
    other.kill()
    other.join()
    assert not mine.lives(its_id)
    assert not mine.lives("never-was")
    mine.release()
    assert not ProcessMark(None).lives(mine.id)
    assert list(folder.iterdir()) == []


def _hold_a_mark(folder: Path, answers: multiprocessing.SimpleQueue[str], stay: multiprocessing.Event) -> None:  # type: ignore[valid-type]
    mark = ProcessMark(folder)
    answers.put(mark.id)
    stay.wait()  # type: ignore[attr-defined]


def test_the_file_is_sqlite_that_others_can_read(open_file: Open, tmp_path: Path) -> None:
    note(open_file(), "a")
    with sqlite3.connect(f"file:{tmp_path / 'desk' / 'desk.sqlite3'}?mode=ro", uri=True) as plain:
        assert plain.execute("SELECT principal FROM last_seen").fetchall() == [("a",)]
    plain.close()
