"""Executors under test, with tasks that can misbehave."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from polydesk.gpu.executors.process_pool import ProcessPool
from tests.support.executors import KIND


@pytest.fixture
async def pool() -> AsyncIterator[ProcessPool]:
    async with ProcessPool([KIND], stop_grace_s=0.2) as pool:
        yield pool


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
