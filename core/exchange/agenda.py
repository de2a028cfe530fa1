"""What the exchange has yet to do at a known moment: settle trades, let orders expire."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

from ..clock import Clock, unix_ms
from .rejections import LedgerUnavailable

_TRY_AGAIN_MS = 1000


class Agenda:
    """Actions by due time. They run when `run_due` is called, in the order of their times and then of their entry.

    What is due at one moment runs inside `together`. Where that raises LedgerUnavailable before it begins, nothing has
    run, and it is tried again a second later.
    """

    def __init__(
        self, clock: Clock, *, together: Callable[[], AbstractContextManager[None]] = nullcontext[None]
    ) -> None:
        self._clock = clock
        self._together = together
        self._entries: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._entered = asyncio.Event()
        self._pause: asyncio.Task[None] | None = None
        self._not_before_ms = 0

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

    @property
    def next_ms(self) -> int | None:
        """When the next action is due; None when there is none."""
        return self._entries[0][0] if self._entries else None

    def run_due(self) -> None:
        if not self._entries:
            return
        now_ms = unix_ms(self._clock.now())
        if self._entries[0][0] > now_ms or now_ms < self._not_before_ms:
            return
        try:
            with self._together():
                while self._entries and self._entries[0][0] <= now_ms:
                    heapq.heappop(self._entries)[2]()
        except LedgerUnavailable:
            self._not_before_ms = now_ms + _TRY_AGAIN_MS

    async def run(self) -> None:
        """Keep up with the clock until cancelled: wait for what is next, or until something earlier is entered."""
        while True:
            self.run_due()
            if not self._entries:
                self._entered.clear()
                await self._entered.wait()
                continue
            next_ms = max(self._entries[0][0], self._not_before_ms)
            pause_s = max(next_ms - unix_ms(self._clock.now()), 1) / 1000
            self._pause = asyncio.create_task(self._clock.sleep(pause_s))
            try:
                await asyncio.wait([self._pause])
            finally:
                self._pause.cancel()
