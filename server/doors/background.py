"""The mark of a desk that runs in the background: held as long as its process lives."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout

_LOCK, _PID = "background.lock", "background.pid"


class BackgroundMark:
    """At most one process of a folder has it, and anybody can see whether one does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: FileLock | None = None

    @property
    def pid(self) -> int | None:
        """The process that has it, or had it last."""
        try:
            return int((self._folder / _PID).read_text())
        except (OSError, ValueError):
            return None

    def take(self) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(self._folder / _LOCK, mode=0o600)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        self._lock = lock
        (self._folder / _PID).write_text(str(os.getpid()))
        return True

    def stands(self) -> bool:
        """Whether a process has it."""
        if self._lock is not None:
            return True
        if not (self._folder / _LOCK).exists():
            return False
        try:
            with FileLock(self._folder / _LOCK, mode=0o600, timeout=0):
                return False
        except Timeout:
            return True

    def release(self) -> None:
        if self._lock is not None:
            (self._folder / _PID).unlink(missing_ok=True)
            self._lock.release()
            self._lock = None
