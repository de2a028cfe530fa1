"""Retries: how often, how long, and of what."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.clock import ManualClock
from polydesk.core.resilience.retry import Backoff, RetryPolicy, call_with_retry


class Flaky:
    """Fails a number of times, then answers."""

    def __init__(self, failures: list[Exception]) -> None:
        self.failures = failures
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"


async def run(operation: Flaky, clock: ManualClock, policy: RetryPolicy) -> tuple[str, float]:
    """The result and the seconds it took."""
    started = clock.now()
    task = asyncio.create_task(
        call_with_retry(
            operation,
            policy=policy,
            clock=clock,
            random=Random(3),
            retryable=lambda error: isinstance(error, (OSError, TimeoutError)),
            asked_wait_s=lambda error: 50.0 if isinstance(error, TimeoutError) else None,
        )
    )
    while not task.done():
        await clock.advance(0.01)
    return task.result(), (clock.now() - started).total_seconds()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


async def test_what_may_be_retried_is_retried(clock: ManualClock) -> None:
    operation = Flaky([OSError(), OSError()])
    assert (await run(operation, clock, RetryPolicy()))[0] == "done"
    assert operation.calls == 3


async def test_what_may_not_be_retried_is_raised_at_once(clock: ManualClock) -> None:
    operation = Flaky([ValueError("no")])
    with pytest.raises(ValueError, match="no"):
        await run(operation, clock, RetryPolicy())
    assert operation.calls == 1


async def test_the_last_error_is_raised_when_retries_are_used_up(clock: ManualClock) -> None:
    operation = Flaky([OSError("1"), OSError("2"), OSError("3")])
    with pytest.raises(OSError, match="3"):
        await run(operation, clock, RetryPolicy(max_retries=2))


async def test_the_server_is_left_alone_as_long_as_it_asks(clock: ManualClock) -> None:
    _, took_s = await run(Flaky([TimeoutError()]), clock, RetryPolicy())
    assert took_s >= 50


async def test_a_wait_beyond_the_longest_is_not_waited_for(clock: ManualClock) -> None:
    operation = Flaky([TimeoutError("busy")])
    with pytest.raises(TimeoutError, match="busy"):
        await run(operation, clock, RetryPolicy(longest_wait_s=49))
    assert operation.calls == 1


@given(attempt=st.integers(0, 5000), seed=st.integers())
def test_waits_stay_under_a_doubling_ceiling(attempt: int, seed: int) -> None:
    delay_s = Backoff(base_s=0.5, cap_s=8).delay_s(attempt, Random(seed))
    assert 0 <= delay_s <= min(8, 0.5 * 2 ** min(attempt, 10))


def test_equal_seeds_wait_equally() -> None:
    assert Backoff().delay_s(3, Random(1)) == Backoff().delay_s(3, Random(1))


async def test_each_repeat_is_told(clock: ManualClock) -> None:
    told: list[int] = []
    operation = Flaky([OSError(), OSError()])
    task = asyncio.create_task(
        call_with_retry(
            operation,
            policy=RetryPolicy(max_retries=5),
            clock=clock,
            random=Random(3),
            retryable=lambda _: True,
            on_retry=lambda: told.append(operation.calls),
        )
    )
    while not task.done():
        await clock.advance(1)
    assert told == [1, 2]
