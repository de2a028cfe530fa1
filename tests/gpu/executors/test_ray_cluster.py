"""A Ray of this machine: it begins and ends with the executor, however that ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.executors import KIND, LONG_S

pytestmark = pytest.mark.cluster

PARENT = """
import asyncio, sys
from polydesk.gpu.executors.ray_cluster import RayExecutor
from tests.support.executors import KIND

async def main():
    ray = RayExecutor([KIND], options={"num_cpus": 1, "object_store_memory": 100 << 20, "_temp_dir": sys.argv[1]})
    await ray.submit("listen", {}, deadline_s=60, progress=lambda _: print("running", flush=True))

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray would write one into the home folder."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 2)


def processes_of(folder: Path) -> list[str]:
    """Command lines of living processes that name the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def wait_until_none(folder: Path) -> None:
    deadline = time.monotonic() + 20
    while left := processes_of(folder):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


async def test_closing_leaves_no_process_behind(tmp_path_factory: pytest.TempPathFactory) -> None:
    from polydesk.gpu.executors.ray_cluster import RayExecutor

    folder = tmp_path_factory.mktemp("ray")
    options = {"num_cpus": 2, "object_store_memory": 100 << 20, "_temp_dir": str(folder)}
    async with RayExecutor([KIND], options=options) as ray:
        assert ray.describe().kinds[0].workers == 1
        assert await ray.submit("echo", {"on": "ray"}, deadline_s=LONG_S) == {"on": "ray"}
        assert ray.describe().kinds[0].workers == 2, "one for each core of the cluster"
        assert processes_of(folder)
    wait_until_none(folder)


def test_nothing_outlives_a_killed_parent(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("ray")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    command = [sys.executable, "-c", PARENT, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "running\n"
        assert processes_of(folder)
        parent.kill()
    wait_until_none(folder)
