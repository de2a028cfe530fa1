"""Messages between the pool and its workers: four bytes of length, then JSON in UTF-8."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">I")


class EndOfStream(Exception):
    """The other side closed the pipe, or died."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Raises TypeError for values JSON does not know and ValueError for infinities and NaN."""
    body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


async def read_frame(stream: asyncio.StreamReader) -> dict[str, Any]:
    """The next message. Raises EndOfStream, also in the middle of one."""
    try:
        (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        message: dict[str, Any] = json.loads(await stream.readexactly(length))
    except asyncio.IncompleteReadError as cut:
        raise EndOfStream from cut
    return message


def read_frame_blocking(stream: BinaryIO) -> dict[str, Any]:
    """As `read_frame`, for the worker's side."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        raise EndOfStream
    (length,) = _LENGTH.unpack(header)
    body = stream.read(length)
    if len(body) < length:
        raise EndOfStream
    message: dict[str, Any] = json.loads(body)
    return message
