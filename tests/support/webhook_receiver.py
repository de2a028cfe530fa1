"""A receiver of webhooks on this machine that a test reads, and that answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

WAIT_S = 15.0


@dataclass
class Received:
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """`answers` are what the next requests get, whole HTTP answers; then each gets `otherwise`."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    otherwise: bytes = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
    hold: asyncio.Event | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def channel(self, **more: str) -> dict[str, str]:
        """This receiver as a channel of the configuration."""
        return {"kind": "webhook", "url": self.url, **more}

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [each.document for each in self.received]

    async def wait_for(self, count: int, fits: Callable[[dict[str, Any]], bool] = lambda _: True) -> list[Any]:
        """The documents that fit, once there are so many."""
        async with asyncio.timeout(WAIT_S), self._news:
            while len(found := [each for each in self.documents if fits(each)]) < count:
                await self._news.wait()
        return found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:] if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            async with self._news:
                self.received.append(Received(headers, body))
                self._news.notify_all()
            if self.hold is not None:
                await self.hold.wait()
            writer.write(self.answers.pop(0) if self.answers else self.otherwise)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the sender has gone
        finally:
            writer.close()


@asynccontextmanager
async def webhook_receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port of 127.0.0.1."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver._serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"http://127.0.0.1:{port}/hooks/a-secret-part-of-the-address"
    try:
        yield receiver
    finally:
        server.close()
        if receiver.hold is not None:
            receiver.hold.set()
        await server.wait_closed()


def answer(status: int, *, headers: str = "", body: bytes = b"") -> bytes:
    """A whole HTTP answer."""
    return f"HTTP/1.1 {status} X\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body
