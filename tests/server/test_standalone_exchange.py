"""`polydesk exchange --faults FILE`: the rules of the file hold, and a file with a mistake starts nothing."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from polydesk.server.cli import main
from tests.support.processes import SOURCE_COMMAND, exchange


def test_the_faults_of_a_file_happen(tmp_path: Path) -> None:
    rules = [
        {"kind": "rate_limited", "route": "/clob/ok", "count": 1, "retry_after": 3},
        {"kind": "reset_before_read", "route": "/clob/time", "count": 1},
    ]
    file = tmp_path / "faults.json"
    file.write_text(json.dumps(rules), encoding="utf-8")
    with exchange(SOURCE_COMMAND, tmp_path, "--no-traders", "--faults", str(file)) as addresses:
        limited = httpx2.get(f"{addresses['clob_url']}/ok")
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "3")
        assert httpx2.get(f"{addresses['clob_url']}/ok").status_code == 200
        with pytest.raises(httpx2.ReadError):
            httpx2.get(f"{addresses['clob_url']}/time")
        assert httpx2.get(f"{addresses['clob_url']}/time").status_code == 200


def test_a_mistake_in_the_file_is_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "faults.json"
    file.write_text('[{"kind": "rate_limited", "evry": 2}]', encoding="utf-8")
    assert main(["exchange", "--port", "0", "--faults", str(file)]) == 2
    assert "rule 1, evry" in capsys.readouterr().err
