"""Where the passphrase of a key comes from: a file, the system's keychain, or a person who is asked."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ..telemetry.redaction import SECRETS
from .keystore import check_private

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_SERVICE = "polydesk"
_RANDOM_BYTES = 32

Ask = Callable[[str], str]
"""Asks a person for a text without showing it; what is passed is the question."""


class Keychain:
    """The keychain of the operating system. Where there is none, or `keyring` is not installed, it holds nothing."""

    def __init__(self, backend: KeyringBackend | None = None) -> None:
        self._backend = backend if backend is not None else _system_keychain()

    @property
    def exists(self) -> bool:
        return self._backend is not None

    def get(self, address: str) -> str | None:
        """The passphrase of a key. Raises ConfigurationError when the keychain refuses to say."""
        if self._backend is None:
            return None
        from keyring.errors import KeyringError

        try:
            return self._backend.get_password(_SERVICE, address.lower())
        except KeyringError as error:
            raise ConfigurationError(f"The system's keychain does not answer: {error}") from error

    def put(self, address: str, passphrase: str) -> None:
        """Keep a passphrase. Raises ConfigurationError when it is not kept."""
        self.require()
        assert self._backend is not None
        from keyring.errors import KeyringError

        try:
            self._backend.set_password(_SERVICE, address.lower(), passphrase)
        except KeyringError as error:
            raise ConfigurationError(f"The system's keychain did not keep the passphrase: {error}") from error

    def require(self) -> None:
        """Raise ConfigurationError, which says what else there is, where there is no keychain."""
        if not self.exists:
            raise ConfigurationError(
                "This system has no keychain that can be used (pip install 'polydesk[keychain]' where it has one); "
                "name a file for the passphrase with --passphrase-file, or type one with --ask."
            )

    def forget(self, address: str) -> None:
        """Delete a passphrase if there is one."""
        if self._backend is None:
            return
        from keyring.errors import KeyringError, PasswordDeleteError

        try:
            self._backend.delete_password(_SERVICE, address.lower())
        except PasswordDeleteError:
            return
        except KeyringError as error:
            raise ConfigurationError(f"The system's keychain did not forget the passphrase: {error}") from error


def find_passphrase(address: str, *, file: Path | None, keychain: Keychain, ask: Ask | None) -> str:
    """The passphrase of a key: of the file if one is named, else of the keychain, else of whoever can be asked.

    Raises ConfigurationError, saying what to do, when nobody knows it.
    """
    if file is not None:
        return read_passphrase(file)
    passphrase = keychain.get(address)
    if passphrase is None:
        if ask is None:
            raise ConfigurationError(
                f"The key of {address} is encrypted and nobody here knows its passphrase. Put it into a file that only "
                "you may read and name that with POLYMARKET_KEY_PASSPHRASE_FILE, or run `polydesk keys import` again "
                "to keep it in the system's keychain."
            )
        passphrase = ask(f"Passphrase of {address}: ")
    SECRETS.learn(passphrase)
    return passphrase


def read_passphrase(file: Path) -> str:
    """The first line of a file that only its owner may read. Raises ConfigurationError."""
    check_private(file)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from error
    if not lines or not lines[0]:
        raise ConfigurationError(f"{file} holds no passphrase.")
    SECRETS.learn(lines[0])
    return lines[0]


def write_passphrase(file: Path, passphrase: str) -> None:
    """A new file that only its owner may read. Raises ConfigurationError, also when it exists."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(f"{passphrase}\n")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}.") from error


def random_passphrase() -> str:
    """256 bits that nobody needs to type."""
    passphrase = secrets.token_urlsafe(_RANDOM_BYTES)
    SECRETS.learn(passphrase)
    return passphrase


def _system_keychain() -> KeyringBackend | None:
    try:
        import keyring
        from keyring.backends import chainer, fail, null
    except ImportError:
        return None
    backend = keyring.get_keyring()
    if isinstance(backend, (fail.Keyring, null.Keyring)):
        return None
    if isinstance(backend, chainer.ChainerBackend) and not list(backend.backends):
        return None
    return backend
