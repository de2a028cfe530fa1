"""The token bucket lets bursts through and then keeps the rate."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.resilience.rate_limit import TokenBucket, TurnTooFar, take_turn


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


async def served_at(clock: ManualClock, bucket: TokenBucket, costs: list[float], *, within_s: float) -> list[float]:
    """When each caller, all of whom come at once, was let through."""
    start = clock.now()
    times: list[float] = []

    async def caller(cost: float) -> None:
        await bucket.acquire(cost)
        times.append((clock.now() - start).total_seconds())

    callers = [asyncio.create_task(caller(cost)) for cost in costs]
    await clock.advance(within_s)
    await asyncio.gather(*callers)
    return times


async def test_a_burst_passes_and_the_rest_keep_the_rate(clock: ManualClock) -> None:
    bucket = TokenBucket(rate_per_s=2, burst=3, clock=clock)
    assert await served_at(clock, bucket, [1, 1, 1, 1, 1], within_s=5) == [0, 0, 0, 0.5, 1.0]


async def test_dear_calls_wait_longer_and_in_turn(clock: ManualClock) -> None:
    bucket = TokenBucket(rate_per_s=1, burst=5, clock=clock)
    assert await served_at(clock, bucket, [5, 3, 1], within_s=10) == [0, 3, 4]


async def test_the_bucket_fills_no_higher_than_its_size(clock: ManualClock) -> None:
    bucket = TokenBucket(rate_per_s=10, burst=2, clock=clock)
    await clock.advance(100)
    assert bucket.available == 2


async def test_a_caller_that_gives_up_returns_its_tokens(clock: ManualClock) -> None:
    bucket = TokenBucket(rate_per_s=1, burst=1, clock=clock)
    await bucket.acquire()
    waiting = asyncio.create_task(bucket.acquire())
    await asyncio.sleep(0)
    assert bucket.available == -1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert bucket.available == 0


async def test_the_server_may_know_of_fewer_tokens_but_not_of_more(clock: ManualClock) -> None:
    bucket = TokenBucket(rate_per_s=1, burst=10, clock=clock)
    bucket.shrink_to(4)
    assert bucket.available == 4
    bucket.shrink_to(9)
    assert bucket.available == 4
    await clock.advance(3)
    assert bucket.available == 7


async def test_what_can_never_pass_is_refused(clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="exceed"):
        await TokenBucket(rate_per_s=1, burst=2, clock=clock).acquire(3)
    for rate, burst in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="above zero"):
            TokenBucket(rate_per_s=rate, burst=burst, clock=clock)


async def test_a_bucket_can_be_held_off_charged_and_resized(clock: ManualClock) -> None:
    bucket = TokenBucket(rate_per_s=2, burst=10, clock=clock)
    bucket.hold_off(5)
    assert bucket.wait_s() == 5
    await clock.advance(5)
    assert bucket.wait_s() == 0
    bucket.charge(3)
    assert bucket.available == -2
    bucket.charge(-100)
    assert bucket.available == bucket.burst == 10
    bucket.resize(rate_per_s=1, burst=4)
    assert bucket.available == 4
    bucket.resize(rate_per_s=1, burst=8)
    await clock.advance(1)
    assert bucket.available == 5


async def test_a_call_waits_for_the_slowest_of_its_buckets_and_holds_all(clock: ManualClock) -> None:
    fast, slow = (TokenBucket(rate_per_s=rate, burst=2, clock=clock) for rate in (10, 1))
    slow.charge(2)
    waiting = asyncio.create_task(take_turn([(fast, 2), (slow, 1)], clock=clock))
    await asyncio.sleep(0)
    assert (fast.available, slow.available) == (0, -1)
    await clock.advance(1)
    assert await waiting == 1


async def test_a_caller_without_enough_patience_leaves_the_queue_as_it_was(clock: ManualClock) -> None:
    bucket = TokenBucket(rate_per_s=1, burst=1, clock=clock)
    await bucket.acquire()
    with pytest.raises(TurnTooFar) as refused:
        await take_turn([(bucket, 1)], clock=clock, patience_s=0.5)
    assert refused.value.retry_after_s == 1
    assert "1.0 s" in refused.value.message
    assert bucket.available == 0


async def test_a_call_that_no_limit_concerns_passes(clock: ManualClock) -> None:
    assert await take_turn([], clock=clock, patience_s=0) == 0
