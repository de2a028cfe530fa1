"""Worker processes: where they run, and what remains of them when something goes wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from polydesk.gpu.executors import process_pool
from polydesk.gpu.executors.process_pool import ProcessPool
from polydesk.gpu.interface import TaskTimeout, WorkerLost
from polydesk.gpu.worker_kinds import WorkerKind
from tests.support.executors import KIND, LONG_S, eventually, exists, running_task, worker_pid


async def test_one_worker_serves_task_after_task(pool: ProcessPool) -> None:
    assert await worker_pid(pool) == await worker_pid(pool)


async def test_two_workers_compute_at_the_same_time() -> None:
    async with ProcessPool([KIND], workers={"test": 2}, stop_grace_s=0.2) as pool:
        calls = [await running_task(pool, "listen"), await running_task(pool, "listen")]
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_a_worker_that_will_not_stop_is_killed(pool: ProcessPool) -> None:
    pid = await worker_pid(pool)
    call = await running_task(pool, "ignore")
    call.cancel()
    assert await worker_pid(pool) != pid
    assert not exists(pid)


async def test_an_idle_worker_killed_from_outside_is_noticed_without_being_asked(pool: ProcessPool) -> None:
    pid = await worker_pid(pool)
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not pool.describe().started)
    assert await worker_pid(pool) != pid


async def test_the_end_of_a_workers_pipe_is_read_once(pool: ProcessPool) -> None:
    os.kill(await worker_pid(pool), signal.SIGKILL)
    await eventually(lambda: not pool.describe().started)
    before = time.process_time()
    await asyncio.sleep(0.3)  # a loop that spins takes all of it
    assert time.process_time() - before < 0.15


async def test_a_worker_that_hangs_while_starting_is_killed() -> None:
    async with ProcessPool([KIND], start_timeout_s=0.0) as pool:
        with pytest.raises(WorkerLost, match="not ready within 0 s"):
            await pool.submit("echo", {}, deadline_s=LONG_S)


async def test_closing_while_a_worker_starts_ends_it(pool: ProcessPool) -> None:
    call = asyncio.create_task(pool.submit("echo", {}, deadline_s=LONG_S))
    for _ in range(5):
        await asyncio.sleep(0)
    await pool.aclose()
    with pytest.raises(WorkerLost, match="closed"):
        await call


async def test_closing_leaves_no_process_behind_even_under_a_deaf_task() -> None:
    pool = ProcessPool([KIND])
    pid = await worker_pid(pool)
    call = await running_task(pool, "ignore")
    await pool.aclose()
    assert not exists(pid)
    with pytest.raises(WorkerLost, match="the executor was closed"):
        await call


async def test_output_of_libraries_does_not_disturb_the_answers(pool: ProcessPool) -> None:
    assert await pool.submit("chatter", {}, deadline_s=LONG_S) == {"said": True}


async def test_a_large_payload_and_answer_pass(pool: ProcessPool) -> None:
    payload = {"text": "x" * 3_000_000}
    assert await pool.submit("echo", payload, deadline_s=LONG_S) == payload


async def test_the_event_loop_keeps_turning_while_a_task_runs(pool: ProcessPool) -> None:
    await pool.submit("echo", {}, deadline_s=LONG_S)
    turns = 0
    running = asyncio.Event()
    call = asyncio.create_task(pool.submit("ignore", {}, deadline_s=1.0, progress=lambda _: running.set()))
    await running.wait()
    while not call.done():
        await asyncio.sleep(0)
        turns += 1
    with pytest.raises(TaskTimeout):
        await call
    assert turns > 1_000


async def test_workers_do_not_get_the_keys_of_wallets(pool: ProcessPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMARKET_PRIVATE_KEY", "0x" + "5" * 64)
    monkeypatch.setenv("SOMETHING_ELSE", "passes")
    names = {"names": ["POLYMARKET_PRIVATE_KEY", "SOMETHING_ELSE"]}
    answer = await pool.submit("environment", names, deadline_s=LONG_S)
    assert answer == {"POLYMARKET_PRIVATE_KEY": None, "SOMETHING_ELSE": "passes"}


class TestDevices:
    @pytest.fixture
    def kind(self) -> WorkerKind:
        return WorkerKind("test", KIND.module, KIND.tasks, KIND.batched, uses_cuda=True)

    async def test_workers_of_the_processor_share_its_cores_and_see_no_device(
        self, kind: WorkerKind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        names = ["OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_WAIT_POLICY", "CUDA_VISIBLE_DEVICES"]
        other = WorkerKind("other", KIND.module, frozenset({"pid"}))
        async with ProcessPool([kind, other], cores=9, workers={"test": 2}) as pool:
            answer = await pool.submit("environment", {"names": names}, deadline_s=LONG_S)
            assert list(answer.values()) == ["3", "3", "PASSIVE", ""]
            assert [(each.workers, each.threads) for each in pool.describe().kinds] == [(2, 3), (1, 3)]

    async def test_a_users_own_lower_number_of_threads_stands(
        self, kind: WorkerKind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        async with ProcessPool([kind], cores=8) as pool:
            answer = await pool.submit("environment", {"names": ["OMP_NUM_THREADS"]}, deadline_s=LONG_S)
            assert answer == {"OMP_NUM_THREADS": "2"}
            assert pool.describe().kinds[0].threads == 2

    async def test_each_cuda_device_has_one_worker_that_sees_no_other(self, kind: WorkerKind, tmp_path: Path) -> None:
        async with ProcessPool([kind], cuda_devices=["0", "GPU-1a"]) as pool:
            assert pool.describe().kinds[0].workers == 2
            await pool.start()
            gate = tmp_path / "gate"
            busy = await running_task(pool, "wait_for", file=str(gate))
            names = {"names": ["CUDA_VISIBLE_DEVICES"]}
            other = await pool.submit("environment", names, deadline_s=LONG_S)
            gate.touch()
            await busy
            one = await pool.submit("environment", names, deadline_s=LONG_S)
        assert sorted(each["CUDA_VISIBLE_DEVICES"] for each in (one, other)) == ["0", "GPU-1a"]

    async def test_a_device_on_which_no_worker_starts_is_replaced_by_the_processor(self) -> None:
        broken = WorkerKind("test", "tests.support.tasks_without_device", KIND.tasks, uses_cuda=True)
        async with ProcessPool([broken], cuda_devices=["broken"]) as pool:
            await pool.submit("echo", {}, deadline_s=LONG_S)
            assert "it did not start" in pool.describe().kinds[0].degraded

    async def test_after_a_device_has_failed_again_and_again_its_worker_uses_the_processor(
        self, kind: WorkerKind
    ) -> None:
        async with ProcessPool([kind], cuda_devices=["broken"]) as pool:
            names = {"names": ["CUDA_VISIBLE_DEVICES"]}
            with pytest.raises(WorkerLost):
                await pool.submit("environment", names, deadline_s=LONG_S)
            answer = await pool.submit("environment", names, deadline_s=LONG_S)
            assert answer == {"CUDA_VISIBLE_DEVICES": ""}
            assert pool.describe().kinds[0].degraded.startswith("CUDA device broken failed: process ")

    def test_devices_are_found_by_the_drivers_list(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        for name in ("0000:01:00.0", "0000:02:00.0"):
            (tmp_path / name).mkdir()
        assert process_pool.cuda_devices(tmp_path) == ("0", "1")
        assert process_pool.cuda_devices(tmp_path / "none") == ()

    @pytest.mark.parametrize(("allowed", "expected"), [("", ()), ("-1", ()), ("1, GPU-2b", ("1", "GPU-2b"))])
    def test_the_users_choice_of_devices_stands(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: str, expected: tuple[str, ...]
    ) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
        assert process_pool.cuda_devices(tmp_path) == expected


PARENT = """
import asyncio, sys
from polydesk.gpu.executors.process_pool import ProcessPool
from tests.support.executors import KIND

