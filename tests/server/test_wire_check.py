"""`polydesk wire check`: what it prints, and the exit codes it promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polydesk.server.cli import main

TAG = {"id": "1", "label": "Fed", "slug": "fed"}


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    file = tmp_path / "tags.json"
    file.write_text(json.dumps([TAG, TAG]))
    return file


def test_payloads_that_fit_are_code_0(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wire", "check", str(capture)]) == 0
    assert capsys.readouterr().out == f"{capture}: gamma_tag; 2 objects, 0 failed\n"


def test_payloads_that_do_not_fit_are_code_1_with_the_paths_of_their_fields(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "books.json"
    bad.write_text(json.dumps([{"asset_id": "1", "market": "0x1", "asks": [], "bids": [{"price": "0.5"}]}] * 22))
    assert main(["wire", "check", str(capture), str(bad)]) == 1
    said = capsys.readouterr().out
    assert f"{bad}: book; 22 objects, 22 failed" in said
    assert "0.bids.0.size" in said
    assert "and 2 more" in said


def test_json_has_one_line_per_file(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wire", "check", "--json", "--kind", "gamma_tag", str(capture), str(capture)]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first == second == {"file": str(capture), "kinds": ["gamma_tag"], "objects": 2, "failures": []}


def test_a_file_or_a_kind_that_is_not_there_is_code_2(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wire", "check", str(capture) + ".no"]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main(["wire", "check", "--kind", "novel", str(capture)]) == 2
    assert "gamma_market" in capsys.readouterr().err
