"""The mark of a desk that runs in the background: held as long as its process lives."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

_FILE = "background.lock"
_PATIENCE_S, _PAUSE_S = 1.0, 0.01


class BackgroundMark:
    """At most one process of a folder has it, and anybody can see whether one does, and which.

    Who only looks takes the lock as one of many readers, so that looking at it disturbs nobody else who looks.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE
        self._held: int | None = None

    @property
    def pid(self) -> int | None:
        """The process that has it, or had it last."""
        try:
            return int(self._file.read_text())
        except (OSError, ValueError):
            return None

    def take(self) -> bool:
        """Take it for this process, unless another one has it."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        opened = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + _PATIENCE_S
        while not _locked(opened, fcntl.LOCK_EX):
            # Somebody who looks holds it for a moment, a desk in the background for good.
            if time.monotonic() > deadline:
                os.close(opened)
                return False
            time.sleep(_PAUSE_S)
        os.ftruncate(opened, 0)
        os.write(opened, str(os.getpid()).encode())
        self._held = opened
        return True

    def stands(self) -> bool:
        """Whether a process has it."""
        if self._held is not None:
            return True
        try:
            opened = os.open(self._file, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            return not _locked(opened, fcntl.LOCK_SH)
        finally:
            os.close(opened)

    def release(self) -> None:
        if self._held is not None:
            os.ftruncate(self._held, 0)
            os.close(self._held)
            self._held = None


def _locked(opened: int, kind: int) -> bool:
    try:
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
