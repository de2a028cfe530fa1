"""Fetches public documents from named hosts, and nothing else: no other scheme, host, private address or size."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit, urlunsplit

from .news_source import NewsSourceFailed

if TYPE_CHECKING:
    import httpx2

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 3
_NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Validators:
    """What a host said of the version it sent last; sent back, it may answer that nothing has changed."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """`body` is None where nothing has changed since the validators that were sent."""

    body: bytes | None
    validators: Validators


@dataclass(frozen=True, slots=True)
class FetchRules:
    """`hosts` may be asked, and those below them. A whole document may take `timeout_s` and `most_bytes`, unpacked."""

    hosts: frozenset[str]
    timeout_s: float = 10.0
    most_bytes: int = 2_000_000
    schemes: frozenset[str] = frozenset({"https"})
    may_connect: Callable[[str], bool] = lambda address: is_public(address)


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, and not to this machine or a network around it."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    return parsed.is_global and not parsed.is_multicast


async def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host by the system's resolver. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


class WebFetcher:
    """An `async with`. Names are resolved here and connected to by address, so that what was checked is what is asked.

    Settings of proxies in the environment are not followed, because a proxy would resolve the name anew.
    """

    def __init__(
        self, rules: FetchRules, *, resolve: Resolve = resolved, trusted: ssl.SSLContext | None = None
    ) -> None:
        self._rules = rules
        self._resolve = resolve
        self._trusted = trusted
        self._client: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> WebFetcher:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def get(self, url: str, *, validators: Validators | None = None) -> Document:
        """The document at an address, after at most three redirects. Raises NewsSourceFailed."""
        import httpx2

        try:
            async with asyncio.timeout(self._rules.timeout_s):
                return await self._followed(url, validators or Validators())
        except TimeoutError as error:
            raise NewsSourceFailed(f"{_host(url)} did not answer within {self._rules.timeout_s:g} s") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            # ValueError: an address or a name of a host, in a redirect, that is none.
            raise NewsSourceFailed(f"{_host(url)} could not be read: {type(error).__name__}") from error

    async def _followed(self, url: str, validators: Validators) -> Document:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = await self._asked(url, validators)
            if isinstance(answer, Document):
                return answer
            url = urljoin(url, answer)
        raise NewsSourceFailed(f"{_host(url)} redirects more than {_MOST_REDIRECTS} times")

    async def _asked(self, url: str, validators: Validators) -> Document | str:
        """One request: the document, or where it is said to lie."""
        address, name = await self._checked(url)
        headers = {"Host": name, "User-Agent": "polydesk", "Accept": "*/*"}
        if validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        request = self._opened().build_request(
            "GET", address, headers=headers, extensions={"sni_hostname": urlsplit(url).hostname or ""}
        )
        response = await self._opened().send(request, stream=True)
        try:
            if response.status_code in _REDIRECTS:
                return str(response.headers.get("location", ""))
            if response.status_code == _NOT_MODIFIED:
                return Document(None, validators)
            if response.status_code != 200:
                raise NewsSourceFailed(f"{_host(url)} answered {response.status_code}")
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > self._rules.most_bytes:
                    raise NewsSourceFailed(f"{_host(url)} sent more than {self._rules.most_bytes:,} bytes")
            return Document(bytes(body), _validators(response.headers))
        finally:
            await response.aclose()

    async def _checked(self, url: str) -> tuple[str, str]:
        """The address to connect to, and the host's name. Raises NewsSourceFailed for one that may not be asked."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise NewsSourceFailed("an address cannot be read") from error
        host = (parts.hostname or "").lower()
        if parts.scheme not in self._rules.schemes:
            raise NewsSourceFailed(f"{host} was not asked: only {' and '.join(sorted(self._rules.schemes))} is")
        if not any(host == allowed or host.endswith(f".{allowed}") for allowed in self._rules.hosts):
            raise NewsSourceFailed(f"{host[:100]} was not asked: it is none of the hosts of the configured sources")
        if parts.username or parts.password:
            raise NewsSourceFailed(f"{host} was not asked: its address holds a password")
        addresses = await self._resolve(host, port or (443 if parts.scheme == "https" else 80))
        if not addresses or not all(self._rules.may_connect(each) for each in addresses):
            raise NewsSourceFailed(f"{host} was not asked: it has an address that is not public")
        chosen = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
        suffix = "" if port is None else f":{port}"
        target = urlunsplit((parts.scheme, f"{chosen}{suffix}", parts.path or "/", parts.query, ""))
        return target, f"{host}{suffix}"

    def _opened(self) -> httpx2.AsyncClient:
        import httpx2

        if self._client is None:
            self._client = httpx2.AsyncClient(
                timeout=self._rules.timeout_s,
                trust_env=False,
                verify=self._trusted or True,
                limits=httpx2.Limits(max_connections=8, max_keepalive_connections=0),
            )
        return self._client


def _validators(headers: Mapping[str, str]) -> Validators:
    return Validators(headers.get("etag", "")[:200], headers.get("last-modified", "")[:100])


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "the host")[:100]
    except ValueError:
        return "the host"
