"""API credentials: made from an attested address, checked on every private request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Credential:
    """One API key and what proves its possession. `address` is checksummed."""

    api_key: str
    secret: str
    passphrase: str
    address: str
    nonce: int


class CredentialStore:
    """The keys of one exchange.

    They follow from the exchange's secret, the address, the nonce, and how often that pair's key was deleted: a
    deleted key never comes back, and a restarted exchange gives the same keys again.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._by_key: dict[str, Credential] = {}
        self._by_origin: dict[tuple[str, int], Credential] = {}
        self._deletions: dict[tuple[str, int], int] = {}
        self._readonly: dict[str, list[str]] = {}
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
        return made

    def derive(self, address: str, nonce: int) -> Credential | None:
        """The key that the pair has, None when it was never made or was deleted."""
        return self._by_origin.get((address, nonce))

    def find(self, api_key: str) -> Credential | None:
        return self._by_key.get(api_key)

    def of(self, address: str) -> list[Credential]:
        return [made for made in self._by_origin.values() if made.address == address]

    def delete(self, credential: Credential) -> None:
        origin = (credential.address, credential.nonce)
        del self._by_key[credential.api_key]
        del self._by_origin[origin]
        self._deletions[origin] = self._deletions.get(origin, 0) + 1

    def create_readonly(self, address: str) -> str:
        """The id of one more key that reads what the address has."""
        self._readonly_made += 1
        seed = hmac.new(self._secret, f"{address}:readonly:{self._readonly_made}".encode(), hashlib.sha512).digest()
        made = str(uuid.UUID(bytes=seed[:16], version=4))
        self._readonly.setdefault(address, []).append(made)
        return made

    def readonly_of(self, address: str) -> list[str]:
        return list(self._readonly.get(address, []))

    def delete_readonly(self, address: str, key: str) -> bool:
        """False when the address has no such key."""
        known = self._readonly.get(address, [])
        if key not in known:
            return False
        known.remove(key)
        return True
