"""Builders: programs that send orders of others under a code of theirs, and the keys they sign with."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Protocol

from .ledger_schema import BUILDER_CODES, BUILDER_KEYS
from .records import Records
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
    """The builders of one exchange: keys by address, and the codes that orders carried. `draw` makes key material.

    Both last as long as `records` do; what is stored of a key is whose it is, as its material can be drawn again.
    """

    def __init__(self, draw: _KeySource, records: Records) -> None:
        self._draw = draw
        self._records = records
        self._keys: dict[str, BuilderKey] = {}
        for _, address, created_at_ms, revoked_at_ms in records.stored(BUILDER_KEYS):
            self._add(address, created_at_ms).revoked_at_ms = revoked_at_ms
        self._codes: dict[str, str] = dict(records.stored(BUILDER_CODES))

    def attribute(self, order_id: str, code: bytes) -> None:
        """Remember the code that an order was signed with; the zero code stands for none."""
        if code != NO_BUILDER:
            self._codes[order_id] = "0x" + code.hex()
            self._records.keep(BUILDER_CODES, (order_id, self._codes[order_id]))

    def code_of(self, order_id: str) -> str | None:
        return self._codes.get(order_id)

    def create_key(self, address: str, now_ms: int) -> BuilderKey:
        made = self._add(address, now_ms)
        self._keep(made)
        return made

    def revoke(self, key: BuilderKey, now_ms: int) -> None:
        key.revoked_at_ms = now_ms
        self._keep(key)

    def _add(self, address: str, at_ms: int) -> BuilderKey:
        key, secret, passphrase = self._draw(f"{address} builder {len(self._keys)}")
        made = self._keys[key] = BuilderKey(key, secret, passphrase, address, at_ms)
        return made

    def _keep(self, key: BuilderKey) -> None:
        self._records.keep(BUILDER_KEYS, (key.key, key.address, key.created_at_ms, key.revoked_at_ms))

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
