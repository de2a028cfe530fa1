"""API credentials: made from an attested address, checked on every private request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Credential:
    """One API key and what proves its possession. `address` is checksummed."""

    api_key: str
    secret: str
    passphrase: str
    address: str
    nonce: int


@dataclass(frozen=True, slots=True)
class Origin:
    """What a key follows from: its address, its nonce, and how often the pair's key was deleted before."""

    address: str
    nonce: int
    deletions: int
    active: bool


class CredentialStore:
    """The keys of one exchange.

    They follow from the exchange's secret, the address, the nonce, and how often that pair's key was deleted: a
    deleted key never comes back, and a restarted exchange gives the same keys again.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._by_key: dict[str, Credential] = {}
        self._by_origin: dict[tuple[str, int], Credential] = {}
        self._of: dict[str, dict[int, Credential]] = {}
        self._deletions: dict[tuple[str, int], int] = {}
        self._readonly: dict[str, dict[str, int]] = {}
        self._readonly_made = 0

    def create(self, address: str, nonce: int) -> Credential | None:
        """A new key, None when the pair has one already."""
        if (address, nonce) in self._by_origin:
            return None
        generation = self._deletions.get((address, nonce), 0)
        seed = hmac.new(self._secret, f"{address}:{nonce}:{generation}".encode(), hashlib.sha512).digest()
        made = Credential(
            api_key=str(uuid.UUID(bytes=seed[:16], version=4)),
            secret=base64.urlsafe_b64encode(seed[16:48]).decode(),
            passphrase=hashlib.sha256(seed[48:]).hexdigest(),
            address=address,
            nonce=nonce,
        )
        self._by_key[made.api_key] = self._by_origin[(address, nonce)] = made
        self._of.setdefault(address, {})[nonce] = made
        return made

    def derive(self, address: str, nonce: int) -> Credential | None:
        """The key that the pair has, None when it was never made or was deleted."""
        return self._by_origin.get((address, nonce))

    def find(self, api_key: str) -> Credential | None:
        return self._by_key.get(api_key)

    def of(self, address: str) -> list[Credential]:
        return list(self._of.get(address, {}).values())

    def delete(self, credential: Credential) -> None:
        origin = (credential.address, credential.nonce)
        del self._by_key[credential.api_key]
        del self._by_origin[origin]
        del self._of[credential.address][credential.nonce]
        self._deletions[origin] = self._deletions.get(origin, 0) + 1

    def draw(self, purpose: str) -> tuple[str, str, str]:
        """(id, secret, passphrase) for another kind of key, which follow from the exchange's secret and `purpose`."""
        seed = hmac.new(self._secret, purpose.encode(), hashlib.sha512).digest()
        secret = base64.urlsafe_b64encode(seed[16:48]).decode()
        return str(uuid.UUID(bytes=seed[:16], version=4)), secret, hashlib.sha256(seed[48:]).hexdigest()

    def create_readonly(self, address: str) -> str:
        """The id of one more key that reads what the address has."""
        self._readonly_made += 1
        made = self._readonly_key(address, self._readonly_made)
        self._readonly.setdefault(address, {})[made] = self._readonly_made
        return made

    def readonly_of(self, address: str) -> list[str]:
        return list(self._readonly.get(address, {}))

    def delete_readonly(self, address: str, key: str) -> bool:
        """False when the address has no such key."""
        return self._readonly.get(address, {}).pop(key, None) is not None

    def origins(self) -> list[Origin]:
        """What the keys follow from, those that were deleted included."""
        pairs = dict.fromkeys([*self._deletions, *self._by_origin])
        return [Origin(*pair, self._deletions.get(pair, 0), pair in self._by_origin) for pair in pairs]

    def readonly_origins(self) -> list[tuple[str, int]]:
        """(address, ordinal) of the keys that only read."""
        return [(address, ordinal) for address, keys in self._readonly.items() for ordinal in keys.values()]

    def restore(self, origins: Iterable[Origin], readonly: Iterable[tuple[str, int]], *, readonly_made: int) -> None:
        """Bring the keys of a former run back. `readonly_made` counts those that were ever made."""
        for origin in origins:
            if origin.deletions:
                self._deletions[(origin.address, origin.nonce)] = origin.deletions
            if origin.active:
                self.create(origin.address, origin.nonce)
        for address, ordinal in readonly:
            self._readonly.setdefault(address, {})[self._readonly_key(address, ordinal)] = ordinal
        self._readonly_made = readonly_made

    @property
    def readonly_made(self) -> int:
        """How many keys that only read were ever made."""
        return self._readonly_made

    def _readonly_key(self, address: str, ordinal: int) -> str:
        seed = hmac.new(self._secret, f"{address}:readonly:{ordinal}".encode(), hashlib.sha512).digest()
        return str(uuid.UUID(bytes=seed[:16], version=4))
