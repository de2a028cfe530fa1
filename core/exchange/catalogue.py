"""The recorded markets, books and headlines that the sandbox begins with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib import resources
from typing import Any

CATALOGUE_FILE = "catalogue.json"


@dataclass(frozen=True, slots=True)
class RecordedMarket:
    """One market at the moment it was recorded.

    `gamma` is the market's object as the catalogue service sent it and `clob` the compact object of the order
    book service; both hold plain JSON values, so they can be served again as they are. Levels are
    (dollars per share, shares), best first, of the first outcome's token, and empty once the market is closed.
    `history` are (unix seconds, midpoint of the first outcome), oldest first.
    """

    gamma: Mapping[str, Any]
    event_id: str
    clob: Mapping[str, Any]
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    last_trade_price: Decimal | None
    history: tuple[tuple[int, Decimal], ...]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is bundled. The sandbox's clock begins at `starts_at`.

    `events` are catalogue objects without their markets, which point to them by `event_id`. A headline has
    `title`, `source`, `url` and `published` (ISO 8601, UTC).
    """

    starts_at: datetime
    events: tuple[Mapping[str, Any], ...]
    markets: tuple[RecordedMarket, ...]
    headlines: tuple[Mapping[str, str], ...]


def load_catalogue() -> Catalogue:
    """The bundled recordings. Their sources and licences are listed in NOTICE."""
    bundled = resources.files(__package__) / "recordings" / CATALOGUE_FILE
    return parse_catalogue(bundled.read_text(encoding="utf-8"))


def parse_catalogue(text: str) -> Catalogue:
    """A catalogue in the form of the bundled one. Raises KeyError, TypeError or ValueError for anything else."""
    document = json.loads(text)
    return Catalogue(
        starts_at=datetime.fromisoformat(document["starts_at"]),
        events=tuple(document["events"]),
        markets=tuple(_market(recorded) for recorded in document["markets"]),
        headlines=tuple(document["headlines"]),
    )


def _market(recorded: Mapping[str, Any]) -> RecordedMarket:
    last = recorded["last_trade_price"]
    return RecordedMarket(
        gamma=recorded["gamma"],
        event_id=recorded["event_id"],
        clob=recorded["clob"],
        bids=_levels(recorded["bids"]),
        asks=_levels(recorded["asks"]),
        last_trade_price=None if last is None else Decimal(last),
        history=tuple((at, Decimal(price)) for at, price in recorded["history"]),
        recorded_at=datetime.fromisoformat(recorded["recorded_at"]),
    )


def _levels(rows: Sequence[Sequence[str]]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((Decimal(price), Decimal(size)) for price, size in rows)
