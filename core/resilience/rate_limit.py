"""Token buckets that make callers wait their turn, and tell those who cannot wait how long it would be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from ..clock import Clock
from ..errors import RateLimitError


class TurnTooFar(RateLimitError):
    """A limit kept on this side would hold the call back longer than its caller waits. Nothing was sent."""


class TokenBucket:
    """Refills continuously at `rate_per_s` up to `burst`.

    A caller takes its tokens at once, even below zero, and waits until the bucket would have held them: callers
    are served in the order they came.
    """

    def __init__(self, *, rate_per_s: float, burst: float, clock: Clock) -> None:
        if rate_per_s <= 0 or burst <= 0:
            raise ValueError("rate_per_s and burst must be above zero")
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._refilled_at: datetime = clock.now()

    @property
    def available(self) -> float:
        """Tokens in the bucket now; negative while callers wait."""
        self._refill()
        return self._tokens

    @property
    def burst(self) -> float:
        """Tokens in the bucket when it is full."""
        return self._burst

    async def acquire(self, cost: float = 1.0) -> None:
        """Wait until `cost` tokens are this caller's. Raises ValueError when the bucket can never hold them."""
        await take_turn([(self, cost)], clock=self._clock)

    def wait_s(self, cost: float = 1.0) -> float:
        """Seconds a caller who came now would wait. Raises ValueError when the bucket can never hold the tokens."""
        if cost > self._burst:
            raise ValueError(f"{cost} tokens exceed the bucket's size {self._burst}")
        self._refill()
        return max(cost - self._tokens, 0.0) / self._rate_per_s

    def charge(self, cost: float) -> None:
        """Take tokens without waiting, for a call that must not be held up; a negative cost gives them back."""
        self._refill()
        self._tokens = min(self._tokens - cost, self._burst)

    def shrink_to(self, tokens: float) -> None:
        """Believe a server that says fewer tokens are left than this bucket thinks."""
        self._refill()
        self._tokens = min(self._tokens, tokens)

    def hold_off(self, seconds: float) -> None:
        """Let nobody through for `seconds`: a server has asked for that."""
        self.shrink_to(1.0 - seconds * self._rate_per_s)

    def resize(self, *, rate_per_s: float, burst: float) -> None:
        """Change the limit. A larger bucket is not fuller; a smaller one holds no more than fits."""
        self._refill()
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._tokens = min(self._tokens, burst)

    def _refill(self) -> None:
        now = self._clock.now()
        elapsed_s = max((now - self._refilled_at).total_seconds(), 0.0)
        self._tokens = min(self._burst, self._tokens + elapsed_s * self._rate_per_s)
        self._refilled_at = now


async def take_turn(
    charges: Sequence[tuple[TokenBucket, float]], *, clock: Clock, patience_s: float | None = None
) -> float:
    """Wait until every bucket has the tokens asked of it; the seconds waited.

    The tokens are taken from all buckets at once, so a call never holds a place in one queue while it stands in
    another. Raises TurnTooFar, having taken nothing, when the wait would exceed `patience_s`, and ValueError for a
    cost that can never pass.
    """
    wait_s = max((bucket.wait_s(cost) for bucket, cost in charges), default=0.0)
    if patience_s is not None and wait_s > patience_s:
        raise TurnTooFar(
            f"the rate limit would hold this call back {wait_s:.1f} s, longer than the {patience_s:g} s it may wait; "
            "nothing was sent",
            retry_after_s=wait_s,
        )
    for bucket, cost in charges:
        bucket.charge(cost)
    if wait_s > 0:
        try:
            await clock.sleep(wait_s)
        except asyncio.CancelledError:
            for bucket, cost in charges:
                bucket.charge(-cost)
            raise
    return wait_s
