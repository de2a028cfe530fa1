"""What happened on the recorded venue, one moment at a time.

Prices are price units and sizes millionths of a share, both of the token that is named; times are unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..book import Side


@dataclass(frozen=True, slots=True)
class BookMoment:
    """A whole book: size by price."""

    at_ms: int
    condition_id: str
    token_id: str
    bids: Mapping[int, int]
    asks: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class LevelMoment:
    """Levels that have a new total: (token, side, price, size)."""

    at_ms: int
    condition_id: str
    rows: tuple[tuple[str, Side, int, int], ...]


@dataclass(frozen=True, slots=True)
class TradeMoment:
    """A trade as its taker saw it."""

    at_ms: int
    condition_id: str
    token_id: str
    side: Side
    price: int
    size: int
    transaction_hash: str


@dataclass(frozen=True, slots=True)
class TickMoment:
    at_ms: int
    condition_id: str
    tick: int


@dataclass(frozen=True, slots=True)
class ResolutionMoment:
    """The market was decided for a token, or for none: then both pay half a dollar."""

    at_ms: int
    condition_id: str
    winner: str | None


Moment = BookMoment | LevelMoment | TradeMoment | TickMoment | ResolutionMoment


@dataclass(frozen=True, slots=True)
class BlindStretch:
    """The recorder saw nothing of a market, `reason` says why, until its next book; None where none came."""

    condition_id: str
    since_ms: int
    until_ms: int | None
    reason: str
