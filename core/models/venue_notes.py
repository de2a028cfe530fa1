"""What a venue's numbers alone do not say, and whoever reads them must know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ..identifiers import ConditionId, OrderId, TradeId


@dataclass(frozen=True, slots=True)
class VenueNotes:
    """`stale` says since when the prices of a market have not been current. `while_away` are fills that happened while
    the desk did not follow the market; `void` are orders taken back because nobody can say whether they would have
    filled, with the reason. `not_comparable` says why results can no longer be compared with real trading.
    """

    stale: Mapping[ConditionId, datetime] = field(default_factory=dict)
    while_away: frozenset[TradeId] = frozenset()
    void: Mapping[OrderId, str] = field(default_factory=dict)
    not_comparable: tuple[str, ...] = ()


NO_NOTES = VenueNotes()
