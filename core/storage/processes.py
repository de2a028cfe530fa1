"""Which processes of a desk still live: each holds a lock that the operating system drops when it dies."""

from __future__ import annotations

import secrets
from pathlib import Path

from filelock import FileLock, Timeout


class ProcessMark:
    """The mark of this process, by which others that share the folder can tell whether it still runs.

    Without a folder there are no others.
    """

    def __init__(self, folder: Path | None) -> None:
        self.id = secrets.token_hex(6)
        self._folder = folder
        self._lock: FileLock | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = FileLock(folder / f"{self.id}.lock")
            self._lock.acquire(timeout=0)

    def lives(self, process_id: str) -> bool:
        """Whether the process of a mark still runs."""
        if process_id == self.id:
            return True
        if self._folder is None:
            return False
        file = self._folder / f"{process_id}.lock"
        if not file.exists():
            return False
        try:
            with FileLock(file, timeout=0):
                file.unlink(missing_ok=True)
        except Timeout:
            return True
        return False

    def release(self) -> None:
        """Take the mark away: from now on this process counts as gone."""
        if self._lock is not None and self._folder is not None:
            self._lock.release()
            (self._folder / f"{self.id}.lock").unlink(missing_ok=True)
