"""Stops new orders until a person lifts the stop on the command line; survives restarts as a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Halt:
    """`lifted_by` is the command with which a person allows trading again.

    A halt that could not be `saved` holds in this process alone and ends with it.
    """

    reason: str
    since: datetime
    lifted_by: str
    saved: bool = True


class KillSwitch:
    """The stop of one mode. The file is the truth, so every process that shares the folder obeys it."""

    def __init__(self, folder: Path, *, lifted_by: str) -> None:
        self._file = folder / "halted.json"
        self._lifted_by = lifted_by
        self._unsaved: Halt | None = None

    def engage(self, reason: str, now: datetime) -> Halt:
        """Stop trading. A stop that is already on keeps its first reason."""
        existing = self.current()
        if existing is not None:
            return existing
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial = self._file.with_suffix(".partial")
            partial.write_text(json.dumps({"reason": reason, "since": now.isoformat()}))
            partial.replace(self._file)
        except OSError:
            self._unsaved = Halt(reason, now, self._lifted_by, saved=False)
            return self._unsaved
        return Halt(reason, now, self._lifted_by)

    def lift(self) -> bool:
        """Allow trading again; False when nothing was stopped."""
        try:
            self._file.unlink()
        except FileNotFoundError:
            return False
        return True

    def current(self) -> Halt | None:
        """The stop in force. A file that cannot be read still stops trading."""
        if self._unsaved is not None:
            return self._unsaved
        try:
            content = json.loads(self._file.read_text())
            return Halt(str(content["reason"]), datetime.fromisoformat(content["since"]), self._lifted_by)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError):
            since = _changed_at(self._file)
            return Halt(f"{self._file} cannot be read", since, self._lifted_by)


def _changed_at(file: Path) -> datetime:
    try:
        return datetime.fromtimestamp(file.stat().st_mtime).astimezone()
    except OSError:
        return datetime.fromtimestamp(0).astimezone()
