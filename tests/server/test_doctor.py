"""What `polydesk doctor` says of a whole installation, of a broken worker, and of a device that is not there."""

from __future__ import annotations

import json

import pytest

from polydesk.gpu import devices
from polydesk.gpu.executors.process_pool import ProcessPool
from polydesk.gpu.worker_kinds import SIMULATION, WorkerKind
from polydesk.server import compute_check
from polydesk.server.cli import main


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "cpu")
    monkeypatch.setenv("POLYMARKET_NLI_MODEL", "none")


@pytest.mark.takeover
def test_every_task_is_tried_and_named_with_its_engine_and_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--compute", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], report["backend"]) == (True, "processes")
    kinds = {kind["status"]["kind"]: kind for kind in report["kinds"]}
    assert kinds.keys() == {"simulation", "text"}
    for kind in kinds.values():
        assert kind["status"]["device"] == "cpu"
        assert kind["status"]["threads"] >= 1
        assert all(test["error"] is None and test["again_ms"] > 0 and test["engine"] for test in kind["tests"])
    assert report["installed"]["numpy"]
    assert set(report["missing"]) <= {"nlp", "compute", "gpu", "hub", "cluster"}


def test_what_does_not_work_is_said_and_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = WorkerKind("text", "no_such_module", frozenset({"sentiment", "stance"}))
    monkeypatch.setattr(compute_check, "choose_executor", lambda compute: ProcessPool([SIMULATION, broken]))
    assert main(["doctor", "--compute"]) == 1
    said = capsys.readouterr().out
    assert "works   market_risk by numpy" in said
    assert "text: 1 worker(s), did not start" in said
    assert "FAILED  sentiment: no worker survived sentiment: it did not start" in said


def test_a_device_that_is_not_there_is_a_matter_of_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "cuda")
    monkeypatch.setattr(devices, "has_torch", lambda: False)
    assert main(["doctor", "--compute"]) == 2
    assert "POLYMARKET_COMPUTE=cuda cannot be used: torch is not installed" in capsys.readouterr().err
