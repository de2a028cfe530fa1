"""What the public record says of wallets."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ..identifiers import Address, TokenId


@dataclass(frozen=True, slots=True)
class Holder:
    """Shares of one outcome in one wallet."""

    user: Address
    token_id: TokenId
    shares: Decimal
    outcome_index: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A trader's rank over a period. `profit` in dollars, `volume` in shares; a rank is None where there is none."""

    user: str
    name: str
    rank: int | None
    volume_rank: int | None
    profit: Decimal
    volume: Decimal
