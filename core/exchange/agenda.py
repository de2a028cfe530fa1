"""What the exchange has yet to do at a known moment: settle trades, let orders expire."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import timedelta

from ..clock import Clock, unix_ms


class Agenda:
    """Actions by due time. They run when `run_due` is called, in the order of their times and then of their entry.

    `perform` is what runs each of them, where more is to happen around it.
    """

    def __init__(self, clock: Clock, *, perform: Callable[[Callable[[], None]], None] | None = None) -> None:
        self._clock = clock
        self._perform = perform
        self._entries: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._entered = asyncio.Event()
        self._pause: asyncio.Task[None] | None = None

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do `action` in `seconds`; at once when that is not in the future."""
        if seconds <= 0:
            action()
        else:
            self.at(unix_ms(self._clock.now() + timedelta(seconds=seconds)), action)

    def at(self, due_ms: int, action: Callable[[], None]) -> None:
        entry = (due_ms, next(self._numbers), action)
        heapq.heappush(self._entries, entry)
        self._entered.set()
        if self._pause is not None and self._entries[0] is entry:
            self._pause.cancel()

    def run_due(self) -> None:
        if not self._entries:
            return
        now_ms = unix_ms(self._clock.now())
        while self._entries and self._entries[0][0] <= now_ms:
            action = heapq.heappop(self._entries)[2]
            if self._perform is None:
                action()
            else:
                self._perform(action)

    async def run(self) -> None:
        """Keep up with the clock until cancelled: wait for what is next, or until something earlier is entered."""
        while True:
            self.run_due()
            if not self._entries:
                self._entered.clear()
                await self._entered.wait()
                continue
            pause_s = max(self._entries[0][0] - unix_ms(self._clock.now()), 1) / 1000
            self._pause = asyncio.create_task(self._clock.sleep(pause_s))
            try:
                await asyncio.wait([self._pause])
            finally:
                self._pause.cancel()
