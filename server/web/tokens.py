"""Tokens that a person hands to clients: named, limited to scopes, kept as hashes, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import ConfigurationError, InputRejected
from ...core.settings import Settings
from .scopes import check_scopes

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken

_FILE = "tokens.json"
_PREFIX = "pd_"
_BYTES = 32


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
            if os.stat(self._path).st_mode & 0o077:
                raise ConfigurationError(f"{self._path} can be read by others; set its mode to 600.")
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            if not isinstance(rows, list):
                raise TypeError("it holds no list")
            return tuple(TokenEntry(row["name"], tuple(row["scopes"]), row["sha256"]) for row in rows)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{self._path} is not a file of tokens: {error}") from error

    def add(self, name: str, scopes: Sequence[str]) -> str:
        """A new token, which is shown once. Raises InputRejected for a name that is taken and an unknown scope."""
        check_scopes(scopes)
        entries = self.entries()
        if any(each.name == name for each in entries):
            raise InputRejected(f"There is a token {name!r} already; remove it first.", code="token_exists")
        token = _PREFIX + secrets.token_urlsafe(_BYTES)
        self._write([*entries, TokenEntry(name, tuple(scopes), _hash(token))])
        return token

    def remove(self, name: str) -> None:
        """End a token at once. Raises InputRejected for one that is not there."""
        entries = self.entries()
        left = [each for each in entries if each.name != name]
        if len(left) == len(entries):
            raise InputRejected(f"There is no token {name!r}.", code="unknown_token")
        self._write(left)

    def _write(self, entries: Sequence[TokenEntry]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        whole = self._path.with_suffix(".new")
        descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump([asdict(each) for each in entries], file, indent=1)
        whole.replace(self._path)


def token_file(settings: Settings) -> TokenFile:
    """The tokens of a state folder, which every mode shares."""
    return TokenFile(settings.resolved_state_dir / _FILE)


class TokenFileVerifier:
    """Accepts the tokens of a file as it is now: one that was removed is refused at its next request."""

    def __init__(self, file: TokenFile, *, resource: str) -> None:
        self._file = file
        self._resource = resource

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who holds a token; None for one that is not known."""
        from mcp.server.auth.provider import AccessToken

        given, found = _hash(token), None
        for entry in self._file.entries():
            # Every entry is compared, so that time tells nothing of which one came near.
            if hmac.compare_digest(entry.sha256, given):
                found = entry
        if found is None:
            return None
        return AccessToken(token=token, client_id=found.name, scopes=list(found.scopes), resource=self._resource)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
