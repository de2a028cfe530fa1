"""Rules about the source itself that no tool checks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("server", "handlers", "core", "gpu")
SOURCES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def _absolute_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_layer_is_imported_under_a_second_name(path: Path) -> None:
    # `from core.errors import X` works in a checkout and makes a second copy of every class.
    wrong = [name for name in _absolute_imports(path) if name.split(".")[0] in LAYERS]
    assert wrong == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_inside_the_package_imports_are_relative(path: Path) -> None:
    assert [name for name in _absolute_imports(path) if name.split(".")[0] == "polydesk"] == []


def test_only_the_gate_makes_an_approved_order() -> None:
    makers = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ApprovedOrder"
    ]
    assert makers == ["core/risk/gate.py"]


def test_no_code_outside_the_composition_root_asks_which_mode_it_runs_in() -> None:
    allowed = {"core/settings.py", "server/trading_desk.py", "server/sites.py"}
    switches = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare) and "Mode." in ast.unparse(node)
    ]
    assert set(switches) <= allowed


def test_only_settings_and_clock_read_the_environment_and_the_time() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.is_relative_to(ROOT / "core")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("datetime.now", "time.time", "os.getenv")
    }
    assert readers <= {"core/clock.py"}
