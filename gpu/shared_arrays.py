"""Arrays that many calls read: written once, mapped by each worker instead of being sent with every call."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MEMORY = Path("/dev/shm")
_FOLDER = "polydesk-arrays-"
_MOST_MAPPED = 4


@dataclass(frozen=True, slots=True)
class SharedArray:
    """An array in a file, in memory where the system offers such files. Payloads hold it in the array's place."""

    path: str
    dtype: str
    shape: tuple[int, ...]


@asynccontextmanager
async def share(array: NDArray[Any]) -> AsyncIterator[SharedArray]:
    """Share `array` until the end of the block. Calls that use it must have ended by then."""
    folder = await asyncio.to_thread(_write, array)
    try:
        yield SharedArray(str(folder / "array"), array.dtype.str, array.shape)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, True)


class Mappings:
    """The shared arrays that this process has mapped, the latest few of them."""

    def __init__(self) -> None:
        self._arrays: OrderedDict[str, NDArray[Any]] = OrderedDict()

    def array(self, shared: SharedArray) -> NDArray[Any]:
        """The array, read-only. Raises FileNotFoundError once it is no longer shared."""
        import numpy as np

        found = self._arrays.get(shared.path)
        if found is None:
            found = np.memmap(shared.path, dtype=shared.dtype, mode="r", shape=shared.shape)
            self._arrays[shared.path] = found
            if len(self._arrays) > _MOST_MAPPED:
                self._arrays.popitem(last=False)
        self._arrays.move_to_end(shared.path)
        return found


def _write(array: NDArray[Any]) -> Path:
    if array.dtype.hasobject or not array.size:
        raise TypeError("only arrays of numbers that are not empty can be shared")
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-", dir=place))
    array.tofile(folder / "array")
    return folder


def _sweep(place: Path) -> None:
    """Remove what processes left that were killed."""
    for folder in place.glob(f"{_FOLDER}*"):
        owner = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if owner.isdecimal() and not _exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
