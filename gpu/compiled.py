"""Compiling functions with numba, with what was compiled kept on disk for the next process."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

_F = TypeVar("_F", bound=Callable[..., object])


def numba_installed() -> bool:
    return importlib.util.find_spec("numba") is not None


def compiled(function: _F, *, inline: bool = False) -> _F:
    """The function in machine code, which releases the interpreter's lock. Loads numba.

    With `inline` it is written out where it is called, so that the optimiser sees both as one.
    """
    kept = _use_cache_folder()
    import numba  # 0.2 s and tens of megabytes: only for a worker that simulates

    return cast(_F, numba.njit(nogil=True, cache=kept, inline="always" if inline else "never")(function))


def _use_cache_folder() -> bool:
    """Point numba at the user's cache folder; the package's own may be read-only. False where nothing can be kept."""
    if "NUMBA_CACHE_DIR" not in os.environ:
        import platformdirs

        folder = Path(platformdirs.user_cache_dir("polydesk")) / "numba"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            return False
        os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return os.access(os.environ["NUMBA_CACHE_DIR"], os.W_OK)
