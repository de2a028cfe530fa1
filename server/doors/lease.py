"""Who holds the desk of a state folder: a lock that dies with its process, and a card that says how to reach it."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import ConfigurationError

if TYPE_CHECKING:
    from filelock import FileLock

_LOCK, _CARD = "desk.lock", "desk.json"
_PLACE = "polydesk-"


@dataclass(frozen=True, slots=True)
class DeskCard:
    """How to reach a desk: the process that holds it, its socket, and the secret that its doors know.

    `background` says whether it goes on when every host has quit, `folder` where the card was written: a copy of it
    elsewhere describes a desk that is not the copy's.
    """

    pid: int
    version: str
    since: datetime
    socket: Path
    secret: str
    background: bool
    folder: Path

    @property
    def mark(self) -> str:
        """Names this desk and no other, the next one of the same process neither."""
        return hashlib.sha256(self.secret.encode()).hexdigest()[:16]


class DeskLease:
    """The right to be the desk of a folder. At most one process has it, whatever happened to those before.

    The operating system drops the lock with its process, so a lease is never stale: after a kill, a restart of the
    machine or on a copy of the folder elsewhere, the next one simply takes it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: FileLock | None = None

    @property
    def held(self) -> bool:
        """Whether this process has it."""
        return self._lock is not None

    def take(self) -> bool:
        """Take the lease if nobody has it, and clear away what a dead holder left behind.

        Raises ConfigurationError for a folder that cannot be written.
        """
        from filelock import FileLock, Timeout  # no server needs it before its first call

        if self._lock is not None:
            return True
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(self._folder / _LOCK, mode=0o600)
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            raise ConfigurationError(
                f"{self._folder} cannot be written ({error.strerror}); name another POLYMARKET_STATE_DIR."
            ) from error
        self._lock = lock
        self._clear()
        return True

    def publish(self, *, version: str, since: datetime, background: bool) -> DeskCard:
        """Write the card of this process, with a fresh secret and a place for its socket."""
        # Paths of sockets may have hardly a hundred bytes: the folder's own may be too long.
        place = Path(tempfile.mkdtemp(prefix=_PLACE))
        card = DeskCard(
            os.getpid(), version, since, place / "desk", secrets.token_hex(32), background, self._folder.resolve()
        )
        file = self._folder / f"{_CARD}.new"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as written:
            json.dump(asdict(card) | {"since": since.isoformat()}, written, default=str)
        file.replace(self._folder / _CARD)
        return card

    def withdraw(self) -> None:
        """Take the card away, so that no door comes any more."""
        self._clear()

    def release(self) -> None:
        if self._lock is not None:
            self._clear()
            self._lock.release()
            self._lock = None

    def _clear(self) -> None:
        card = read_card(self._folder)
        (self._folder / _CARD).unlink(missing_ok=True)
        ours = card is not None and card.folder == self._folder.resolve()
        if card is not None and ours and card.socket.parent.name.startswith(_PLACE):
            shutil.rmtree(card.socket.parent, ignore_errors=True)


def read_card(folder: Path) -> DeskCard | None:
    """The card in a folder; None where there is none, or none that can be read.

    Of a card that another version wrote, what this one does not know is passed over.
    """
    try:
        written = json.loads((folder / _CARD).read_text())
        return DeskCard(
            pid=int(written["pid"]),
            version=str(written.get("version", "?")),
            since=datetime.fromisoformat(written["since"]),
            socket=Path(written["socket"]),
            secret=str(written["secret"]),
            background=bool(written.get("background")),
            folder=Path(written.get("folder", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
