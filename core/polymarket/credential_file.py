"""API credentials kept on disk between runs, sealed with the private key that they belong to."""

from __future__ import annotations

import base64
import json
import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..identifiers import Address
from .credentials import ApiCredentials

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_log = logging.getLogger(__name__)

_FORMAT = 1
_SALT_BYTES = 16
_NONCE_BYTES = 12


class CredentialStore(Protocol):
    """Where a client keeps the credentials that the venue made for it."""

    def load(self) -> ApiCredentials | None: ...
    def save(self, credentials: ApiCredentials) -> None: ...
    def delete(self) -> None: ...


class KeyHolder(Protocol):
    """Whoever holds the private key and can derive another secret from it."""

    @property
    def address(self) -> Address: ...
    def derive_secret(self, salt: bytes, purpose: bytes) -> bytes: ...


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

    def load(self) -> ApiCredentials | None:
        """The kept credentials, None when there are none for this key and venue."""
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.warning("%s cannot be read, so the API credentials are derived again: %s", self._file, error)
            return None
        from cryptography.exceptions import InvalidTag

        try:
            if kept["format"] != _FORMAT or kept["venue"] != self._venue:
                return None
            salt, nonce, sealed = (base64.b64decode(kept[name], validate=True) for name in ("salt", "nonce", "sealed"))
            key, secret, passphrase = json.loads(self._cipher(salt).decrypt(nonce, sealed, self._bound_to))
            return ApiCredentials(key=key, secret=secret, passphrase=passphrase)
        except (KeyError, TypeError, ValueError, InvalidTag):
            _log.warning("%s does not open with this key, so the API credentials are derived again", self._file)
            return None

    def save(self, credentials: ApiCredentials) -> None:
        """Keep these credentials instead of any before; all or nothing reaches the disk."""
        salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
        plain = json.dumps([credentials.key, credentials.secret, credentials.passphrase]).encode()
        sealed = self._cipher(salt).encrypt(nonce, plain, self._bound_to)
        parts = {"salt": salt, "nonce": nonce, "sealed": sealed}
        content = {"format": _FORMAT, "venue": self._venue} | {
            name: base64.b64encode(part).decode() for name, part in parts.items()
        }
        partial = self._file.with_suffix(f".{secrets.token_hex(4)}.partial")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._file)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            _log.warning("the API credentials are not kept: %s", error)

    def delete(self) -> None:
        """Forget the credentials. Raises OSError when the file stays."""
        self._file.unlink(missing_ok=True)

    @property
    def _bound_to(self) -> bytes:
        """What the seal also vouches for: the key's address and the venue."""
        return f"{self._owner.address} {self._venue}".encode()

    def _cipher(self, salt: bytes) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._owner.derive_secret(salt, b"polydesk API credentials"))
