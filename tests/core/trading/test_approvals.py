"""Requests to a person live in files only their owner can read, and every odd file reads as no."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from polydesk.core.trading.approvals import ApprovalBox, Decision

NOW = datetime(2026, 5, 17, 6, 0, tzinfo=UTC)


@pytest.fixture
def box(tmp_path: Path) -> ApprovalBox:
    return ApprovalBox(tmp_path / "approvals", lambda: "c0ffee")


def test_a_request_is_private_and_listed_until_it_is_answered(box: ApprovalBox, tmp_path: Path) -> None:
    request = box.ask("Buy?", expires_at=NOW + timedelta(minutes=5))
    file = tmp_path / "approvals" / "c0ffee.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert box.pending(NOW) == [request]
    assert box.decide("c0ffee", Decision.APPROVED, NOW)
    assert box.pending(NOW) == []


def test_an_answer_counts_once_and_only_in_time(box: ApprovalBox) -> None:
    box.ask("Buy?", expires_at=NOW + timedelta(minutes=5))
    assert box.decide("c0ffee", Decision.APPROVED, NOW + timedelta(minutes=5)) is None
    assert box.decide("c0ffee", Decision.DECLINED, NOW)
    assert box.decide("c0ffee", Decision.APPROVED, NOW) is None


@pytest.mark.parametrize("code", ["", "nope", "../../etc/passwd", "a/b"])
def test_a_code_that_was_never_given_out_is_nothing(box: ApprovalBox, code: str) -> None:
    assert box.read(code, NOW) is None


def test_a_damaged_request_is_nothing(box: ApprovalBox, tmp_path: Path) -> None:
    box.ask("Buy?", expires_at=NOW + timedelta(minutes=5))
    (tmp_path / "approvals" / "c0ffee.json").write_text('{"question": "Buy?"}')
    assert box.read("c0ffee", NOW) is None
