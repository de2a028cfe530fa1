"""The circuit breaker opens after failures in a row and lets one call try again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import CircuitOpen
from polydesk.core.resilience.circuit_breaker import CircuitBreaker


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def breaker(clock: ManualClock) -> CircuitBreaker:
    return CircuitBreaker("venue", clock=clock, failure_threshold=3, reset_after_s=30)


def call(breaker: CircuitBreaker, error: BaseException | None = None) -> None:
    with breaker.attempt(is_failure=lambda failed: isinstance(failed, OSError)):
        if error is not None:
            raise error


def state(breaker: CircuitBreaker) -> str:
    return breaker.state


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(OSError):
            call(breaker, OSError())


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    fail(breaker, 3)
    assert state(breaker) == "open"
    with pytest.raises(CircuitOpen, match="venue are paused after 3 failures") as paused:
        call(breaker)
    assert paused.value.retry_after_s == 30


def test_a_success_between_failures_starts_the_count_again(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    call(breaker)
    fail(breaker, 2)
    assert state(breaker) == "closed"


def test_an_answer_that_is_an_error_counts_as_a_success(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    with pytest.raises(ValueError, match="refused"):
        call(breaker, ValueError("refused"))
    fail(breaker, 2)
    assert state(breaker) == "closed"


async def test_the_probe_closes_it(breaker: CircuitBreaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    await clock.advance(30)
    assert state(breaker) == "half_open"
    call(breaker)
    assert state(breaker) == "closed"


async def test_a_failing_probe_opens_it_again(breaker: CircuitBreaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    await clock.advance(30)
    fail(breaker, 1)
    assert state(breaker) == "open"
    await clock.advance(29)
    with pytest.raises(CircuitOpen):
        call(breaker)


async def test_only_one_call_probes(breaker: CircuitBreaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    await clock.advance(30)
    with breaker.attempt(is_failure=lambda _: True), pytest.raises(CircuitOpen):
        call(breaker)
    call(breaker)


async def test_a_cancelled_probe_lets_another_one_try(breaker: CircuitBreaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    await clock.advance(30)
    with pytest.raises(asyncio.CancelledError):
        call(breaker, asyncio.CancelledError())
    assert state(breaker) == "half_open"
    call(breaker)
    assert state(breaker) == "closed"


async def test_what_says_nothing_about_the_host_neither_opens_nor_closes_it(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    fail(breaker, 3)
    await clock.advance(30)
    with (
        pytest.raises(KeyError),
        breaker.attempt(
            is_failure=lambda error: isinstance(error, OSError), says_nothing=lambda error: isinstance(error, KeyError)
        ),
    ):
        raise KeyError
    assert state(breaker) == "half_open"
    call(breaker)
    assert state(breaker) == "closed"
