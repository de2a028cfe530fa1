"""A burst of frames becomes one look, and a look that fails is repeated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

from polydesk.core.clock import ManualClock
from polydesk.core.errors import OrderError, VenueUnavailable
from polydesk.core.trading.heartbeat import Heartbeat
from polydesk.core.trading.order_feed import OrderFeed


class Frames:
    """A stream that a test feeds. The first `refusals` openings fail."""

    def __init__(self, refusals: int = 0) -> None:
        self.queue: asyncio.Queue[object] = asyncio.Queue()
        self.openings = 0
        self._refusals = refusals

    async def open(self) -> AbstractAsyncContextManager[AsyncIterator[object]]:
        self.openings += 1
        if self.openings <= self._refusals:
            raise VenueUnavailable("down")
        return self._stream()

    @asynccontextmanager
    async def _stream(self) -> AsyncIterator[AsyncIterator[object]]:
        async def frames() -> AsyncIterator[object]:
            while True:
                yield await self.queue.get()

        yield frames()


async def test_a_burst_of_frames_becomes_one_look(now: datetime) -> None:
    clock, frames = ManualClock(now), Frames()
    looks: list[datetime] = []

    async def look() -> None:
        looks.append(clock.now())

    feed = OrderFeed(frames.open, look, clock, waits_for_news=lambda: False)
    feed.start()
    for number in range(100):
        frames.queue.put_nowait(number)
    await clock.advance(1)
    assert len(looks) == 1
    frames.queue.put_nowait("later")
    await clock.advance(1)
    assert len(looks) == 2
    await feed.aclose()


async def test_a_stream_that_cannot_be_had_and_a_look_that_fails_are_tried_again(now: datetime) -> None:
    clock, frames = ManualClock(now), Frames(refusals=2)
    failures = [VenueUnavailable("down")] * 3

    async def look() -> None:
        if failures:
            raise failures.pop()

    feed = OrderFeed(frames.open, look, clock, waits_for_news=lambda: False)
    feed.start()
    await clock.advance(4)
    assert frames.openings == 3
    frames.queue.put_nowait("news")
    await clock.advance(10)
    assert (failures, feed.looks) == ([], 4)
    await clock.advance(60)
    assert feed.looks == 4
    await feed.aclose()


async def test_the_heart_beats_on_with_the_id_it_was_told_and_begins_anew_when_refused(now: datetime) -> None:
    clock = ManualClock(now)
    beats: list[str] = []
    answers: list[str | Exception] = ["one", "two", VenueUnavailable("down"), OrderError("wrong id"), "three"]

    async def beat(heartbeat_id: str) -> str:
        beats.append(heartbeat_id)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    heart = Heartbeat(beat, clock)
    heart.start()
    await clock.advance(21)
    assert beats == ["", "one", "two", "two", ""]
    await heart.aclose()
    await clock.advance(60)
    assert len(beats) == 5


async def test_a_silent_stream_is_not_trusted_while_an_order_may_change(now: datetime) -> None:
    clock, frames = ManualClock(now), Frames()
    changing = True

    async def look() -> None:
        pass

    feed = OrderFeed(frames.open, look, clock, waits_for_news=lambda: changing)
    feed.start()
    await clock.advance(14)
    assert feed.looks == 0
    await clock.advance(32)
    assert feed.looks == 3
    changing = False
    await clock.advance(100)
    assert feed.looks == 3
    await feed.aclose()
