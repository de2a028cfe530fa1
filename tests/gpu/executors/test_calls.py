"""When calls become requests, and of which items, with time passed in."""

from __future__ import annotations

import json

import pytest

from polydesk.gpu.executors.calls import COLLECT_S, MOST_ITEMS, Call, CallQueue, Request
from polydesk.gpu.interface import Priority


def call(count: int = 1, *, mark: int = 0, priority: Priority = "interactive", now_s: float = 0.0) -> Call:
    payload = {"items": [f"{mark}.{number}" for number in range(count)], "mark": mark}
    return Call.of("shout", payload, batched=True, priority=priority, progress=None, now_s=now_s)


def queue_of(*calls: Call) -> CallQueue:
    queue = CallQueue()
    for each in calls:
        queue.add(each)
    return queue


def items(request: Request | None) -> list[str]:
    assert request is not None
    found: list[str] = json.loads(request.encode().json)["payload"]["items"]
    return found


async def test_an_idle_worker_gets_at_once_what_waits() -> None:
    queue = queue_of(call(now_s=5.0))
    assert items(queue.for_idle()) == ["0.0"]
    assert queue.for_idle() is None
    assert not queue


async def test_a_busy_worker_gets_a_second_request_when_calls_have_waited_for_company() -> None:
    queue = queue_of(call(2, now_s=5.0), call(1, now_s=5.001))
    assert queue.due_s() == pytest.approx(5.0 + COLLECT_S)
    assert queue.for_busy(5.0 + COLLECT_S / 2) is None
    assert items(queue.for_busy(5.0 + COLLECT_S)) == ["0.0", "0.1", "0.0"]
    assert queue.due_s() is None


async def test_a_full_request_does_not_wait_for_company() -> None:
    queue = queue_of(call(MOST_ITEMS["interactive"], now_s=5.0))
    assert len(items(queue.for_busy(5.0))) == MOST_ITEMS["interactive"]


async def test_bulk_calls_go_to_idle_workers_alone_and_after_all_others() -> None:
    queue = queue_of(call(100, mark=1, priority="bulk"), call(1, mark=2))
    assert items(queue.for_idle()) == ["2.0"]
    assert queue.for_busy(99.0) is None
    assert len(items(queue.for_idle())) == MOST_ITEMS["bulk"]
    assert len(items(queue.for_idle())) == 100 - MOST_ITEMS["bulk"]


async def test_different_options_take_turns() -> None:
    long = MOST_ITEMS["interactive"] + 1
    queue = queue_of(call(long, mark=1), call(1, mark=2))
    marks = [items(queue.for_idle())[0] for _ in range(3)]
    assert marks == ["1.0", "2.0", f"1.{long - 1}"]


async def test_what_is_retried_goes_first_and_lets_nothing_lie_behind_it() -> None:
    spoilt, other, fresh = call(mark=1), call(mark=1), call(mark=2)
    queue = queue_of(spoilt, other)
    request = queue.for_idle()
    assert request is not None
    queue.add(fresh)
    queue.bisect(request.parts)
    assert queue.for_busy(99.0) is None
    assert [items(queue.for_idle()) for _ in range(3)] == [["1.0"], ["1.0"], ["2.0"]]


async def test_what_nobody_wants_any_more_is_not_retried() -> None:
    gone = call()
    queue = queue_of(gone)
    request = queue.for_idle()
    assert request is not None
    gone.answer.cancel()
    queue.retry(request.parts, alone=True)
    assert queue.for_idle() is None


async def test_a_call_can_be_forgotten_in_part() -> None:
    long, other = call(300), call(1)
    queue = queue_of(long, other)
    queue.for_idle()
    assert queue.length("interactive") == 2
    queue.discard(long)
    queue.discard(long)
    assert items(queue.for_idle()) == ["0.0"]
    assert queue.length("interactive") == 0
