"""The lock fits what the project asks for, and the audit finds what is not as it should be."""

from __future__ import annotations

import importlib.metadata
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.audit_dependencies import (
    LOCK,
    ask_for_advisories,
    changed_files,
    licence_of,
    read_lock,
    versions_that_differ,
)

ROOT = Path(__file__).resolve().parents[2]
_LOCKED_EXTRAS = ("nlp", "compute")


def test_the_lock_has_a_fitting_version_of_everything_that_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for extra in _LOCKED_EXTRAS:
        asked += project["project"]["optional-dependencies"][extra]
    locked = {each.name: each.version for each in read_lock() if each.applies}
    for text in asked:
        wanted = Requirement(text)
        version = locked.get(canonicalize_name(wanted.name))
        assert version is not None, f"{wanted.name} is not in the lock: run make lock"
        assert wanted.specifier.contains(Version(version), prereleases=True), f"{text}, locked {version}: run make lock"


def test_the_lock_names_no_index_and_a_hash_of_every_entry() -> None:
    entries = read_lock()
    assert len(entries) > 60
    assert all(each.hashes for each in entries)
    text = LOCK.read_text()
    assert "://" not in text
    assert "index" not in text.split("ast-serialize")[0]
    assert not any(each.name.startswith(("torch", "nvidia")) for each in entries)


def test_a_lock_without_a_hash_or_with_a_stray_line_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "dev.lock"
    for text, words in (
        ("attrs==25.1.0\n", "names no hash of attrs"),
        (f"attrs==25.1.0 \\\n    --hash=sha256:{'0' * 64}\nattrs>=2\n", "no requirement"),
    ):
        file.write_text(text)
        with pytest.raises(ValueError, match=words):
            read_lock(file)


def test_what_is_not_in_the_lock_or_in_another_version_is_named(tmp_path: Path) -> None:
    file = tmp_path / "dev.lock"
    file.write_text(
        "".join(
            f"{entry} \\\n    --hash=sha256:{'0' * 64}\n"
            for entry in ("attrs==25.1.0", "colorama==1.0 ; sys_platform == 'none'", "six==1.0 ; python_version > '3'")
        )
    )
    installed = {"attrs": "25.1.0", "colorama": "1.0", "six": "1.1", "pip": "26", "polydesk": "0.1"}
    assert versions_that_differ(installed, read_lock(file)) == [
        "colorama 1.0 is installed and not in the lock",
        "six 1.1 is installed, and the lock has 1.0",
    ]


def test_a_file_that_was_changed_after_it_was_installed_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "thing-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\nLicense-Expression: MIT\n")
    right = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"  # of nothing at all
    (about / "RECORD").write_text(f"thing.py,sha256={right},0\ngone.py,sha256={right},0\nother.txt,,\n")
    (tmp_path / "thing.py").write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    (found,) = importlib.metadata.distributions(name="thing", path=[str(tmp_path)])
    assert changed_files([found]) == ["thing: gone.py is missing"]
    (tmp_path / "thing.py").write_text("import os")
    assert changed_files([found])[1] == "thing: thing.py has been changed since it was installed"
    assert licence_of(found) == "MIT"


@pytest.mark.parametrize(
    ("script", "words", "findings"),
    [
        (None, "not checked: pip-audit is not installed", 0),
        ("echo no network >&2; exit 1", "not checked: pip-audit could not reach its source", 0),
        (
            """echo '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": []}]},"""
            """ {"name": "b", "skip_reason": "?"}]}'; exit 1""",
            "1 checked, 1 not, 1 advisories",
            1,
        ),
    ],
)
def test_advisories_that_nobody_could_look_up_are_not_called_none(
    tmp_path: Path, script: str | None, words: str, findings: int
) -> None:
    program = tmp_path / "pip-audit"
    if script is not None:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    said, found = ask_for_advisories(LOCK, program=None if script is None else str(program))
    assert said == words
    assert len(found) == findings
