"""What a book of positions is exposed to: which holdings exclude each other, and what else could win."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..identifiers import ConditionId
from ..models import Event, Market, Position
from .simulation import Holding

FindMarket = Callable[[ConditionId], Awaitable[Market]]
FindEvent = Callable[[str], Awaitable[Event]]


@dataclass(frozen=True, slots=True)
class Exposure:
    """Holdings for a simulation, and per neg-risk event the probabilities of its markets in which nothing is held."""

    holdings: tuple[Holding, ...]
    other_outcomes: Mapping[str, tuple[Decimal, ...]]


async def exposure_of(positions: Sequence[Position], *, market: FindMarket, event: FindEvent) -> Exposure:
    """Look up what the positions' markets have to do with each other. Resolved and empty positions are left out."""
    open_positions = [position for position in positions if position.size > 0 and position.current_price is not None]
    markets = dict(
        zip(
            [position.condition_id for position in open_positions],
            await asyncio.gather(*(market(position.condition_id) for position in open_positions)),
            strict=True,
        )
    )
    live = [position for position in open_positions if not markets[position.condition_id].closed]
    slugs = {found.event_slug for found in (markets[each.condition_id] for each in live) if found.neg_risk}
    events = dict(zip(sorted(slugs), await asyncio.gather(*(event(slug) for slug in sorted(slugs))), strict=True))
    held = {position.condition_id for position in live}
    return Exposure(
        holdings=tuple(_holding(position, markets[position.condition_id]) for position in live),
        other_outcomes={
            slug: tuple(
                each.outcomes[0].price or Decimal(0)
                for each in found.markets
                if each.condition_id not in held and not each.closed
            )
            for slug, found in events.items()
        },
    )


def _holding(position: Position, market: Market) -> Holding:
    first = market.outcomes[0].token_id == position.token_id
    price = position.current_price or Decimal(0)
    return Holding(
        market=position.condition_id,
        probability=price if first else 1 - price,
        shares=position.size,
        cost=position.cost + position.fees,
        first_outcome=first,
        event=market.event_slug if market.neg_risk else "",
    )