async def main():
    pool = ProcessPool([KIND])
    print((await pool.submit("pid", {}, deadline_s=30))["pid"], flush=True)
    await pool.submit(sys.argv[1], {}, deadline_s=60, progress=lambda _: print("running", flush=True))

asyncio.run(main())
"""


@pytest.mark.parametrize("task", ["listen", "ignore"])
def test_the_worker_ends_when_its_parent_is_killed(task: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    command = [sys.executable, "-c", PARENT, task]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert parent.stdout.readline() == "running\n"
        assert exists(pid)
        parent.kill()
    deadline = time.monotonic() + 10
    while exists(pid):
        assert time.monotonic() < deadline, "the worker outlived its parent"
        time.sleep(0.01)


USER = """
import asyncio, sys
from polydesk.gpu.executors.choice import choose_executor

async def main():
    async with choose_executor("auto") as executor:
        bet = {"probability": 0.5, "price": 0.4, "shares": 10.0, "fee": 0.0, "paths": 1000, "seed": 1}
        await executor.submit("market_risk", bet, deadline_s=60)
        await executor.submit("sentiment", {"items": [{"text": "Rates fall", "target": ""}]}, deadline_s=60)
        assert all(kind.running and kind.engine for kind in executor.describe().kinds)

asyncio.run(main())
heavy = ["numpy", "numba", "scipy", "torch", "transformers", "tokenizers", "onnxruntime", "ray"]
print([name for name in heavy if name in sys.modules])
"""


def test_the_process_that_asks_loads_none_of_the_libraries_that_answer() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    asked = subprocess.run([sys.executable, "-c", USER], env=environment, check=True, capture_output=True, text=True)
    assert asked.stdout.strip() == "[]"
