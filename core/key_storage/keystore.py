"""Private keys in files of the standard Ethereum keystore (version 3, scrypt), one for each address."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..identifiers import Address
from ..telemetry.redaction import SECRETS
from .ethereum import account_type

_PRIVATE_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_FILE = re.compile(r"(0x[0-9a-fA-F]{40})\.json")
_STANDARD_COST = 2**18
"""scrypt's N: about a second and 256 MB for each try of a passphrase."""

_LARGEST_COSTS = {"n": 2**20, "r": 8, "p": 16, "c": 2**24, "dklen": 1024}
"""Of scrypt and of PBKDF2: some times what programs commonly write."""


class KeyStore:
    """The encrypted keys of a folder that only its owner may read. Nothing here ever writes a key in the clear.

    `cost` is scrypt's N, a power of two.
    """

    def __init__(self, folder: Path, *, cost: int = _STANDARD_COST) -> None:
        self._folder = folder
        self._cost = cost

    @property
    def folder(self) -> Path:
        return self._folder

    def addresses(self) -> tuple[Address, ...]:
        """The checksummed addresses of the keys, oldest file first."""
        if not self._folder.is_dir():
            return ()
        files = [file for file in self._folder.iterdir() if _FILE.fullmatch(file.name)]
        return tuple(
            Address(file.stem) for file in sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name))
        )

    def path_of(self, address: str) -> Path:
        """The file of a key. Raises ConfigurationError when there is none."""
        for known in self.addresses():
            if known.lower() == address.lower():
                return self._folder / f"{known}.json"
        listed = ", ".join(self.addresses()) or "none"
        raise ConfigurationError(f"There is no key of {address} in {self._folder}; there are: {listed}.")

    def add(self, private_key: str, passphrase: str) -> Address:
        """Encrypt a key of 64 hex digits and keep it; its address.

        Raises ConfigurationError, which never repeats the key, when it is none, or when it is kept already.
        """
        key = private_key.strip()
        if not _PRIVATE_KEY.fullmatch(key):
            raise ConfigurationError("That is not a private key: one has 64 hex digits. Nothing was kept.")
        SECRETS.learn_key(key)
        accounts = account_type()
        try:
            address = Address(accounts.from_key(key).address)
        except ValueError:
            raise ConfigurationError("That number cannot be a private key. Nothing was kept.") from None
        if address in self.addresses():
            raise ConfigurationError(f"The key of {address} is kept already, in {self.path_of(address)}.")
        self._write(
            address,
            accounts.encrypt(bytes.fromhex(key.removeprefix("0x")), passphrase, kdf="scrypt", iterations=self._cost),
        )
        return address

    def open(self, address: str, passphrase: str) -> str:
        """The key, as hex. Raises ConfigurationError for a wrong passphrase and for a file that cannot be used."""
        return decrypted(self.path_of(address), passphrase, expected=address)

    def remove(self, address: str) -> None:
        """Delete the file of a key. Raises ConfigurationError when there is none."""
        self.path_of(address).unlink()

    def _write(self, address: Address, content: dict[str, Any]) -> None:
        file = self._folder / f"{address}.json"
        partial = file.with_suffix(f".{secrets.token_hex(4)}.partial")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                json.dump(content, opened)
                opened.flush()
                os.fsync(opened.fileno())
            partial.replace(file)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise ConfigurationError(f"The key cannot be kept in {self._folder}: {error.strerror}.") from error


def decrypted(file: Path, passphrase: str, *, expected: str | None = None) -> str:
    """The private key in a keystore file of any program, as hex without prefix.

    Raises ConfigurationError for a wrong passphrase, a file that others may read, one that is no keystore, and one
    that holds another key than that of the `expected` address.
    """
    check_private(file)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        _check_cost(content)
        key = bytes(account_type().decrypt(content, passphrase))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        if "MAC mismatch" in str(error):
            raise ConfigurationError(f"The passphrase does not open {file}.") from None
        raise ConfigurationError(f"{file} is not a keystore file of version 3.") from None
    except (KeyError, TypeError, AttributeError, NotImplementedError, MemoryError, RecursionError, OverflowError):
        raise ConfigurationError(f"{file} is not a keystore file of version 3.") from None
    SECRETS.learn_key(key.hex())
    address = account_type().from_key(key).address
    if expected is not None and address.lower() != expected.lower():
        raise ConfigurationError(f"{file} holds the key of {address}, not of {expected}.")
    return key.hex()


def _check_cost(content: Any) -> None:
    """Raise ValueError for parameters with which a try would take hours or all memory, which no program writes."""
    given = {name.lower(): part for name, part in content.items()}["crypto"]["kdfparams"]
    if any(given.get(name, 0) > most for name, most in _LARGEST_COSTS.items()):
        raise ValueError("the key derivation is too costly")


def check_private(file: Path) -> None:
    """Raise ConfigurationError for a file that anybody but its owner may read or write."""
    try:
        mode = file.stat().st_mode
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise ConfigurationError(f"{file} is open to other users of this machine; run: chmod 600 {file}")
