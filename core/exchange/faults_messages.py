"""Pieces of ASGI that faults are made of: bodies read ahead, answers held back, connections cut."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..clock import Clock

_CONNECTION = "connection"


class OpenConnectionProtocol(H11Protocol):
    """HTTP/1.1 whose applications find the TCP transport in the scope's state, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, _CONNECTION: transport}
        super().connection_made(transport)


async def cut_connection(scope: Scope, receive: Receive) -> None:
    """Reset the TCP connection: the client sees neither an answer nor an orderly end."""
    transport: asyncio.Transport = scope["state"][_CONNECTION]
    raw: socket.socket | None = transport.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):  # the client was faster
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _client_gone(receive)


async def body_of(receive: Receive) -> bytes:
    """The whole body of a request."""
    body = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return body


def with_body(body: bytes, receive: Receive) -> Receive:
    """A `receive` that hands out a body that was read already, and then what comes after it."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


@dataclass(slots=True)
class HeldAnswer:
    """An answer that the application has given and nobody has seen."""

    start: Message = field(default_factory=dict)
    body: bytes = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")

    async def release(self, send: Send, body: bytes) -> None:
        """Send it with another body."""
        await self.begin(send, len(body))
        await send({"type": "http.response.body", "body": body})

    async def begin(self, send: Send, length: int) -> None:
        """Send its head, for a body of `length` bytes."""
        headers = [(name, value) for name, value in self.start["headers"] if name.lower() != b"content-length"]
        await send({**self.start, "headers": [*headers, (b"content-length", str(length).encode())]})


async def held_answer(application: ASGIApp, scope: Scope, receive: Receive) -> HeldAnswer:
    """Let the request be processed and keep the answer."""
    answer = HeldAnswer()
    await application(scope, receive, answer)
    return answer


async def send_answer(
    send: Send,
    status: int,
    body: Any,
    *,
    headers: dict[str, str] | None = None,
    retry_after: float | None = None,
    content_type: str = "application/json",
) -> None:
    """Answer with text as it is, or with anything else as JSON."""
    content = body.encode() if isinstance(body, str) else json.dumps(body, separators=(",", ":")).encode()
    named = {"content-type": content_type, "content-length": str(len(content))}
    if retry_after is not None:
        named["retry-after"] = str(max(round(retry_after), 0))
    named.update({name.lower(): value for name, value in (headers or {}).items()})
    encoded = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": content})


async def slept(seconds: float, clock: Clock, receive: Receive) -> bool:
    """Sleep unless the client leaves first: whether it is still there."""
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    leaving = asyncio.ensure_future(_client_gone(receive))
    try:
        await asyncio.wait([sleeping, leaving], return_when=asyncio.FIRST_COMPLETED)
        return not leaving.done()
    finally:
        for task in (sleeping, leaving):
            task.cancel()
        await asyncio.gather(sleeping, leaving, return_exceptions=True)


async def _client_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
