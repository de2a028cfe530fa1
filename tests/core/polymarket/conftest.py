"""A venue on this machine that answers what a test tells it to, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from polydesk.core.clock import ManualClock
from polydesk.core.polymarket.environments import Environment, environment_at
from polydesk.core.polymarket.transport import Transport, TransportSettings


@dataclass(frozen=True)
class Received:
    """A request as it arrived. Header names are in lower case."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What to answer: `payload` as JSON, or `raw` bytes as they are, or a misdeed."""

    payload: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    misdeed: Literal["", "hang_up", "cut_body"] = ""
    wait_for: asyncio.Event | None = None


class ScriptedVenue:
    """HTTP on 127.0.0.1. Each route has a queue of replies, the last of which repeats."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.port = 0
        self._replies: dict[tuple[str, str], deque[Reply]] = {}
        self._server: asyncio.Server | None = None
        self.arrived = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()

    @staticmethod
    def json(payload: Any, status: int = 200, *, headers: dict[str, str] | None = None) -> Reply:
        return Reply(payload, status, headers or {})

    @staticmethod
    def raw(content: bytes, status: int = 200) -> Reply:
        return Reply(status=status, raw=content)

    @staticmethod
    def held(payload: Any, until: asyncio.Event) -> Reply:
        return Reply(payload, wait_for=until)

    @staticmethod
    def hang_up() -> Reply:
        return Reply(misdeed="hang_up")

    @staticmethod
    def cut_body() -> Reply:
        return Reply({}, misdeed="cut_body")

    def on(self, method: str, path: str, *replies: Reply) -> None:
        self._replies[method, path] = deque(replies)

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.requests)

    @property
    def last(self) -> Received:
        return self.requests[-1]

    @property
    def environment(self) -> Environment:
        return environment_on(self.port)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.close()
        await self._server.wait_closed()

    async def close_connections(self) -> None:
        """Hang up on everybody, as a server does with idle connections."""
        for writer in list(self._open):
            writer.close()
            await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        url = urlsplit(target)
        self.requests.append(Received(method, url.path, parse_qsl(url.query), headers, body))
        self.arrived.set()
        queue = self._replies.get((method, url.path)) or deque([Reply({"error": "not found"}, status=404)])
        reply = queue.popleft() if len(queue) > 1 else queue[0]
        if reply.wait_for is not None:
            await reply.wait_for.wait()
        if reply.misdeed == "hang_up":
            return False
        content = reply.raw if reply.raw is not None else json.dumps(reply.payload).encode()
        length = len(content) + (100 if reply.misdeed == "cut_body" else 0)
        lines = [f"HTTP/1.1 {reply.status} Scripted", f"content-length: {length}"]
        lines += [f"{key}: {value}" for key, value in reply.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        await writer.drain()
        return reply.misdeed != "cut_body"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 1, 12, tzinfo=UTC))


@pytest.fixture
async def venue() -> AsyncIterator[ScriptedVenue]:
    scripted = ScriptedVenue()
    await scripted.start()
    yield scripted
    await scripted.stop()


@pytest.fixture
async def transport(venue: ScriptedVenue, clock: ManualClock) -> AsyncIterator[Transport]:
    """Without retries, so that every misdeed shows."""
    settings = TransportSettings(max_retries=0, timeout_s=5.0)
    async with Transport(venue.environment, clock=clock, random=Random(7), settings=settings) as opened:
        yield opened


class ScriptedChannel:
    """A WebSocket server that keeps what it hears and says what a test tells it to."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.opened: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.paths: list[str] = []
        self._server: Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        return next(iter(self._server.sockets)).getsockname()[1]  # type: ignore[no-any-return]

    @property
    def environment(self) -> Environment:
        return environment_on(self.port)

    async def start(self, port: int = 0) -> None:
        self._server = await serve(self._hear, "127.0.0.1", port)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _hear(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.paths.append(connection.request.path)
        self.opened.put_nowait(connection)
        async for frame in connection:
            self.heard.put_nowait(str(frame))


def environment_on(port: int) -> Environment:
    url = f"http://127.0.0.1:{port}"
    return environment_at(
        "scripted", clob_url=url, gamma_url=url, data_url=url, ws_url=f"ws://127.0.0.1:{port}/ws", chain_id=137
    )


@pytest.fixture
async def channel() -> AsyncIterator[ScriptedChannel]:
    scripted = ScriptedChannel()
    await scripted.start()
    yield scripted
    await scripted.stop()
