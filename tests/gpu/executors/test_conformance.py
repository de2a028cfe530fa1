"""What every executor does, wherever it computes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from polydesk.gpu.executors.executor import LaneExecutor
from polydesk.gpu.executors.inline import InlineExecutor
from polydesk.gpu.executors.process_pool import ProcessPool
from polydesk.gpu.interface import Busy, SharedArray, TaskFailed, TaskTimeout, WorkerLost, share
from polydesk.gpu.worker_kinds import WorkerKind
from tests.support.executors import KIND, LONG_S, eventually, running_task, worker_pid

OpenExecutor = Callable[[WorkerKind], LaneExecutor]

RAY = pytest.param("ray", marks=pytest.mark.cluster)
everywhere = pytest.mark.parametrize("backend", ["inline", "processes", RAY], indirect=True)
where_workers_can_die = pytest.mark.parametrize("backend", ["processes", RAY], indirect=True)


@pytest.fixture(scope="class")
def backend(request: pytest.FixtureRequest) -> OpenExecutor:
    if request.param == "ray":
        from polydesk.gpu.executors.ray_cluster import RayExecutor

        address = request.getfixturevalue("ray_address")
        return lambda kind: RayExecutor([kind], address=address, workers={kind.name: 1}, stop_grace_s=0.2)
    executors: dict[str, Any] = {"inline": InlineExecutor, "processes": ProcessPool}
    return lambda kind: executors[request.param]([kind], stop_grace_s=0.2)


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def one_executor(backend: OpenExecutor) -> AsyncIterator[LaneExecutor]:
    async with backend(KIND) as executor:
        yield executor


@pytest.fixture
async def executor(backend: OpenExecutor) -> AsyncIterator[LaneExecutor]:
    async with backend(KIND) as executor:
        yield executor


def shouted(answer: Any) -> list[str]:
    return [item["text"] for item in answer["items"]]


@pytest.mark.asyncio(loop_scope="class")
class OneExecutor:
    """Tests that leave their executor as it was share one, because a cluster takes seconds to start its own."""

    @pytest.fixture
    def executor(self, one_executor: LaneExecutor) -> LaneExecutor:
        return one_executor


@everywhere
class TestAnswers(OneExecutor):
    async def test_answers_with_what_the_task_returns(self, executor: LaneExecutor) -> None:
        payload = {"text": "żółw \ud800", "numbers": [1, 2.5, None], "nested": {"yes": True}}
        assert await executor.submit("echo", payload, deadline_s=LONG_S) == payload

    async def test_reports_progress_in_order(self, executor: LaneExecutor) -> None:
        seen: list[float] = []
        await executor.submit("count", {}, deadline_s=LONG_S, progress=seen.append)
        assert seen == [0.25, 0.5, 0.75, 1.0]

    async def test_a_progress_callback_that_raises_fails_its_own_call_only(self, executor: LaneExecutor) -> None:
        def broken(fraction: float) -> None:
            raise RuntimeError("the caller's fault")

        with pytest.raises(RuntimeError, match="the caller's fault"):
            await executor.submit("count", {}, deadline_s=LONG_S, progress=broken)
        assert (await executor.submit("echo", {"alive": 1}, deadline_s=LONG_S)) == {"alive": 1}

    async def test_a_task_that_raises_fails_with_its_error(self, executor: LaneExecutor) -> None:
        with pytest.raises(TaskFailed, match="LookupError: nothing there") as failure:
            await executor.submit("fail", {}, deadline_s=LONG_S)
        assert failure.value.kind == "LookupError"

    async def test_an_unknown_task_fails(self, executor: LaneExecutor) -> None:
        with pytest.raises(TaskFailed, match="there is no task 'nonsense'"):
            await executor.submit("nonsense", {}, deadline_s=LONG_S)

    async def test_a_task_that_its_module_does_not_have_fails(self, executor: LaneExecutor) -> None:
        with pytest.raises(TaskFailed, match="there is no task 'nowhere'"):
            await executor.submit("nowhere", {}, deadline_s=LONG_S)

    async def test_an_answer_that_is_not_plain_data_fails(self, executor: LaneExecutor) -> None:
        with pytest.raises(TaskFailed, match="the answer is not plain data"):
            await executor.submit("unserialisable", {}, deadline_s=LONG_S)


@everywhere
class TestTasks:
    async def test_a_payload_that_is_not_plain_is_refused_before_it_is_sent(self, executor: LaneExecutor) -> None:
        for payload in ({"path": Path()}, {"objects": np.array([{}])}):
            with pytest.raises(TypeError):
                await executor.submit("echo", payload, deadline_s=LONG_S)
        with pytest.raises(ValueError, match="JSON compliant"):
            await executor.submit("echo", {"nan": float("nan")}, deadline_s=LONG_S)
        with pytest.raises(TypeError, match="takes a list of items"):
            await executor.submit("shout", {"items": "text"}, deadline_s=LONG_S)
        assert not executor.describe().started

    async def test_a_deadline_ends_the_wait_and_the_task(self, executor: LaneExecutor) -> None:
        with pytest.raises(TaskTimeout, match="listen was not finished within"):
            await executor.submit("listen", {}, deadline_s=0.5)
        assert (await executor.submit("echo", {"again": 1}, deadline_s=LONG_S)) == {"again": 1}

    async def test_a_cancelled_task_stops_and_the_next_one_runs(self, executor: LaneExecutor) -> None:
        call = await running_task(executor, "listen")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await executor.submit("echo", {"again": 1}, deadline_s=LONG_S)) == {"again": 1}
        assert executor.describe().restarts == 0

    async def test_a_task_that_will_not_stop_loses_its_worker(self, executor: LaneExecutor, tmp_path: Path) -> None:
        never = tmp_path / "never"
        call = await running_task(executor, "wait_for", file=str(never))
        call.cancel()
        assert (await executor.submit("echo", {"again": 1}, deadline_s=LONG_S)) == {"again": 1}
        assert executor.describe().restarts == 1
        never.touch()

    async def test_what_is_cancelled_in_the_queue_never_runs(self, executor: LaneExecutor) -> None:
        running = await running_task(executor, "listen")
        reports: list[float] = []
        waiting = asyncio.create_task(executor.submit("count", {}, deadline_s=LONG_S, progress=reports.append))
        await eventually(lambda: executor.describe().queue_length == 1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert executor.describe().queue_length == 0
        running.cancel()
        await executor.submit("echo", {}, deadline_s=LONG_S)
        assert reports == []

    async def test_a_deadline_can_pass_in_the_queue(self, executor: LaneExecutor) -> None:
        running = await running_task(executor, "listen")
        with pytest.raises(TaskTimeout, match="count was not finished"):
            await executor.submit("count", {}, deadline_s=0.05)
        assert executor.describe().queue_length == 0
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def test_a_full_queue_says_busy(self, backend: OpenExecutor) -> None:
        small = WorkerKind(KIND.name, KIND.module, KIND.tasks, queue_limit=1)
        async with backend(small) as executor:
            running = await running_task(executor, "listen")
            waiting = asyncio.create_task(executor.submit("echo", {"queued": 1}, deadline_s=LONG_S))
            await eventually(lambda: executor.describe().queue_length == 1)
            with pytest.raises(Busy) as refused:
                await executor.submit("echo", {}, deadline_s=LONG_S)
            assert (refused.value.waiting, refused.value.limit) == (1, 1)
            running.cancel()
            assert await waiting == {"queued": 1}

    async def test_a_call_that_is_cancelled_does_not_disturb_those_computed_with_it(
        self, executor: LaneExecutor, tmp_path: Path
    ) -> None:
        gate = tmp_path / "gate"
        payloads = [{"items": [text], "gate": str(gate)} for text in ("a", "b")]
        reports = asyncio.Event()
        calls = [
            asyncio.create_task(executor.submit("shout", each, deadline_s=LONG_S, progress=lambda _: reports.set()))
            for each in payloads
        ]
        await eventually(lambda: executor.describe().started and executor.describe().queue_length == 0)
        calls[0].cancel()
        gate.touch()
        assert shouted(await calls[1]) == ["B"]
        assert calls[0].cancelled()

    async def test_kinds_do_not_wait_for_each_other(self, backend: OpenExecutor) -> None:
        long = WorkerKind("long", KIND.module, frozenset({"listen"}))
        short = WorkerKind("short", KIND.module, frozenset({"echo"}))
        executor = backend(long)
        executor._kinds = (long, short)
        executor._kind_of["echo"] = short
        async with executor:
            call = await running_task(executor, "listen")
            assert await executor.submit("echo", {"now": 1}, deadline_s=LONG_S) == {"now": 1}
            assert not call.done()
            call.cancel()


@everywhere
class TestClosing:
    async def test_after_closing_nothing_is_taken(self, executor: LaneExecutor) -> None:
        await executor.aclose()
        with pytest.raises(WorkerLost, match="is closed"):
            await executor.submit("echo", {}, deadline_s=LONG_S)

    async def test_closing_ends_calls_that_run_and_that_wait(self, executor: LaneExecutor) -> None:
        running = await running_task(executor, "listen")
        waiting = asyncio.create_task(executor.submit("echo", {}, deadline_s=LONG_S))
        await eventually(lambda: executor.describe().queue_length == 1)
        await executor.aclose()
        for call in (running, waiting):
            with pytest.raises(WorkerLost, match="closed"):
                await call


@everywhere
class TestArrays(OneExecutor):
    async def test_arrays_pass_both_ways_bit_by_bit(self, executor: LaneExecutor) -> None:
        for array in (
            np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2],
            np.array([[np.nan, np.inf]]),
            np.empty((0, 3)),
            np.array(["yes", "no"]),
        ):
            answer = await executor.submit("echo", {"array": array, "more": [array]}, deadline_s=LONG_S)
            np.testing.assert_array_equal(answer["array"], array)
            np.testing.assert_array_equal(answer["more"][0], array)
            assert answer["array"].dtype == array.dtype

    async def test_numbers_of_numpy_become_plain_ones(self, executor: LaneExecutor) -> None:
        assert await executor.submit("echo", {"one": np.float64(1.5), "two": np.int64(2)}, deadline_s=LONG_S) == {
            "one": 1.5,
            "two": 2,
        }

    async def test_a_big_array_arrives_whole_and_read_only(self, executor: LaneExecutor) -> None:
        array = np.random.default_rng(1).random(1_000_000)
        answer = await executor.submit("double", {"array": array}, deadline_s=LONG_S)
        assert answer["read_only"]
        np.testing.assert_array_equal(answer["doubled"], 2 * array)

    async def test_a_shared_array_is_read_by_many_calls(self, executor: LaneExecutor) -> None:
        array = np.arange(6.0).reshape(2, 3)
        async with share(array) as shared:
            for _ in range(2):
                answer = await executor.submit("double", {"array": shared}, deadline_s=LONG_S)
                assert answer["read_only"]
                np.testing.assert_array_equal(answer["doubled"], 2 * array)
        assert not os.path.exists(shared.path)  # noqa: ASYNC240

    async def test_a_shared_array_that_is_gone_fails_the_call(self, executor: LaneExecutor, tmp_path: Path) -> None:
        gone = SharedArray(str(tmp_path / "gone"), "<f8", (2,))
        with pytest.raises(TaskFailed, match="a shared array is gone"):
            await executor.submit("double", {"array": gone}, deadline_s=LONG_S)
        assert await executor.submit("echo", {}, deadline_s=LONG_S) == {}


@everywhere
class TestBatches(OneExecutor):
    async def test_calls_that_come_together_are_computed_together(self, executor: LaneExecutor) -> None:
        calls = (executor.submit("shout", {"items": [f"a{i}", f"b{i}"]}, deadline_s=LONG_S) for i in range(50))
        answers = await asyncio.gather(*calls)
        assert [shouted(answer) for answer in answers] == [[f"A{i}", f"B{i}"] for i in range(50)]
        assert {item["together"] for answer in answers for item in answer["items"]} == {100}
        assert all(answer["engine"] == "test tasks" for answer in answers)

    async def test_calls_with_other_options_are_not(self, executor: LaneExecutor) -> None:
        calls = (executor.submit("shout", {"items": ["x"], "mark": mark}, deadline_s=LONG_S) for mark in (1, 2, 1))
        answers = await asyncio.gather(*calls)
        assert [answer["mark"] for answer in answers] == [1, 2, 1]
        assert [answer["items"][0]["together"] for answer in answers] == [2, 1, 2]

    async def test_a_long_call_is_computed_in_pieces_and_answered_in_order(self, executor: LaneExecutor) -> None:
        seen: list[float] = []
        items = [str(number) for number in range(600)]
        answer = await executor.submit("shout", {"items": items}, deadline_s=LONG_S, progress=seen.append)
        assert shouted(answer) == items
        assert max(item["together"] for item in answer["items"]) == 256
        assert seen == sorted(seen)
        assert seen[-1] == 1.0
        assert len(seen) == 3

    async def test_no_items_are_no_problem(self, executor: LaneExecutor) -> None:
        assert shouted(await executor.submit("shout", {"items": []}, deadline_s=LONG_S)) == []

    async def test_a_poisoned_item_fails_its_own_call_only(self, executor: LaneExecutor) -> None:
        texts = [f"text {number}" for number in range(20)]
        texts[13] = "poison"
        calls = (executor.submit("shout", {"items": [text]}, deadline_s=LONG_S) for text in texts)
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [number for number, answer in enumerate(answers) if isinstance(answer, BaseException)] == [13]
        assert isinstance(answers[13], TaskFailed)
        assert shouted(answers[12]) == ["TEXT 12"]

    async def test_an_answer_with_too_few_items_is_an_error(self, executor: LaneExecutor) -> None:
        with pytest.raises(TaskFailed, match="0 results for 2 items"):
            await executor.submit("shout", {"items": ["short", "x"]}, deadline_s=LONG_S)

    async def test_interactive_calls_go_before_bulk(self, executor: LaneExecutor, tmp_path: Path) -> None:
        gate = tmp_path / "gate"
        first = await running_task(executor, "wait_for", file=str(gate))
        bulk = [str(number) for number in range(200)]
        late = asyncio.create_task(executor.submit("shout", {"items": bulk}, deadline_s=LONG_S, priority="bulk"))
        await eventually(lambda: executor.describe().kinds[0].bulk == 1)
        early = asyncio.create_task(executor.submit("shout", {"items": ["now"]}, deadline_s=LONG_S))
        await eventually(lambda: executor.describe().kinds[0].interactive == 1)
        gate.touch()
        await first
        (urgent,), whole = (await early)["items"], (await late)["items"]
        assert urgent["turn"] < whole[0]["turn"]
        assert max(item["together"] for item in whole) == 64


@everywhere
class TestStatus:
    async def test_nothing_is_started_before_the_first_task(self, executor: LaneExecutor) -> None:
        status = executor.describe()
        (kind,) = status.kinds
        assert (status.started, kind.kind, kind.workers, kind.engine) == (False, "test", 1, "")

    async def test_a_worker_tells_what_it_computes_with(self, executor: LaneExecutor) -> None:
        await executor.start()
        (kind,) = executor.describe().kinds
        assert (kind.running, kind.engine, kind.device, kind.dtype) == (1, "test tasks", "cpu", "float32")
        assert kind.threads >= 1

    async def test_a_model_is_told_of_once_it_is_loaded(self, executor: LaneExecutor) -> None:
        await executor.submit("learn", {"name": f"model of {sys.platform}"}, deadline_s=LONG_S)
        model = executor.describe().kinds[0].models[-1]
        assert (model.name, model.sha256) == (f"model of {sys.platform}", "ab" * 32)


@where_workers_can_die
class TestDeaths:
    async def test_a_worker_killed_in_mid_task_is_replaced_and_the_task_tried_again(
        self, executor: LaneExecutor, tmp_path: Path
    ) -> None:
        answer = await executor.submit("die_once", {"mark": str(tmp_path / "mark")}, deadline_s=LONG_S)
        assert answer["pid"] == await worker_pid(executor)
        assert executor.describe().restarts == 1

    async def test_a_task_that_kills_its_workers_is_given_up_with_the_reason(self, executor: LaneExecutor) -> None:
        with pytest.raises(WorkerLost, match="no worker survived die: "):
            await executor.submit("die", {}, deadline_s=LONG_S)
        assert (await executor.submit("echo", {"alive": 1}, deadline_s=LONG_S)) == {"alive": 1}

    async def test_an_item_that_kills_the_worker_costs_its_own_call_only(self, executor: LaneExecutor) -> None:
        texts = ["a", "b", "killer", "c"]
        calls = (executor.submit("shout", {"items": [text]}, deadline_s=LONG_S) for text in texts)
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(answers[2], WorkerLost)
        assert [shouted(answers[index]) for index in (0, 1, 3)] == [["A"], ["B"], ["C"]]
        assert executor.describe().restarts == 2

    async def test_a_worker_that_cannot_start_is_a_clear_error(self, backend: OpenExecutor) -> None:
        nowhere = WorkerKind("nowhere", "no_such_module_for_tasks", frozenset({"echo"}))
        async with backend(nowhere) as executor:
            with pytest.raises(WorkerLost, match="it did not start"):
                await executor.submit("echo", {}, deadline_s=LONG_S)
