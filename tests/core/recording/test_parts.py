"""Files of a recording: complete or named a part, bounded on disk, and of one recorder."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from polydesk.core.errors import ConfigurationError
from polydesk.core.exchange.replay.files import Unreadable
from polydesk.core.exchange.replay.recording import read_recording
from polydesk.core.recording.parts import PartWriter, Rotation
from polydesk.core.recording.rows import Row, is_recording, read_rows, table_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ROWS = [Row("level", number, 1, 2, "0xa", "7", "BUY", 4000, number) for number in range(100)]


def test_a_file_is_a_part_until_it_is_whole(tmp_path: Path) -> None:
    with PartWriter(tmp_path, Rotation()) as writer:
        writer.write([], NOW)
        assert not list(tmp_path.glob("*.p*"))
        writer.write(ROWS, NOW)
        writer.write(ROWS, NOW)
        (part,) = tmp_path.glob("*.p*")
        assert part.name.endswith(".parquet.part")
        assert not writer.is_due(NOW + timedelta(minutes=14))
        assert writer.is_due(NOW + timedelta(minutes=15))
    (path,) = tmp_path.glob("*.p*")
    assert path.suffix == ".parquet"
    assert is_recording(path)
    assert len(list(read_rows(path))) == 200
    assert (writer.written_rows, writer.finished_files) == (200, 1)
    assert table_of([]).num_rows == 0


def test_a_file_ends_by_size_and_the_oldest_make_room(tmp_path: Path) -> None:
    with PartWriter(tmp_path, Rotation(most_bytes=1000, keep_bytes=6_000)) as writer:
        for number in range(6):
            assert not writer.is_due(NOW)
            writer.write(ROWS, NOW + timedelta(seconds=number))
            assert writer.is_due(NOW)
            writer.finish()
    left = sorted(tmp_path.glob("*.parquet"))
    assert 1 <= len(left) < 6
    assert len(left) + writer.removed_files == 6
    assert sum(path.stat().st_size for path in left) <= 6_000
    assert left[-1].name.startswith("20261101T000005")


def test_a_folder_has_one_recorder_and_what_a_dead_one_left_goes(tmp_path: Path) -> None:
    (tmp_path / "20260101T000000.000000.parquet.part").write_bytes(b"PAR1 half a file")
    with PartWriter(tmp_path, Rotation()):
        assert not list(tmp_path.glob("*.part"))
        with pytest.raises(ConfigurationError, match="another recorder"), PartWriter(tmp_path, Rotation()):
            pass
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"), PartWriter(tmp_path / "file", Rotation()):
        pass


def test_other_parquet_files_are_none_of_ours_and_damaged_rows_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("no table")
    assert not is_recording(tmp_path / "text.parquet")
    with PartWriter(tmp_path / "bad", Rotation()) as writer:
        writer.write([Row("book", 1, 1, 2, "0xa", "7"), Row("book", 1, 1, 2, "0xa", "7", "LEFT", 4000, 1)], NOW)
    with pytest.raises(Unreadable, match="a row cannot be read"):
        read_recording([tmp_path / "bad"])
    (path,) = (tmp_path / "bad").glob("*.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[:20] + bytes(40) + whole[60:])
    with pytest.raises(Unreadable, match="not a recording"):
        read_recording([path])


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"polydesk\[data\]"):
        table_of(ROWS)
