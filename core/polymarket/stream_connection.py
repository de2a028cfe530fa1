"""A WebSocket subscription that heals itself and says where events are missing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from ..background_tasks import cancelled
from ..clock import Clock
from ..resilience.retry import Backoff
from .event_queue import EventQueue, Gap
from .subscriptions import PING, PONG, VENUE_PING, VENUE_PONG

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from .wire.stream_decoding import DecodedFrame

EventT = TypeVar("EventT")

_BACKOFF = Backoff(base_s=0.25, cap_s=30.0)
_CLOSE_TIMEOUT_S = 1.0
"""How long a dead peer is waited for when a connection is given up."""

_LIBRARY_PING_S = 20.0

_LARGEST_FRAME = 64 * 1024 * 1024
"""The first frame holds the books of every token at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """`silence_s` without any frame, not even an answer to a ping, means that the connection is dead.

    Without `ping_interval_s` no text PING is sent; the WebSocket library's own pings find dead connections then.
    """

    ping_interval_s: float | None = 10.0
    silence_s: float = 30.0
    open_timeout_s: float = 10.0
    queue_size: int = 10_000


@dataclass(slots=True)
class StreamCounts:
    """What happened since the stream was opened."""

    frames: int = 0
    events: int = 0
    unknown: int = 0
    malformed: int = 0
    connections: int = 0


class HealingStream(Generic[EventT]):
    """One subscription kept alive over as many connections as it takes.

    An `async with` runs it; iterating yields events in the order they came, and a Gap after each reconnection.
    """

    def __init__(self, url: str, *, clock: Clock, random: Random, direct: bool, settings: StreamSettings) -> None:
        self._url = url
        self._clock = clock
        self._random = random
        self._direct = direct
        self._settings = settings
        self._queue: EventQueue[EventT] = EventQueue(settings.queue_size)
        self._socket: ClientConnection | None = None
        self._running: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._last_frame_at: datetime = clock.now()
        self.counts = StreamCounts()
        self.last_error: str = ""

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(lambda _: self._queue.close())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventT | Gap:
        return await self._queue.get()

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    @property
    def last_frame_at(self) -> datetime:
        """When anything was last heard from the venue, answers to pings included."""
        return self._last_frame_at

    @property
    def dropped(self) -> int:
        """Events lost because the reader was slow."""
        return self._queue.dropped

    async def wait_connected(self) -> None:
        """Return once a connection stands and the subscription has been sent."""
        await self._connected.wait()

    async def reconnect(self) -> None:
        """Drop the connection; the stream soon opens another one and reports a Gap."""
        if self._socket is not None:
            await self._socket.close()

    async def aclose(self) -> None:
        """End the connection; a reader gets what is queued and then stops."""
        if self._running is not None:
            await cancelled(self._running)
            self._running = None

    def _hello(self) -> str:
        """The first frame of every connection; empty where the venue expects none."""
        return ""

    def _decode(self, frame: str | bytes, received_at: datetime) -> DecodedFrame[EventT]:
        raise NotImplementedError

    async def _send(self, frame: str) -> None:
        """Send on the connection if one stands; a new one begins with the whole subscription anyway."""
        from websockets.exceptions import ConnectionClosed

        if self._socket is not None and self._connected.is_set():
            with suppress(ConnectionClosed):
                await self._socket.send(frame)

    async def _run(self) -> None:
        from websockets.exceptions import WebSocketException

        failures = 0
        while True:
            frames_before = self.counts.frames
            try:
                await self._serve_connection()
                self.last_error = "the venue closed the connection"
            except (OSError, TimeoutError, WebSocketException) as error:
                self.last_error = f"{type(error).__name__}: {error}"
            finally:
                self._connected.clear()
                self._socket = None
            failures = 0 if self.counts.frames > frames_before else failures + 1
            await self._clock.sleep(_BACKOFF.delay_s(failures, self._random))

    async def _serve_connection(self) -> None:
        """From opening one connection to its end."""
        from websockets.asyncio.client import connect

        opening = connect(
            self._url,
            open_timeout=self._settings.open_timeout_s,
            close_timeout=_CLOSE_TIMEOUT_S,
            ping_interval=_LIBRARY_PING_S if self._settings.ping_interval_s is None else None,
            compression=None,
            max_size=_LARGEST_FRAME,
            proxy=None if self._direct else True,
        )
        async with opening as socket:
            lost_at = self._last_frame_at
            self._socket = socket
            if hello := self._hello():
                await socket.send(hello)
            self._last_frame_at = self._clock.now()
            if self.counts.connections:
                self._queue.put(Gap("reconnected", since=lost_at, until=self._last_frame_at), self._last_frame_at)
            self.counts.connections += 1
            self._connected.set()
            pinging = asyncio.create_task(self._ping(socket, self._settings.ping_interval_s))
            try:
                async for frame in socket:
                    if frame == VENUE_PING:
                        await socket.send(VENUE_PONG)
                    self._take(frame)
            except asyncio.CancelledError:
                # Left to itself, the library would tell the venue that something broke here.
                await socket.close()
                raise
            finally:
                pinging.cancel()

    async def _ping(self, socket: ClientConnection, interval_s: float | None) -> None:
        """The venue answers a text PING; silence means that the connection only looks alive."""
        from websockets.exceptions import ConnectionClosed

        if interval_s is None:
            return
        with suppress(ConnectionClosed):
            while True:
                await self._clock.sleep(interval_s)
                if self._clock.now() - self._last_frame_at > timedelta(seconds=self._settings.silence_s):
                    await socket.close()
                    return
                await socket.send(PING)

    def _take(self, frame: str | bytes) -> None:
        """Queue the events of one frame; what a damaged one leaves out is a gap."""
        now, before = self._clock.now(), self._last_frame_at
        self._last_frame_at = now
        self.counts.frames += 1
        if frame in (PONG, VENUE_PING):
            return
        decoded = self._decode(frame, now)
        self.counts.unknown += decoded.unknown
        self.counts.malformed += len(decoded.failures)
        if decoded.failures:
            self.last_error = decoded.failures[-1].message
        if decoded.incomplete:
            self._queue.put(Gap("unreadable", since=before, until=now), now)
        self.counts.events += len(decoded.events)
        for event in decoded.events:
            self._queue.put(event, now)
