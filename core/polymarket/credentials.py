"""The API key that authenticates reads and orders of one account."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ApiCredentials:
    """`key` is public to the venue's records (it is an order's `owner`); `secret` and `passphrase` never show."""

    key: str
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
