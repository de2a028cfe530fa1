"""A halt outlives the process, and doubt about it means halted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from polydesk.core.risk.kill_switch import KillSwitch

NOW = datetime(2026, 5, 17, 6, 0, tzinfo=UTC)


def test_a_halt_is_seen_by_another_process_and_keeps_its_first_reason(tmp_path: Path) -> None:
    KillSwitch(tmp_path, lifted_by="polydesk resume").engage("first", NOW)
    KillSwitch(tmp_path, lifted_by="polydesk resume").engage("second", NOW)
    halt = KillSwitch(tmp_path, lifted_by="polydesk resume").current()
    assert halt is not None
    assert (halt.reason, halt.since) == ("first", NOW)


def test_lifting_says_whether_anything_was_halted(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path, lifted_by="polydesk resume")
    assert not switch.lift()
    switch.engage("x", NOW)
    assert switch.lift()
    assert switch.current() is None


def test_a_damaged_file_still_halts(tmp_path: Path) -> None:
    (tmp_path / "halted.json").write_text("{")
    halt = KillSwitch(tmp_path, lifted_by="polydesk resume").current()
    assert halt is not None
    assert "cannot be read" in halt.reason


def test_a_halt_that_cannot_be_saved_holds_in_this_process(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    switch = KillSwitch(tmp_path / "state", lifted_by="polydesk resume")
    halt = switch.engage("x", NOW)
    assert not halt.saved
    assert switch.current() == halt
    assert KillSwitch(tmp_path / "state", lifted_by="polydesk resume").current() is None
