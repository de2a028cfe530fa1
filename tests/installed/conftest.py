"""The wheel of the working tree, installed into an empty environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.downloads import WORK, built_wheel, fresh_environment, run


@pytest.fixture(scope="session")
def installation() -> Path:
    """A virtual environment that holds the wheel and what it asks for, and nothing else."""
    folder = WORK / "installed"
    fresh_environment(folder)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", built_wheel())
    return folder


@pytest.fixture(scope="session")
def command(installation: Path) -> tuple[str, ...]:
    """The installed `polydesk` command."""
    return (str(installation / "bin" / "polydesk"),)
