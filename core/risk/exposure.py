"""What a book of shares is exposed to: which holdings exclude each other, what else could win, and until when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from ..errors import InputRejected
from ..identifiers import ConditionId, TokenId
from ..models import Event, Market, Position
from .dependence import Holding

FindMarket = Callable[[ConditionId], Awaitable[Market]]
FindEvent = Callable[[str], Awaitable[Event]]

ASSUMED_DAYS = 30.0
"""Days to resolution of a market that has no end date, or has passed it."""


@dataclass(frozen=True, slots=True)
class HeldShares:
    """Shares of one outcome, the dollars paid for them with fees, and the outcome's price (None where it has none)."""

    condition_id: ConditionId
    token_id: TokenId
    shares: Decimal
    cost: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Exposure:
    """Holdings for a simulation, the markets they are in, and per neg-risk event the probabilities of its markets in
    which nothing is held."""

    holdings: tuple[Holding, ...]
    markets: Mapping[ConditionId, Market]
    other_outcomes: Mapping[str, tuple[Decimal, ...]]

    def days_to_resolution(self, now: datetime) -> dict[str, float]:
        """By name of event: until the last of its held markets ends, or ASSUMED_DAYS."""
        days: dict[str, float] = {}
        for holding in self.holdings:
            end = self.markets[holding.market].end_date
            left = (end - now).total_seconds() / 86_400 if end else 0.0
            name = holding.event_name
            days[name] = max(days.get(name, 0.0), left if left > 0 else ASSUMED_DAYS)
        return days

    def undated(self, now: datetime) -> tuple[str, ...]:
        """Slugs of the markets whose end is not known or has passed."""
        ends = [(market.slug, market.end_date) for market in self.markets.values()]
        return tuple(slug for slug, end in ends if end is None or end <= now)


def held_by(positions: Iterable[Position]) -> tuple[HeldShares, ...]:
    """The positions that are worth something or may be."""
    return tuple(
        HeldShares(each.condition_id, each.token_id, each.size, each.cost + each.fees, each.current_price)
        for each in positions
        if each.size > 0 and each.current_price is not None
    )


def with_order(held: Sequence[HeldShares], order: HeldShares) -> tuple[HeldShares, ...]:
    """The book after an order: shares above 0 are bought, below 0 sold, and `cost` is what that takes or brings.

    Raises InputRejected for a sale of more than is held.
    """
    kept, rest = [], order
    for each in held:
        if each.token_id == order.token_id:
            rest = replace(rest, shares=rest.shares + each.shares, cost=rest.cost + each.cost)
        else:
            kept.append(each)
    if rest.shares < 0:
        raise InputRejected(
            f"{-order.shares} shares cannot be sold: {rest.shares - order.shares} are held.",
            code="invalid_arguments",
            fix="sell at most what is held, or buy the other outcome",
        )
    return (*kept, rest)


async def exposure_of(
    held: Sequence[HeldShares],
    *,
    market: FindMarket,
    event: FindEvent,
    decided: Mapping[ConditionId, bool] | None = None,
) -> Exposure:
    """Look up what the markets have to do with each other. Shares of resolved markets are left out.

    `decided` says of markets whether their first outcome is taken to have happened. A market has one probability, that
    of the first of its shares here, or its catalogue price where that has none.
    """
    decided = decided or {}
    ids = list(dict.fromkeys(each.condition_id for each in held))
    markets = dict(zip(ids, await asyncio.gather(*(market(each) for each in ids)), strict=True))
    live = [each for each in held if not markets[each.condition_id].closed]
    slugs = sorted({found.event_slug for found in (markets[each.condition_id] for each in live) if found.neg_risk})
    events = dict(zip(slugs, await asyncio.gather(*(event(slug) for slug in slugs)), strict=True))
    happened = _winners(events.values(), decided)
    chances: dict[ConditionId, Decimal] = {}
    for each in live:
        known = _decided(markets[each.condition_id], decided, happened)
        chances.setdefault(each.condition_id, known if known is not None else _first(each, markets[each.condition_id]))
    return Exposure(
        holdings=tuple(_holding(each, markets[each.condition_id], chances[each.condition_id]) for each in live),
        markets={condition_id: markets[condition_id] for condition_id in chances},
        other_outcomes={
            slug: tuple(
                known
                if (known := _decided(each, decided, happened)) is not None
                else each.outcomes[0].price or Decimal(0)
                for each in found.markets
                if each.condition_id not in chances and not each.closed
            )
            for slug, found in events.items()
        },
    )


def _winners(events: Iterable[Event], decided: Mapping[ConditionId, bool]) -> dict[str, ConditionId]:
    """The market taken to have won its event, by event."""
    return {
        str(event.slug): market.condition_id
        for event in events
        for market in event.markets
        if decided.get(market.condition_id)
    }


def _decided(market: Market, decided: Mapping[ConditionId, bool], winners: Mapping[str, ConditionId]) -> Decimal | None:
    if market.condition_id in decided:
        return Decimal(int(decided[market.condition_id]))
    if market.neg_risk and market.event_slug in winners:
        return Decimal(0)
    return None


def _first(held: HeldShares, market: Market) -> Decimal:
    """Probability of the market's first outcome."""
    if held.price is None:
        return market.outcomes[0].price or Decimal(0)
    return held.price if market.outcomes[0].token_id == held.token_id else 1 - held.price


def _holding(held: HeldShares, market: Market, probability: Decimal) -> Holding:
    return Holding(
        market=held.condition_id,
        probability=probability,
        shares=held.shares,
        cost=held.cost,
        first_outcome=market.outcomes[0].token_id == held.token_id,
        event=market.event_slug if market.neg_risk else "",
    )
