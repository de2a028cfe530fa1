"""The API key that authenticates reads and orders of one account."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..telemetry.redaction import SECRETS


@dataclass(frozen=True, slots=True)
class ApiCredentials:
    """`key` is public to the venue's records (it is an order's `owner`); `secret` and `passphrase` never show.

    An address has one key for each `nonce`.
    """

    key: str
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    nonce: int = 0

    def __post_init__(self) -> None:
        SECRETS.learn(self.secret, self.passphrase)
