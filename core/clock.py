"""Time as an argument: what the desk calls now, and how it waits."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where a component gets the time from. `now()` is timezone-aware UTC."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


def unix_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime, rounded down."""
    return int(moment.timestamp() * 1000)


class SystemClock:
    """Real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ShiftedClock:
    """Another starting moment, and `speed` times the real pace: the sandbox lives on from the day it was recorded."""

    def __init__(self, starts_at: datetime, *, speed: float = 1.0) -> None:
        self._starts_at = starts_at
        self._opened_at = datetime.now(UTC)
        self._speed = speed

    def now(self) -> datetime:
        return self._starts_at + (datetime.now(UTC) - self._opened_at) * self._speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)

    def leap(self, moment: datetime) -> None:
        """Go on from a later moment. Who sleeps meanwhile sleeps as long as it set out to."""
        self._starts_at += max(moment - self.now(), timedelta(0))


class ManualClock:
    """Time that moves only when told to. `advance` wakes sleepers in the order of their deadlines."""

    def __init__(self, starts_at: datetime) -> None:
        self._now = starts_at
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move time on, letting each sleeper that becomes due run before the next one wakes."""
        end = self._now + timedelta(seconds=seconds)
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
            await _settle()
        self._now = end
        await _settle()


class ReplayClock(ManualClock):
    """A manual clock for the past: it leaps on without giving others a turn, as replaying millions of moments needs.

    With `on_sleep` who sleeps lets the time pass: it is called with the moment to wake at.
    """

    def __init__(self, starts_at: datetime) -> None:
        super().__init__(starts_at)
        self.on_sleep: Callable[[datetime], None] | None = None

    async def sleep(self, seconds: float) -> None:
        if self.on_sleep is None:
            await super().sleep(seconds)
            return
        self.on_sleep(self.now() + timedelta(seconds=max(seconds, 0)))
        await asyncio.sleep(0)

    def leap(self, moment: datetime) -> None:
        """Go on to a moment; who slept until then wakes at the next turn of the loop. Never goes back."""
        while self._sleepers and self._sleepers[0][0] <= moment:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
        self._now = max(self._now, moment)


async def _settle() -> None:
    """Give every task that can run a few turns of the loop."""
    for _ in range(5):
        await asyncio.sleep(0)
