"""A web site on this machine that sends what a test wrote down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from polydesk.core.news.web_fetching import FetchRules, WebFetcher


@dataclass
class Site:
    """`pages` are whole responses by path; `asked` are the heads of requests, in lower case."""

    port: int = 0
    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://news.test:{self.port}"

    def put(self, path: str, body: bytes | str = b"", *, status: str = "200 OK", headers: str = "") -> None:
        content = body.encode() if isinstance(body, str) else body
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n{headers}\r\n"
        self.pages[path] = head.encode() + content

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.lower())
        path = head.split()[1]
        if "if-none-match" in head.lower():
            writer.write(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n")
        elif path in self.pages:
            writer.write(self.pages[path])
        elif path == "/silence":
            await reader.read()  # until the client gives up
        else:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.answer, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site


OpenFetcher = Callable[..., WebFetcher]


@pytest.fixture
def fetcher() -> OpenFetcher:
    """A fetcher that may ask news.test, which is this machine, unless a test says otherwise."""

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    def opened(**rules: object) -> WebFetcher:
        chosen: dict[str, object] = {
            "hosts": frozenset({"news.test"}),
            "schemes": frozenset({"http"}),
            "may_connect": lambda address: address == "127.0.0.1",
        }
        return WebFetcher(FetchRules(**(chosen | rules)), resolve=resolve)  # type: ignore[arg-type]

    return opened
