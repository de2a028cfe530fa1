"""Tokens that a person hands to clients: named, limited to scopes, kept as hashes, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import ConfigurationError, InputRejected
from ...core.key_storage.keystore import check_private
from ...core.settings import Settings
from .scopes import check_scopes

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken

_log = logging.getLogger(__name__)

_FILE = "tokens.json"
_PREFIX = "pd_"
_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Names are written down beside what their holders did, so they are one short word."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LOCK_S = 10.0


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """A token as it is kept: what it may do, and the SHA-256 of what its holder sends."""

    name: str
    scopes: tuple[str, ...]
    sha256: str


class TokenFile:
    """The tokens of one desk, in a file that its owner alone can read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self) -> tuple[TokenEntry, ...]:
        """Raises ConfigurationError for a file that others could have written, or that is no list of tokens."""
        try:
            os.stat(self._path)
            check_private(self._path)
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            if not isinstance(rows, list):
                raise TypeError("it holds no list")
            return tuple(map(_entry, rows))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigurationError(f"{self._path} is not a file of tokens: {error}") from error

    def add(self, name: str, scopes: Sequence[str]) -> str:
        """A new token, which is shown once.

        Raises InputRejected for a name that is taken or none and for an unknown scope, ConfigurationError where the
        file cannot be written.
        """
        check_scopes(scopes)
        if not _NAME.fullmatch(name):
            raise InputRejected(
                f"{name!r} is no name: letters, digits, dots, dashes and underscores, 64 at most.", code="bad_name"
            )
        token = _PREFIX + secrets.token_urlsafe(_BYTES)

        def added(entries: tuple[TokenEntry, ...]) -> Sequence[TokenEntry]:
            if any(each.name == name for each in entries):
                raise InputRejected(f"There is a token {name!r} already; remove it first.", code="token_exists")
            return [*entries, TokenEntry(name, tuple(scopes), _hash(token))]

        self._update(added)
        return token

    def remove(self, name: str) -> None:
        """End a token at once. Raises InputRejected for one that is not there, and ConfigurationError as `add` does."""

        def left(entries: tuple[TokenEntry, ...]) -> Sequence[TokenEntry]:
            kept = [each for each in entries if each.name != name]
            if len(kept) == len(entries):
                raise InputRejected(f"There is no token {name!r}.", code="unknown_token")
            return kept

        self._update(left)

    def _update(self, change: Callable[[tuple[TokenEntry, ...]], Sequence[TokenEntry]]) -> None:
        """Write what `change` makes of the entries, with no other process in between to bring a removed one back."""
        from filelock import FileLock, Timeout

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._path.with_suffix(".lock"), timeout=_LOCK_S, mode=0o600):
                self._write(change(self.entries()))
        except Timeout as error:
            raise ConfigurationError(f"{self._path} is in use by another process.") from error
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be written: {error.strerror}.") from error

    def _write(self, entries: Sequence[TokenEntry]) -> None:
        partial = self._path.with_suffix(f".{secrets.token_hex(4)}.partial")
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump([asdict(each) for each in entries], file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise


def token_file(settings: Settings) -> TokenFile:
    """The tokens of a state folder, which every mode shares."""
    return TokenFile(settings.resolved_state_dir / _FILE)


class TokenFileVerifier:
    """Accepts the tokens of a file as it is now: one that was removed is refused at its next request."""

    def __init__(self, file: TokenFile, *, resource: str) -> None:
        self._file = file
        self._resource = resource

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who holds a token; None for one that is not known, and for all while the file cannot be used."""
        from mcp.server.auth.provider import AccessToken

        try:
            entries = self._file.entries()
        except ConfigurationError as error:
            _log.error("every token is refused: %s", error.message)
            return None
        given, found = _hash(token), None
        for entry in entries:
            # Every entry is compared, so that time tells nothing of which one came near.
            if hmac.compare_digest(entry.sha256, given):
                found = entry
        if found is None:
            return None
        return AccessToken(token=token, client_id=found.name, scopes=list(found.scopes), resource=self._resource)


def _entry(row: Any) -> TokenEntry:
    """Raises KeyError, TypeError and ValueError for anything else than what was written."""
    name, scopes, sha256 = row["name"], row["scopes"], row["sha256"]
    if not (isinstance(name, str) and isinstance(sha256, str) and isinstance(scopes, list)):
        raise TypeError("an entry has a name, a list of scopes and a hash")
    if not (_NAME.fullmatch(name) and _SHA256.fullmatch(sha256) and all(isinstance(each, str) for each in scopes)):
        raise ValueError("an entry has a name, a list of scopes and a hash")
    return TokenEntry(name, tuple(scopes), sha256)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
