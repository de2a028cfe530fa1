"""Messages between an executor and its workers: lengths, then JSON in UTF-8, then the bytes of arrays."""

from __future__ import annotations

import asyncio
import importlib
import json
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..shared_arrays import Mappings, SharedArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LENGTHS = struct.Struct(">IQ")
_ALIGNMENT = 16
_ARRAY = "$array"
_SHARED = "$shared"
_ARRAY_MARK, _SHARED_MARK = b'"$array"', b'"$shared"'


class EndOfStream(Exception):
    """The other side closed the pipe, or died."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value as JSON, with the arrays that it refers to by their offset."""

    json: bytes
    arrays: tuple[memoryview, ...] = ()


class _ArrayWriter:
    def __init__(self) -> None:
        self.arrays: list[memoryview] = []
        self._offset = 0

    def place(self, value: Any) -> dict[str, Any]:
        """What stands in JSON for a value it does not know."""
        if isinstance(value, SharedArray):
            return {_SHARED: [value.path, value.dtype, value.shape]}
        # numpy is loaded if and only if there can be an array, so that nothing is imported here.
        if not hasattr(value, "__array_interface__") or value.dtype.hasobject:
            raise TypeError(f"Object of type {type(value).__name__} is not plain data")
        if not value.ndim:
            return value.item()  # type: ignore[no-any-return]
        data = memoryview(value if value.flags.c_contiguous else value.copy()) if value.size else memoryview(b"")
        reference = {_ARRAY: [self._offset, value.dtype.str, value.shape]}
        padding = -data.nbytes % _ALIGNMENT
        self.arrays.append(data.cast("B") if data.nbytes else data)
        if padding:
            self.arrays.append(memoryview(bytes(padding)))
        self._offset += data.nbytes + padding
        return reference


_PLAIN = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def encode_value(value: Any) -> Encoded:
    """Raises TypeError for values that are not plain and ValueError for infinities and NaN outside arrays."""
    try:
        # Most messages hold no arrays, and this encoder was built once.
        return Encoded(_PLAIN.encode(value).encode())
    except TypeError:
        writer = _ArrayWriter()
        encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=writer.place)
        return Encoded(encoder.encode(value).encode(), tuple(writer.arrays))


def encode_plain(value: Any) -> bytes:
    """As `encode_value`, for values without arrays: TypeError if there are any."""
    return _PLAIN.encode(value).encode()


def frame(head: Encoded) -> list[bytes | memoryview]:
    """The message in parts, to be written one after the other."""
    lengths = _LENGTHS.pack(len(head.json), sum(each.nbytes for each in head.arrays))
    return [lengths + head.json, *head.arrays]


class Decoder:
    """Reads messages. Arrays are views of what was received, or of files mapped once.

    A message whose shared arrays are gone gets a field `unreadable` that says so.
    """

    def __init__(self, shared: Callable[[SharedArray], Any] | None = None) -> None:
        """`shared` answers what stands for a shared array; by default the array."""
        self._shared = shared or Mappings().array

    def decode(self, head: bytes, body: bytes) -> dict[str, Any]:
        # Inside a text these marks would be escaped.
        if _ARRAY_MARK not in head and _SHARED_MARK not in head:
            plain: dict[str, Any] = json.loads(head)
            return plain

        gone: list[str] = []

        def restore(found: dict[str, Any]) -> Any:
            if len(found) == 1:
                if (place := found.get(_ARRAY)) is not None:
                    return _array(body, *place)
                if (shared := found.get(_SHARED)) is not None:
                    path, dtype, shape = shared
                    try:
                        return self._shared(SharedArray(path, dtype, tuple(shape)))
                    except OSError as error:
                        gone.append(str(error))
            return found

        message: dict[str, Any] = json.loads(head, object_hook=restore)
        if gone:
            message["unreadable"] = f"a shared array is gone: {gone[0]}"
        return message

    def decode_parts(self, parts: Sequence[bytes | memoryview]) -> dict[str, Any]:
        """The message of an encoded one."""
        data = b"".join(parts)
        head_length, _ = _LENGTHS.unpack_from(data)
        end = _LENGTHS.size + head_length
        return self.decode(data[_LENGTHS.size : end], data[end:])

    async def read(self, stream: asyncio.StreamReader) -> dict[str, Any]:
        """The next message. Raises EndOfStream, also in the middle of one."""
        try:
            head_length, body_length = _LENGTHS.unpack(await stream.readexactly(_LENGTHS.size))
            head = await stream.readexactly(head_length)
            body = await stream.readexactly(body_length) if body_length else b""
        except asyncio.IncompleteReadError as cut:
            raise EndOfStream from cut
        if body and "numpy" not in sys.modules:
            # On a thread: the import would hold the event loop up.
            await asyncio.to_thread(importlib.import_module, "numpy")
        return self.decode(head, body)

    def take(self, received: bytearray) -> dict[str, Any] | None:
        """The first message of what was received, taken out of it; None while it is not whole."""
        if len(received) < _LENGTHS.size:
            return None
        head_length, body_length = _LENGTHS.unpack_from(received)
        head_end = _LENGTHS.size + head_length
        end = head_end + body_length
        if len(received) < end:
            return None
        with memoryview(received) as view:
            head, body = bytes(view[_LENGTHS.size : head_end]), bytes(view[head_end:end])
        del received[:end]
        return self.decode(head, body)


def _array(body: bytes, offset: int, dtype: str, shape: Sequence[int]) -> NDArray[Any]:
    import numpy as np

    return np.frombuffer(body, dtype=dtype, count=int(np.prod(shape)), offset=offset).reshape(shape)
