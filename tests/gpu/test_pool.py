"""Worker processes: what they answer, and what remains when something goes wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from polydesk.gpu.executors.inline import InlineExecutor
from polydesk.gpu.executors.process_pool import ProcessPool
from polydesk.gpu.interface import Busy, Executor, TaskFailed, TaskTimeout, WorkerLost

TASKS = "pool_tasks"
LONG_S = 30.0


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan that has ended but was not reaped yet still has an entry.
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


async def eventually(condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """For what sends no notice, such as the death of an idle process."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def running_task(executor: Executor, task: str) -> asyncio.Task[Mapping[str, Any]]:
    """A call whose task has made its first report, and so runs."""
    running = asyncio.Event()
    call = asyncio.create_task(executor.submit(task, {}, deadline_s=LONG_S, progress=lambda _: running.set()))
    await running.wait()
    return call


async def worker_pid(pool: ProcessPool) -> int:
    answer = await pool.submit("pid", {}, deadline_s=LONG_S)
    return int(answer["pid"])


@pytest.fixture(params=["inline", "pool"])
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "inline":
        return InlineExecutor(task_module=TASKS)
    return ProcessPool(task_module=TASKS, stop_grace_s=0.2)


class TestEveryExecutor:
    async def test_answers_with_what_the_task_returns(self, executor: Executor) -> None:
        payload = {"text": "żółw", "numbers": [1, 2.5, None], "nested": {"yes": True}}
        assert await executor.submit("echo", payload, deadline_s=LONG_S) == payload
        await executor.aclose()

    async def test_reports_progress_in_order(self, executor: Executor) -> None:
        seen: list[float] = []
        await executor.submit("count", {}, deadline_s=LONG_S, progress=seen.append)
        assert seen == [0.25, 0.5, 0.75, 1.0]
        await executor.aclose()

    async def test_a_task_that_raises_fails_with_its_error(self, executor: Executor) -> None:
        with pytest.raises(TaskFailed, match="LookupError: nothing there") as failure:
            await executor.submit("fail", {}, deadline_s=LONG_S)
        assert failure.value.kind == "LookupError"
        await executor.aclose()

    async def test_an_unknown_task_fails(self, executor: Executor) -> None:
        with pytest.raises(TaskFailed, match="there is no task 'nonsense'"):
            await executor.submit("nonsense", {}, deadline_s=LONG_S)
        await executor.aclose()

    async def test_a_payload_that_is_not_plain_is_refused_before_it_is_sent(self, executor: Executor) -> None:
        with pytest.raises(TypeError):
            await executor.submit("echo", {"path": Path()}, deadline_s=LONG_S)
        with pytest.raises(ValueError, match="JSON compliant"):
            await executor.submit("echo", {"nan": float("nan")}, deadline_s=LONG_S)
        await executor.aclose()

    async def test_a_deadline_ends_the_wait_and_the_task(self, executor: Executor) -> None:
        with pytest.raises(TaskTimeout, match="listen was not finished within"):
            await executor.submit("listen", {}, deadline_s=0.5)
        assert (await executor.submit("echo", {"again": 1}, deadline_s=LONG_S)) == {"again": 1}
        await executor.aclose()

    async def test_after_closing_nothing_is_taken(self, executor: Executor) -> None:
        await executor.aclose()
        with pytest.raises(WorkerLost, match="is closed"):
            await executor.submit("echo", {}, deadline_s=LONG_S)

    async def test_closing_ends_calls_that_wait(self, executor: Executor) -> None:
        call = await running_task(executor, "listen")
        await executor.aclose()
        with pytest.raises(WorkerLost, match="closed"):
            await call

    async def test_describes_itself(self, executor: Executor) -> None:
        before = executor.describe()
        assert (before.started, before.workers, before.queue_length, before.device) == (False, 1, 0, "cpu")
        await executor.submit("echo", {}, deadline_s=LONG_S)
        assert executor.describe().started
        await executor.aclose()


async def test_no_process_is_started_before_the_first_task(pool: ProcessPool) -> None:
    assert not pool.describe().started


async def test_the_engine_is_what_the_worker_loaded(pool: ProcessPool) -> None:
    await pool.submit("echo", {}, deadline_s=LONG_S)
    assert pool.describe().engine == "test tasks"


async def test_one_worker_serves_task_after_task(pool: ProcessPool) -> None:
    assert await worker_pid(pool) == await worker_pid(pool)


async def test_two_workers_compute_at_the_same_time() -> None:
    async with ProcessPool(workers=2, task_module=TASKS, stop_grace_s=0.2) as pool:
        calls = [await running_task(pool, "listen"), await running_task(pool, "listen")]
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_a_cancelled_task_stops_and_its_worker_lives_on(pool: ProcessPool) -> None:
    pid = await worker_pid(pool)
    call = await running_task(pool, "listen")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await worker_pid(pool) == pid
    assert pool.describe().restarts == 0


