"""Follows the overview while anybody watches, and hands each new one to everybody who does."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from ...core.background_tasks import logs_failure
from ...core.clock import Clock
from ...core.errors import PolymarketAPIError
from ...core.untrusted_text import quoted

_log = logging.getLogger(__name__)

MOST_STREAMS = 20
WITHIN_S = 2.0
"""A new overview comes at least this often; sooner where an order, a run or the halt changed."""

_HEARTBEAT_S = 10.0
_BETWEEN_S = 0.5
_AFTER_FAILURE_S = 2.0

Look = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Reads the overview with these arguments. Raises PolymarketAPIError."""


class LiveOverview:
    """One reader for all who watch; it stops when the last one goes. Who is slow misses what was replaced meanwhile."""

    def __init__(self, look: Look, clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._watching = 0
        self._reading: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._number = 0
        self._event = b""
        self._stopped = False

    @property
    def full(self) -> bool:
        """Whether nobody else can watch."""
        return self._watching >= MOST_STREAMS

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Server-sent events: `overview`, or `trouble` with a `message`; a comment where nothing else came."""
        self._watching += 1
        self._read_on()
        seen = 0
        try:
            while not self._stopped:
                news = await self._next(seen)
                if self._number != seen:
                    seen = self._number
                yield news
        finally:
            self._watching -= 1
            if not self._watching and self._reading is not None:
                self._reading.cancel()
                self._reading = None
                self._number, self._event = 0, b""  # who comes next is shown nothing old

    def stop(self) -> None:
        """End all streams."""
        self._stopped = True
        self._news.set()

    async def _next(self, seen: int) -> bytes:
        news = self._news
        if self._number == seen:
            try:
                async with asyncio.timeout(_HEARTBEAT_S):
                    await news.wait()
            except TimeoutError:
                return b": nothing new yet\n\n"
        return b"" if self._stopped else self._event

    def _read_on(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read(), name="overview for screens")
            self._reading.add_done_callback(logs_failure(_log, "screens are shown nothing new"))

    async def _read(self) -> None:
        mark: str | None = None
        while True:
            try:
                shown = await self._look({"unlike": mark, "within_s": WITHIN_S} if mark else {})
                mark = shown["mark"]
            except PolymarketAPIError as error:
                mark = None
                self._tell("trouble", {"message": quoted(error.message, 300)})
                await self._clock.sleep(_AFTER_FAILURE_S)
                continue
            except Exception as error:
                # Whoever watches must see that the screen has stopped, and that it goes on when it can.
                _log.exception("screens could not be told of the desk")
                mark = None
                self._tell("trouble", {"message": f"The desk could not be read ({type(error).__name__}); see its log."})
                await self._clock.sleep(_AFTER_FAILURE_S)
                continue
            self._tell("overview", shown)
            await self._clock.sleep(_BETWEEN_S)

    def _tell(self, kind: str, data: Mapping[str, Any]) -> None:
        self._number += 1
        self._event = event(kind, data)
        self._news.set()
        self._news = asyncio.Event()


def event(kind: str, data: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
