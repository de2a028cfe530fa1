"""The last step of a call: bytes over HTTP, and whether a failure left the request unsent or unanswered."""

from __future__ import annotations

from dataclasses import dataclass

import httpx2

from .request import Method, Params

_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


class NotSent(Exception):
    """No connection could be had, so the request never left."""


class NoAnswer(Exception):
    """The request left, wholly or in part, and no complete answer came back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP response. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class HttpSender:
    """One pool of connections. Proxies from the process environment are used unless `direct`."""

    def __init__(self, *, timeout_s: float, direct: bool) -> None:
        self._client = httpx2.AsyncClient(
            http2=not direct,
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, 10.0), pool=min(timeout_s, 10.0)),
            limits=httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0),
            headers={"user-agent": "polydesk", "accept": "application/json"},
            trust_env=not direct,
            follow_redirects=False,
        )

    async def send(self, method: Method, url: str, *, params: Params, headers: dict[str, str], body: bytes) -> Answer:
        """Raises NotSent or NoAnswer."""
        if body:
            headers = {**headers, "content-type": "application/json"}
        try:
            response = await self._client.request(
                method, url, params=list(params) or None, headers=headers, content=body or None
            )
        except _NEVER_SENT as error:
            raise NotSent(f"{type(error).__name__}: {error}") from error
        except httpx2.RequestError as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from error
        return Answer(response.status_code, dict(response.headers), response.content)

    async def aclose(self) -> None:
        await self._client.aclose()
