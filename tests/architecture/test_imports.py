"""Rules about the source itself that no tool checks."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("server", "handlers", "core", "gpu")
SOURCES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))


@functools.cache
def _nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def _calls(path: Path) -> Iterator[str]:
    """What is called in a file, as it is written."""
    return (ast.unparse(node.func) for node in _nodes(path) if isinstance(node, ast.Call))


def _absolute_imports(path: Path) -> Iterator[str]:
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_layer_is_imported_under_a_second_name() -> None:
    # `from core.errors import X` works in a checkout and makes a second copy of every class.
    wrong = {
        (_name(path), name)
        for path in (*SOURCES, *TESTS)
        for name in _absolute_imports(path)
        if name.split(".")[0] in LAYERS
    }
    assert wrong == set()


def test_inside_the_package_imports_are_relative() -> None:
    absolute = {_name(path) for path in SOURCES for name in _absolute_imports(path) if name.split(".")[0] == "polydesk"}
    assert absolute == set()


def test_only_the_gate_makes_an_approved_order() -> None:
    makers = [_name(path) for path in SOURCES for called in _calls(path) if called == "ApprovedOrder"]
    assert makers == ["core/risk/gate.py"]


def test_no_code_outside_the_composition_root_asks_which_mode_it_runs_in() -> None:
    allowed = {"core/settings.py", "server/trading_desk.py", "server/sites.py"}
    switches = {
        _name(path)
        for path in SOURCES
        for node in _nodes(path)
        if isinstance(node, ast.Compare) and "Mode." in ast.unparse(node)
    }
    assert switches <= allowed


def test_only_settings_and_clock_read_the_environment_and_the_time() -> None:
    reads = {"datetime.now", "time.time", "os.getenv", "os.environ.get"}
    readers = {
        _name(path)
        for path in SOURCES
        if path.is_relative_to(ROOT / "core")
        for called in _calls(path)
        if called in reads
    }
    assert readers <= {"core/clock.py", "core/settings.py"}
