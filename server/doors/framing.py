"""MCP messages over a local socket, one JSON line each as on stdio, in the shape of the SDK's streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCMessage, JSONRPCRequest
from pydantic import TypeAdapter, ValidationError

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes: far above any answer, so that only a defect can reach it."""

_MESSAGE: TypeAdapter[JSONRPCMessage] = TypeAdapter(JSONRPCMessage)


class MessageReader:
    """The receiving half. It ends with the connection, however that ends."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def receive(self) -> SessionMessage | Exception:
        """The next message, or what is wrong with one. Raises StopAsyncIteration at the end."""
        return await self.__anext__()

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            line = await self._reader.readline()
        except (ConnectionError, ValueError):  # ValueError: a line longer than the limit
            line = b""
        if not line.endswith(b"\n"):
            raise StopAsyncIteration
        try:
            return SessionMessage(_MESSAGE.validate_json(line))
        except ValidationError as error:
            return error

    def __aiter__(self) -> Self:
        return self

    async def aclose(self) -> None:
        """The socket belongs to both halves: the sending one closes it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class MessageWriter:
    """The sending half. Closing it closes the socket. `sent` are the ids of requests that may have arrived."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.sent: set[str | int] = set()

    async def send(self, item: SessionMessage, /) -> None:
        """Raises BrokenResourceError, as the SDK's streams do, when nobody is there any more."""
        if self._writer.is_closing():
            raise anyio.BrokenResourceError
        if isinstance(item.message, JSONRPCRequest):
            self.sent.add(item.message.id)
        try:
            self._writer.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await self._writer.drain()
        except ConnectionError as error:
            raise anyio.BrokenResourceError from error

    async def aclose(self) -> None:
        self._writer.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def send_object(writer: asyncio.StreamWriter, item: Mapping[str, Any]) -> None:
    """One JSON object as a line. Raises ConnectionError."""
    writer.write(json.dumps(item).encode() + b"\n")
    await writer.drain()


async def read_object(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """The next line as a JSON object; None at the end, and for anything else."""
    try:
        item = json.loads(await reader.readline())
    except (ValueError, ConnectionError):
        return None
    return item if isinstance(item, dict) else None
