"""Builders: programs that send orders of others under a code of theirs, and the keys they sign with."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Protocol

from .signatures import l2_signature

NO_BUILDER = bytes(32)


@dataclass(slots=True)
class BuilderKey:
    """`revoked_at_ms` is None while the key may be used."""

    key: str
    secret: str
    passphrase: str
    address: str
    created_at_ms: int
    revoked_at_ms: int | None = None


class _KeySource(Protocol):
    def __call__(self, purpose: str) -> tuple[str, str, str]: ...


class Builders:
    """The builders of one exchange: keys by address, and the codes that orders carried. `draw` makes key material."""

    def __init__(self, draw: _KeySource) -> None:
        self._draw = draw
        self._keys: dict[str, BuilderKey] = {}
        self._codes: dict[str, str] = {}

    def attribute(self, order_id: str, code: bytes) -> None:
        """Remember the code that an order was signed with; the zero code stands for none."""
        if code != NO_BUILDER:
            self._codes[order_id] = "0x" + code.hex()

    def code_of(self, order_id: str) -> str | None:
        return self._codes.get(order_id)

    def create_key(self, address: str, now_ms: int) -> BuilderKey:
        key, secret, passphrase = self._draw(f"{address} builder {len(self._keys)}")
        made = BuilderKey(key, secret, passphrase, address, now_ms)
        self._keys[made.key] = made
        return made

    def keys_of(self, address: str) -> list[BuilderKey]:
        """Oldest first, revoked ones too."""
        return [key for key in self._keys.values() if key.address == address]

    def proven(self, headers: dict[str, str], *, method: str, path: str, body: bytes) -> BuilderKey | None:
        """The key whose HMAC the POLY_BUILDER_* headers (lower case) carry, None for a wrong or revoked one."""
        key = self._keys.get(headers.get("poly_builder_api_key", ""))
        if key is None or key.revoked_at_ms is not None:
            return None
        expected = l2_signature(
            key.secret, timestamp=headers.get("poly_builder_timestamp", ""), method=method, path=path, body=body
        )
        given = f"{headers.get('poly_builder_signature', '')} {headers.get('poly_builder_passphrase', '')}"
        return key if hmac.compare_digest(given.encode(), f"{expected} {key.passphrase}".encode()) else None
