"""A connection is closed on whoever does not finish a request, and on nobody who has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from polydesk.server.web.listening import listen, timed_protocol

_WITHIN_S = 0.1
_REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    with listen("127.0.0.1", 0) as listener:
        protocol = timed_protocol(headers_within_s=_WITHIN_S)
        server = uvicorn.Server(uvicorn.Config(_answer, http=protocol, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server._serve(sockets=[listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


async def answered(reader: asyncio.StreamReader) -> bool:
    head = await reader.readuntil(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 200") and await reader.readexactly(2) == b"ok"


async def test_a_connection_outlives_the_time_that_the_head_of_its_request_had(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(10):
        for _ in range(3):
            writer.write(_REQUEST)
            assert await answered(reader)
            await asyncio.sleep(2 * _WITHIN_S)
    writer.close()


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("sent", [b"", _REQUEST[:20]])
async def test_who_does_not_finish_the_head_of_a_request_is_cut_off(port: int, sent: bytes, before: bool) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(3):  # far less than a connection without a request is kept
        if before and sent:
            writer.write(_REQUEST)
            assert await answered(reader)
        writer.write(sent)
        assert await reader.read() == b""
    writer.close()
