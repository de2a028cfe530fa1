"""`polydesk record` in a process of its own: it ends when told to, and loses at most one file when killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from polydesk.core.exchange.replay.moments import LevelMoment
from polydesk.core.exchange.replay.recording import read_recording
from polydesk.server.cli import main

_PATIENCE_S = 60


@contextmanager
def recorder(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "polydesk.server", "record", "--mode", "sandbox", "--out", str(folder)]
    process = subprocess.Popen(
        [*command, "--json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder.parent
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_files(folder: Path, complete: int, process: subprocess.Popen[str]) -> None:
    """Each file takes a second or more of a clock that cannot be moved from here."""
    deadline = time.monotonic() + _PATIENCE_S
    while len(list(folder.glob("*.parquet"))) < complete or not list(folder.glob("*.part")):
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.takeover
def test_a_killed_recorder_leaves_whole_files_and_a_stopped_one_says_what_it_wrote(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    with recorder(folder, "--top", "5", "--rotate-minutes", "0.01", "--news") as killed:
        wait_for_files(folder, 2, killed)
    assert list(folder.glob("*.part"))
    before = read_recording([folder])
    assert len(before.catalogue.markets) == 5
    assert any(isinstance(each, LevelMoment) for each in before.moments)
    with recorder(folder, "--top", "5") as stopped:
        assert stopped.stderr is not None
        assert "Recording 5 markets" in stopped.stderr.readline()
        stopped.send_signal(signal.SIGTERM)
        output, errors = stopped.communicate(timeout=_PATIENCE_S)
    assert stopped.returncode == 0, errors
    told = json.loads(output)
    assert told["files"] == 1 and told["rows"] > 0
    assert not list(folder.glob("*.part"))
    assert len(read_recording([folder]).catalogue.markets) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name markets"),
        (("--top", "3", "--keep-gb", "0"), "more than 0"),
        (("--query", "no such words at all"), "No open market"),
        (("no-such-market-at-all",), "No event is called"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert main(["record", "--mode", "sandbox", "--out", str(tmp_path), *arguments]) in (1, 2)
    assert message in capsys.readouterr().err


def test_markets_are_named_in_any_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = ("--mode", "sandbox", "--out", str(tmp_path / "one"), "--minutes", "0.01")
    assert main(["record", *named, "--query", "fed", "fed-decision-in-june-825"]) == 0
    written = capsys.readouterr().out
    assert "files    1" in written
    assert len(read_recording([tmp_path / "one"]).catalogue.markets) >= 4
