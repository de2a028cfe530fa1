"""A bounded queue between a socket and its reader that counts what it drops and says so."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar

EventT = TypeVar("EventT")


@dataclass(frozen=True, slots=True)
class Gap:
    """Events may be missing: whatever was built from earlier ones must be fetched anew.

    `since` is when the last event before the gap arrived, `until` when the stream was whole again. `dropped`
    counts the events lost to a slow reader; what a lost connection or an unreadable frame held nobody can count.
    """

    reason: Literal["reconnected", "overflow", "unreadable"]
    since: datetime
    until: datetime
    dropped: int = 0


class EventQueue(Generic[EventT]):
    """Drops its oldest event when full. The reader then meets a Gap exactly where events are missing."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._events: deque[tuple[EventT | Gap, datetime]] = deque()
        self._filled = asyncio.Event()
        self._closed = False
        self._lost = 0
        self._lost_since: datetime | None = None
        self.dropped = 0

    def put(self, event: EventT | Gap, now: datetime) -> None:
        if len(self._events) >= self._size:
            _, arrived_at = self._events.popleft()
            self.dropped += 1
            self._lost += 1
            self._lost_since = self._lost_since or arrived_at
        self._events.append((event, now))
        self._filled.set()

    async def get(self) -> EventT | Gap:
        """The next event. Raises StopAsyncIteration once the queue is closed and empty."""
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._filled.clear()
            await self._filled.wait()
        if self._lost_since is not None:
            gap = Gap("overflow", since=self._lost_since, until=self._events[0][1], dropped=self._lost)
            self._lost, self._lost_since = 0, None
            return gap
        event, _ = self._events.popleft()
        return event

    def close(self) -> None:
        """Let readers take what is left and then stop."""
        self._closed = True
        self._filled.set()
