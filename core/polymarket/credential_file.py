"""API credentials kept on disk between runs, sealed with the private key that they belong to."""

from __future__ import annotations

import base64
import json
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ConfigurationError
from ..identifiers import Address
from .credentials import ApiCredentials

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_log = logging.getLogger(__name__)

_FORMAT = 2
_SALT_BYTES = 16
_NONCE_BYTES = 12
_LOCK_S = 10.0


class CredentialStore(Protocol):
    """Where a client keeps the credentials that the venue made for it. `version` changes with what is kept."""

    @property
    def version(self) -> object: ...
    def load(self) -> ApiCredentials | None: ...
    def save(self, credentials: ApiCredentials) -> None: ...
    def delete(self) -> None: ...


class KeyHolder(Protocol):
    """Whoever holds the private key and can derive another secret from it."""

    @property
    def address(self) -> Address: ...
    def derive_secret(self, salt: bytes, purpose: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Intention:
    """Which credentials a rotation is about to make: those of `nonce`, unless their key is one of `known`."""

    nonce: int
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeptCredentials:
    """What is kept of one key at one venue: the credentials in use, and how far a rotation has come.

    A `candidate` is made and not yet in use, one `retiring` no longer in use and perhaps still valid at the venue.
    """

    current: ApiCredentials | None = None
    intention: Intention | None = None
    candidate: ApiCredentials | None = None
    retiring: ApiCredentials | None = None


class CredentialFile:
    """Credentials of one key at one venue, in a file that only its owner may read.

    They are sealed with AES-256-GCM under a key derived from the private key (HKDF-SHA256, RFC 5869), so the file is
    worth nothing without it. They can always be derived again at the venue: a file that cannot be read, or belongs to
    another key or venue, counts as none, and one that cannot be written costs a request at the next start.
    """

    def __init__(self, folder: Path, *, owner: KeyHolder, venue: str) -> None:
        self._owner = owner
        self._venue = venue
        self._file = folder / f"credentials-{owner.address.lower()}.json"

    @property
    def version(self) -> tuple[int, int, int] | None:
        """What changes whenever another process writes the file; None where there is none."""
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size

    def load(self) -> ApiCredentials | None:
        """The credentials in use, None when there are none for this key and venue."""
        return self.kept().current

    def save(self, credentials: ApiCredentials) -> None:
        """Use these credentials from now on; all or nothing reaches the disk. What cannot be kept is logged."""
        try:
            self.update(lambda kept: replace(kept, current=credentials))
        except ConfigurationError as error:
            _log.warning("the API credentials are not kept: %s", error.message)

    def delete(self) -> None:
        """Forget the credentials. Raises OSError when the file stays."""
        self._file.unlink(missing_ok=True)

    def kept(self) -> KeptCredentials:
        """All that is kept; nothing where the file is missing, damaged, or of another key or venue."""
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return KeptCredentials()
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("%s cannot be read, so the API credentials are derived again: %s", self._file, error)
            return KeptCredentials()
        from cryptography.exceptions import InvalidTag

        try:
            if content["format"] != _FORMAT or content["venue"] != self._venue:
                return KeptCredentials()
            salt, nonce, sealed = (
                base64.b64decode(content[name], validate=True) for name in ("salt", "nonce", "sealed")
            )
            return _read(json.loads(self._cipher(salt).decrypt(nonce, sealed, self._bound_to)))
        except (KeyError, TypeError, ValueError, InvalidTag):
            _log.warning("%s does not open with this key, so the API credentials are derived again", self._file)
            return KeptCredentials()

    def update(self, change: Callable[[KeptCredentials], KeptCredentials]) -> KeptCredentials:
        """Write what `change` makes of what is kept, with no other process in between.

        Raises ConfigurationError when it cannot be written; then what was kept is as it was.
        """
        from filelock import FileLock, Timeout

        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._file.with_suffix(".lock"), timeout=_LOCK_S, mode=0o600):
                kept = change(self.kept())
                self._write(kept)
        except Timeout as error:
            raise ConfigurationError(f"{self._file} is in use by another process.") from error
        except OSError as error:
            raise ConfigurationError(f"{self._file} cannot be written: {error}") from error
        return kept

    @contextmanager
    def rotating(self) -> Iterator[None]:
        """Within it no other process rotates these credentials. Raises ConfigurationError when one does already."""
        from filelock import FileLock, Timeout

        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(self._file.with_suffix(".rotation"), timeout=0, mode=0o600)
            lock.acquire()
        except Timeout as error:
            raise ConfigurationError("Another process is rotating these API credentials already.") from error
        except OSError as error:
            raise ConfigurationError(f"{self._file.parent} cannot be written: {error.strerror}.") from error
        try:
            yield
        finally:
            lock.release()

    def _write(self, kept: KeptCredentials) -> None:
        salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher(salt).encrypt(nonce, json.dumps(_written(kept)).encode(), self._bound_to)
        parts = {"salt": salt, "nonce": nonce, "sealed": sealed}
        content = {"format": _FORMAT, "venue": self._venue} | {
            name: base64.b64encode(part).decode() for name, part in parts.items()
        }
        partial = self._file.with_suffix(f".{secrets.token_hex(4)}.partial")
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._file)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise

    @property
    def _bound_to(self) -> bytes:
        """What the seal also vouches for: the key's address and the venue."""
        return f"{self._owner.address} {self._venue}".encode()

    def _cipher(self, salt: bytes) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._owner.derive_secret(salt, b"polydesk API credentials"))


def _written(kept: KeptCredentials) -> dict[str, Any]:
    parts = (kept.current, kept.intention, kept.candidate, kept.retiring)
    names = ("current", "intention", "candidate", "retiring")
    return {name: None if part is None else astuple(part) for name, part in zip(names, parts, strict=True)}


def _read(plain: Any) -> KeptCredentials:
    """Raises KeyError, TypeError and ValueError for anything else than what was written."""

    def credentials(name: str) -> ApiCredentials | None:
        return None if plain[name] is None else ApiCredentials(*plain[name])

    intention = None
    if plain["intention"] is not None:
        nonce, known = plain["intention"]
        intention = Intention(nonce, tuple(known))
    return KeptCredentials(credentials("current"), intention, credentials("candidate"), credentials("retiring"))
