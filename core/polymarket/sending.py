"""The last step of a call: bytes over HTTP, and whether a failure left the request unsent or unanswered."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import h2.errors
import h2.events
import httpx2

from .request import Method, Params

HttpVersion = Literal["1.1", "negotiated", "2"]
"""Which HTTP to speak: version 1.1; whichever the server's TLS chooses; or version 2 without asking."""

_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


class NotSent(Exception):
    """The request never left, or the server has said that it did not process it."""


class NoAnswer(Exception):
    """The request left, wholly or in part, and no complete answer came back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP response. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Bounds of a request's phases in seconds: a connection, each write, each wait for bytes, a place in the pool.

    `total_s` bounds all of it, because a body that trickles in never keeps anyone waiting for its next byte.
    """

    connect_s: float = 10.0
    write_s: float = 10.0
    read_s: float = 30.0
    pool_s: float = 10.0
    total_s: float = 60.0

    @classmethod
    def within(cls, timeout_s: float) -> Timeouts:
        """Wait `timeout_s` for an answer's bytes, no longer than that for the rest, and twice that for everything."""
        short_s = min(timeout_s, 10.0)
        return cls(connect_s=short_s, write_s=short_s, read_s=timeout_s, pool_s=short_s, total_s=2 * timeout_s)


class _Progress:
    """How far a request has come: whether its first bytes were handed to a connection, and on which HTTP/2 stream."""

    __slots__ = ("begun", "stream_id")

    def __init__(self) -> None:
        self.begun = False
        self.stream_id: int | None = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(".send_request_headers.started"):
            self.begun = True
            self.stream_id = info.get("stream_id")


@cache
def _trusted(http: HttpVersion, *, direct: bool, named: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    """The authorities to believe, read once because that takes 50 ms.

    Those that the environment has `named` count unless `direct`. Each way to speak HTTP has a context of its own, in
    which connections write what they offer before they shake hands.
    """
    return httpx2.create_ssl_context(trust_env=not direct)


class HttpSender:
    """One pool of connections. Proxies from the process environment are used unless `direct`.

    A `carrier` takes requests in the place of connections, such as an application of this process.

    Connections that the server closed or told to go away are replaced by the next request.
    """

    def __init__(
        self,
        *,
        timeouts: Timeouts,
        direct: bool,
        http: HttpVersion,
        carrier: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._total_s = timeouts.total_s
        self._client = httpx2.AsyncClient(
            transport=carrier,
            http1=http != "2",
            http2=http != "1.1",
            timeout=httpx2.Timeout(
                connect=timeouts.connect_s, write=timeouts.write_s, read=timeouts.read_s, pool=timeouts.pool_s
            ),
            limits=httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0),
            headers={"user-agent": "polydesk", "accept": "application/json"},
            trust_env=not direct,
            verify=_trusted(http, direct=direct, named=ssl.get_default_verify_paths()),
            follow_redirects=False,
        )

    async def send(self, method: Method, url: str, *, params: Params, headers: dict[str, str], body: bytes) -> Answer:
        """Raises NotSent or NoAnswer."""
        if body:
            headers = {**headers, "content-type": "application/json"}
        progress = _Progress()
        try:
            async with asyncio.timeout(self._total_s):
                response = await self._client.request(
                    method,
                    url,
                    params=list(params) or None,
                    headers=headers,
                    content=body or None,
                    extensions={"trace": progress},
                )
        except TimeoutError as error:
            reason = f"not complete within {self._total_s:g} s"
            raise (NoAnswer(reason) if progress.begun else NotSent(reason)) from error
        except httpx2.RequestError as error:
            reason = f"{type(error).__name__}: {error}"
            if isinstance(error, _NEVER_SENT) or not progress.begun or _was_refused(error, progress.stream_id):
                raise NotSent(reason) from error
            raise NoAnswer(reason) from error
        return Answer(response.status_code, dict(response.headers), response.content)

    async def aclose(self) -> None:
        await self._client.aclose()


def _was_refused(error: httpx2.RequestError, stream_id: int | None) -> bool:
    """Whether an HTTP/2 server has said that it did nothing with this stream.

    A GOAWAY names the last stream that may have been processed, and REFUSED_STREAM is sent before any processing
    (RFC 9113, sections 6.8 and 8.7).
    """
    event = next(iter(getattr(error.__cause__, "args", ())), None)
    if isinstance(event, h2.events.ConnectionTerminated):
        last = event.last_stream_id
        return stream_id is not None and last is not None and stream_id > last
    return isinstance(event, h2.events.StreamReset) and event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM
