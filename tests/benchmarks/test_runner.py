"""`python -m benchmarks` itself: names, exit codes, output. Nothing here looks at how fast anything is."""

from __future__ import annotations

import importlib
import json
import sys
from types import SimpleNamespace

import pytest

from benchmarks import matching
from benchmarks.__main__ import main
from benchmarks.registry import MODULES, Result, run


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Result:
    """A registered benchmark that takes no time."""
    result = Result(about="nothing at all", ratios={"one / other": 2.0}, measured={"events per second": 1234.5})
    monkeypatch.setitem(MODULES, "fake", "fake_benchmark")
    monkeypatch.setitem(sys.modules, "fake_benchmark", SimpleNamespace(run=lambda: result))
    return result


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    return main()


def test_the_list_names_every_benchmark(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(monkeypatch, "--list") == 0
    assert capsys.readouterr().out.split() == list(MODULES)


def test_an_unknown_name_is_refused_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        _run(monkeypatch, "no_such")
    assert left.value.code == 2
    assert "no_such" in (printed := capsys.readouterr().err)
    assert "monte_carlo" in printed


def test_json_is_one_object_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fake: Result
) -> None:
    assert _run(monkeypatch, "fake", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "name": "fake",
        "about": fake.about,
        "ratios": fake.ratios,
        "measured": fake.measured,
    }


def test_without_json_figures_are_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fake: Result
) -> None:
    assert _run(monkeypatch, "fake") == 0
    printed = capsys.readouterr().out
    assert "| one / other | **2** |" in printed
    assert "| events per second | 1,234 |" in printed


@pytest.mark.parametrize("name", list(MODULES))
def test_every_registered_module_can_run(name: str) -> None:
    assert callable(importlib.import_module(MODULES[name]).run)


def test_the_matching_benchmark_trades_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_EVENTS", 300)
    monkeypatch.setattr(matching, "_ROUNDS", 1)
    assert run("matching").measured["trades that came of them"] > 0
