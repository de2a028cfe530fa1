"""What any client may do to the server: how often it may ask, and how large and how slow a request may be."""

from __future__ import annotations

import asyncio
import json
import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ...core.clock import Clock
from .scopes import holder_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 4 << 20
SLOWEST_BODY_S = 10.0
"""Seconds within which a request must have arrived whole."""

FAILURES_PER_MINUTE = 60
"""How often an address may show a token that is none. A quarter of them may come at once."""

_CLIENTS = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: datetime


class ClientLimits:
    """A token bucket for each client: its token's name where it has one, else its address.

    A client may use a quarter of its minute at once. The clients heard of longest ago are forgotten beyond ten
    thousand, which gives them a full bucket again.
    """

    def __init__(self, *, per_minute: int, clock: Clock) -> None:
        self._per_s = per_minute / 60
        self._burst = max(1.0, per_minute / 4)
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """Take one request; 0, or the seconds until there may be one, when none was taken."""
        now = self._clock.now()
        bucket = self._buckets.pop(client, None) or _Bucket(self._burst, now)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at).total_seconds() * self._per_s)
        bucket.at = now
        self._buckets[client] = bucket
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._per_s
        bucket.tokens -= 1
        return 0.0


def limited(app: ASGIApp, limits: ClientLimits, *, slowest_body_s: float = SLOWEST_BODY_S) -> ASGIApp:
    """`app` with limits around it; authentication must have been looked at before."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        if wait_s := limits.wait_s(_client(scope)):
            await _answer(send, 429, "too many requests", {"retry-after": str(math.ceil(wait_s))})
            return
        length = _length(scope)
        if length is None or length > LARGEST_BODY:
            await _answer(send, 413 if length else 400, f"a body has a length, of {LARGEST_BODY} bytes at most")
            return
        body = await _body(receive, slowest_body_s)
        if isinstance(body, int):
            await _answer(send, body, "the body is too large" if body == 413 else "the body did not arrive in time")
            return
        given = False

        async def receive_whole() -> Message:
            nonlocal given
            if not given:
                given = True
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        await app(scope, receive_whole, send)

    return guarded


def failures_limited(app: ASGIApp, limits: ClientLimits) -> ASGIApp:
    """`app`, which asks for tokens, with failures counted per address in `limits`, a bucket of their own.

    Beyond it a failure is answered 429, with the seconds until one would be looked at again. Whoever shows a good token
    is answered as ever, from the same address too.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        refused = False

        async def counted(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == 401:
                wait_s = limits.wait_s(_address(scope))
                if wait_s:
                    refused = True
                    retry = {"retry-after": str(math.ceil(wait_s))}
                    await _answer(send, 429, "too many requests without a valid token", retry)
            if not refused:
                await send(message)

        await app(scope, receive, counted)

    return guarded


def _client(scope: Scope) -> str:
    token = getattr(scope.get("user"), "access_token", None)
    if token is not None:
        return f"token {holder_of(token)}"
    return _address(scope)


def _address(scope: Scope) -> str:
    return f"address {scope['client'][0] if scope.get('client') else ''}"


def _length(scope: Scope) -> int | None:
    """What the request says of its size; 0 where it says nothing, None for nonsense."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return 0


async def _body(receive: Receive, slowest_s: float) -> bytes | int:
    """The whole body, or the status to refuse it with."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(slowest_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return 400
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > LARGEST_BODY:
                    return 413
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        return 408


async def _answer(send: Send, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
    body = json.dumps({"error": reason}).encode()
    named = {"content-type": "application/json", "content-length": str(len(body))}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(key.encode(), value.encode()) for key, value in (named | (headers or {})).items()],
        }
    )
    await send({"type": "http.response.body", "body": body})
