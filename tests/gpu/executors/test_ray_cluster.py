"""A Ray of this machine: it begins and ends with the executor, however that ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from polydesk.gpu.interface import WorkerLost, share
from tests.support.executors import KIND, LONG_S, worker_pid

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("_ray_environment")]

PARENT = """
import asyncio, sys
from polydesk.gpu.executors.ray_cluster import RayExecutor
from tests.support.executors import KIND

async def main():
    ray = RayExecutor([KIND], options={"num_cpus": 1, "object_store_memory": 100 << 20, "_temp_dir": sys.argv[1]})
    await ray.submit("listen", {}, deadline_s=60, progress=lambda _: print("running", flush=True))

asyncio.run(main())
"""


@pytest.fixture
def client_address(ray_address: str) -> Iterator[str]:
    """What listens for clients that are no part of the cluster."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ray.util.client.server", "--address", ray_address, "--mode", "specific-server"]
    with subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)], stderr=subprocess.DEVNULL) as server:
        deadline = time.monotonic() + 30
        while True:
            assert time.monotonic() < deadline, "the client server does not listen"
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"ray://127.0.0.1:{port}"
        server.terminate()


async def test_a_cluster_elsewhere_is_reached_as_a_client(client_address: str) -> None:
    from polydesk.gpu.executors.ray_cluster import RayExecutor

    seen: list[float] = []
    async with RayExecutor([KIND], address=client_address, workers={"test": 1}) as ray:
        await ray.submit("count", {}, deadline_s=LONG_S, progress=seen.append)
        async with share(np.arange(3.0)) as shared:
            answer = await ray.submit("double", {"array": shared}, deadline_s=LONG_S)
            assert answer["doubled"].tolist() == [0, 2, 4]
        with pytest.raises(WorkerLost, match="its actor ended"):
            await ray.submit("die", {}, deadline_s=LONG_S)
        assert await ray.submit("echo", {"alive": 1}, deadline_s=LONG_S) == {"alive": 1}
    assert seen == [0.25, 0.5, 0.75, 1.0]


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


async def test_a_driver_that_dies_is_replaced(ray_address: str) -> None:
    from polydesk.gpu.executors.ray_cluster import RayExecutor

    async with RayExecutor([KIND], address=ray_address, workers={"test": 1}) as ray:
        first = await worker_pid(ray)
        assert ray._driver is not None
        os.kill(ray._driver.pid, signal.SIGKILL)
        assert await worker_pid(ray) != first
        assert ray.describe().restarts == 1


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
