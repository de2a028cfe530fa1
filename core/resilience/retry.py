"""Retry of calls that are safe to repeat, with jittered exponential backoff."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from ..clock import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before try number `attempt + 2`.

    The ceiling doubles from `base_s` up to `cap_s`; the wait is drawn evenly between zero and the ceiling ("full
    jitter"), so that clients that failed together do not come back together.
    """

    base_s: float = 0.25
    cap_s: float = 30.0

    def delay_s(self, attempt: int, random: Random) -> float:
        """Seconds to wait after failure number `attempt`, counted from 0."""
        ceiling = min(self.cap_s, self.base_s * 2.0 ** min(attempt, 60))
        return random.uniform(0.0, ceiling)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `max_retries` repeats. A server that asks for more than `longest_wait_s` is not waited for."""

    max_retries: int = 3
    backoff: Backoff = Backoff()
    longest_wait_s: float = 60.0


async def call_with_retry(
    operation: Callable[[], Awaitable[T]],
    *,
    policy: RetryPolicy,
    clock: Clock,
    random: Random,
    retryable: Callable[[Exception], bool],
    asked_wait_s: Callable[[Exception], float | None] = lambda _: None,
    on_retry: Callable[[], None] = lambda: None,
) -> T:
    """Run `operation`, repeating it while it raises what `retryable` accepts.

    `asked_wait_s` reads from an error how long the server asked to be left alone; the wait is never shorter.
    `on_retry` is told before each repeat.
    Raises the last error when the repeats are used up or the server asks for too long a wait.
    """
    attempt = 0
    while True:
        try:
            return await operation()
        except Exception as error:
            asked = asked_wait_s(error) or 0.0
            if not retryable(error) or attempt >= policy.max_retries or asked > policy.longest_wait_s:
                raise
        await clock.sleep(max(asked, policy.backoff.delay_s(attempt, random)))
        attempt += 1
        on_retry()
