"""Hears from the venue that something happened to our orders, and looks once at what it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..errors import PolymarketAPIError

_log = logging.getLogger(__name__)

_GATHER_S = 0.2
"""How long a first event waits for others: a burst of frames becomes one look."""

_SILENCE_S = 15.0
"""How long a stream may say nothing before somebody looks all the same."""

_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0

OpenStream = Callable[[], Awaitable[AbstractAsyncContextManager[AsyncIterator[object]]]]
"""A stream of whatever the venue tells of the account, gaps included."""


class OrderFeed:
    """Runs beside the desk. What frames say is not believed, only taken as a reason to ask the venue.

    So frames that come twice, late, in another order or not at all can do no harm: the next look is right.
    """

    def __init__(
        self,
        open_stream: OpenStream,
        look: Callable[[], Awaitable[object]],
        clock: Clock,
        *,
        waits_for_news: Callable[[], bool],
    ) -> None:
        """`waits_for_news` says whether any order may still change: then a silent stream is not trusted for long."""
        self._open_stream = open_stream
        self._look = look
        self._waits_for_news = waits_for_news
        self._clock = clock
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.looks = 0

    def start(self) -> None:
        for work, name in ((self._listen(), "order stream"), (self._follow(), "order looks")):
            task = asyncio.create_task(work, name=name)
            task.add_done_callback(logs_failure(_log, "fills are seen only when somebody asks"))
            self._tasks.append(task)

    async def aclose(self) -> None:
        for task in self._tasks:
            await cancelled(task)

    async def _listen(self) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                async with await self._open_stream() as events:
                    async for _ in events:
                        self._news.set()
            except PolymarketAPIError as error:
                _log.info("no order stream yet: %s", error.message)
            await self._clock.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _follow(self) -> None:
        while True:
            if await self._heard():
                await self._clock.sleep(_GATHER_S)
            elif not self._waits_for_news():
                continue
            self._news.clear()
            wait_s = _FIRST_WAIT_S
            while not await self._looked():
                await self._clock.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _heard(self) -> bool:
        """Wait for news, not for ever: a stream may be frozen and still answer pings."""
        pause = asyncio.ensure_future(self._clock.sleep(_SILENCE_S))
        news = asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait({pause, news}, return_when=asyncio.FIRST_COMPLETED)
            return news.done()
        finally:
            pause.cancel()
            news.cancel()

    async def _looked(self) -> bool:
        self.looks += 1
        try:
            await self._look()
        except PolymarketAPIError as error:
            _log.info("what happened is not known yet: %s", error.message)
            return False
        return True
