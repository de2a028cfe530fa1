"""A token bucket that makes callers wait their turn."""

from __future__ import annotations

import asyncio
from datetime import datetime

from ..clock import Clock


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

    async def acquire(self, cost: float = 1.0) -> None:
        """Wait until `cost` tokens are this caller's. Raises ValueError when the bucket can never hold them."""
        if cost > self._burst:
            raise ValueError(f"{cost} tokens exceed the bucket's size {self._burst}")
        self._refill()
        self._tokens -= cost
        if self._tokens >= 0:
            return
        try:
            await self._clock.sleep(-self._tokens / self._rate_per_s)
        except asyncio.CancelledError:
            self._tokens += cost
            raise

    def shrink_to(self, tokens: float) -> None:
        """Believe a server that says fewer tokens are left than this bucket thinks."""
        self._refill()
        self._tokens = min(self._tokens, tokens)

    def _refill(self) -> None:
        now = self._clock.now()
        elapsed_s = max((now - self._refilled_at).total_seconds(), 0.0)
        self._tokens = min(self._burst, self._tokens + elapsed_s * self._rate_per_s)
        self._refilled_at = now