async def test_a_task_that_will_not_stop_loses_its_worker(pool: ProcessPool) -> None:
    pid = await worker_pid(pool)
    call = await running_task(pool, "ignore")
    call.cancel()
    assert await worker_pid(pool) != pid
    assert not exists(pid)
    assert pool.describe().restarts == 1


async def test_a_task_cancelled_in_the_queue_never_runs(pool: ProcessPool) -> None:
    running = await running_task(pool, "listen")
    reports: list[float] = []
    waiting = asyncio.create_task(pool.submit("count", {}, deadline_s=LONG_S, progress=reports.append))
    await eventually(lambda: pool.describe().queue_length == 1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert pool.describe().queue_length == 0
    running.cancel()
    await pool.submit("echo", {}, deadline_s=LONG_S)
    assert reports == []


async def test_a_deadline_can_pass_in_the_queue(pool: ProcessPool) -> None:
    running = await running_task(pool, "listen")
    with pytest.raises(TaskTimeout, match="count was not finished"):
        await pool.submit("count", {}, deadline_s=0.05)
    assert pool.describe().queue_length == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_full_queue_says_busy() -> None:
    async with ProcessPool(task_module=TASKS, queue_limit=1, stop_grace_s=0.2) as pool:
        running = await running_task(pool, "listen")
        waiting = asyncio.create_task(pool.submit("echo", {"queued": 1}, deadline_s=LONG_S))
        await eventually(lambda: pool.describe().queue_length == 1)
        with pytest.raises(Busy) as refused:
            await pool.submit("echo", {}, deadline_s=LONG_S)
        assert (refused.value.waiting, refused.value.limit) == (1, 1)
        running.cancel()
        assert await waiting == {"queued": 1}


async def test_a_worker_killed_in_mid_task_is_replaced_and_the_task_tried_again(
    pool: ProcessPool, tmp_path: Path
) -> None:
    answer = await pool.submit("die_once", {"mark": str(tmp_path / "mark")}, deadline_s=LONG_S)
    assert answer["pid"] == await worker_pid(pool)
    assert pool.describe().restarts == 1


async def test_a_task_that_kills_its_workers_is_given_up_with_the_reason(pool: ProcessPool) -> None:
    with pytest.raises(WorkerLost, match=r"no worker survived die: process \d+ was ended by SIGKILL"):
        await pool.submit("die", {}, deadline_s=LONG_S)
    assert (await pool.submit("echo", {"alive": 1}, deadline_s=LONG_S)) == {"alive": 1}


async def test_an_idle_worker_killed_from_outside_is_noticed_and_replaced(pool: ProcessPool) -> None:
    pid = await worker_pid(pool)
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not pool.describe().started)
    assert await worker_pid(pool) != pid


async def test_a_worker_that_cannot_start_is_a_clear_error() -> None:
    async with ProcessPool(task_module="no_such_module_for_tasks") as pool:
        with pytest.raises(WorkerLost, match=r"it did not start: process \d+ ended with code 1"):
            await pool.submit("echo", {}, deadline_s=LONG_S)


async def test_a_worker_that_hangs_while_starting_is_killed() -> None:
    async with ProcessPool(task_module=TASKS, start_timeout_s=0.0) as pool:
        with pytest.raises(WorkerLost, match="not ready within 0 s"):
            await pool.submit("echo", {}, deadline_s=LONG_S)


async def test_closing_leaves_no_process_behind_even_under_a_deaf_task() -> None:
    pool = ProcessPool(task_module=TASKS)
    pid = await worker_pid(pool)
    call = await running_task(pool, "ignore")
    await pool.aclose()
    assert not exists(pid)
    with pytest.raises(WorkerLost, match="the pool was closed"):
        await call


async def test_a_progress_callback_that_raises_fails_its_own_call_only(pool: ProcessPool) -> None:
    def broken(fraction: float) -> None:
        raise RuntimeError("the caller's fault")

    with pytest.raises(RuntimeError, match="the caller's fault"):
        await pool.submit("count", {}, deadline_s=LONG_S, progress=broken)
    assert (await pool.submit("echo", {"alive": 1}, deadline_s=LONG_S)) == {"alive": 1}


async def test_output_of_libraries_does_not_disturb_the_answers(pool: ProcessPool) -> None:
    assert await pool.submit("chatter", {}, deadline_s=LONG_S) == {"said": True}


async def test_an_answer_that_is_not_plain_data_fails(pool: ProcessPool) -> None:
    with pytest.raises(TaskFailed, match="the answer is not plain data"):
        await pool.submit("unserialisable", {}, deadline_s=LONG_S)


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


PARENT = """
import asyncio, sys
from polydesk.gpu.executors.process_pool import ProcessPool

async def main():
    pool = ProcessPool(task_module="pool_tasks")
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


def test_the_pool_loads_no_numpy_into_its_own_process() -> None:
    code = "import sys, polydesk.gpu.executors.process_pool, polydesk.gpu.interface; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
