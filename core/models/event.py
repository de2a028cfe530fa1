"""A group of markets on one subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..identifiers import EventId, Slug
from .market import Market


@dataclass(frozen=True, slots=True)
class Event:
    """`neg_risk` means that at most one of the markets resolves Yes. Volume and liquidity are dollars."""

    id: EventId
    slug: Slug
    title: str
    description: str
    neg_risk: bool
    active: bool
    closed: bool
    end_date: datetime | None
    volume: Decimal
    liquidity: Decimal
    tags: tuple[str, ...]
    markets: tuple[Market, ...]
