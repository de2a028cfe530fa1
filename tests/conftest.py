"""Fixtures that every test may use."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from polydesk.core.key_storage.ethereum import account_type

account_type()  # before any test module loads it directly, which would let nested JSON end the process

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a module that share something, mostly a server, run in one process, which makes it once; and first, so
    that none of these long rows is what the others wait for at the end."""
    shared = {id(item) for item in items if isinstance(item, pytest.Function) and _shares(item)}
    for item in items:
        if id(item) in shared:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: id(item) not in shared)


def _shares(item: pytest.Function) -> bool:
    definitions = item._fixtureinfo.name2fixturedefs
    return any(each.scope == "module" for name in item.fixturenames for each in definitions.get(name, ()))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recordings that may be read in place but not copied into the project."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"recordings not found at {_SHARED_DATA}; they are not part of the repository")
    return _SHARED_DATA


@pytest.fixture(scope="session")
def _ray_environment() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", os.pathsep.join(entry for entry in sys.path if entry))
    patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # on the loopback address
    patch.setenv("RAY_AUTH_MODE", "token")
    patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(16))  # else Ray writes one into the home folder
    yield
    patch.undo()


@pytest.fixture(scope="session")
def ray_address(_ray_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Ray of two cores that all tests of a run share; each has workers of its own there."""
    # Sockets lie in it, and their paths may have 107 characters at most.
    folder = tmp_path_factory.mktemp("ray")
    command = [sys.executable, "-m", "tests.support.ray_head", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as head:
        assert head.stdout is not None
        yield head.stdout.readline().strip()
        head.communicate()
