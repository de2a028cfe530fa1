"""What the exchange has yet to do at a known moment: settle trades, let orders expire."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import timedelta

from ..clock import Clock, unix_ms

_LOOK_EVERY_S = 0.1


class Agenda:
    """Actions by due time. They run when `run_due` is called, in the order of their times and then of their entry."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._entered = asyncio.Event()

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do `action` in `seconds`; at once when that is not in the future."""
        if seconds <= 0:
            action()
        else:
            self.at(unix_ms(self._clock.now() + timedelta(seconds=seconds)), action)

    def at(self, due_ms: int, action: Callable[[], None]) -> None:
        heapq.heappush(self._entries, (due_ms, next(self._numbers), action))
        self._entered.set()

    def run_due(self) -> None:
        if not self._entries:
            return
        now_ms = unix_ms(self._clock.now())
        while self._entries and self._entries[0][0] <= now_ms:
            heapq.heappop(self._entries)[2]()

    async def run(self) -> None:
        """Keep up with the clock until cancelled, a tenth of a second late at most; idle while nothing is entered."""
        while True:
            self.run_due()
            if self._entries:
                wait_s = (self._entries[0][0] - unix_ms(self._clock.now())) / 1000
                await self._clock.sleep(min(max(wait_s, 0.001), _LOOK_EVERY_S))
            else:
                self._entered.clear()
                await self._entered.wait()
