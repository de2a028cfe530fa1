"""Where the profit of a run came from, exactly: every dollar has one cause, and their sum is what the ledger says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..identifiers import ConditionId, TokenId
from .fills import Fill

_NOTHING = Decimal(0)

Worth = Callable[[TokenId], Decimal]
"""Dollars of a share of an outcome."""


@dataclass(frozen=True, slots=True)
class Profit:
    """Dollars by cause; `total` is their sum.

    `prices` is what holdings gained or lost as midpoints moved, up to the last one before a market's end; `resolution`
    is what its payout was worth more or less than that. `spread` is earned by resting orders and paid by those that
    take, against the midpoint of their moment; `fees` are paid (negative), `rewards` are the venue's for resting.
    """

    total: Decimal
    prices: Decimal
    spread: Decimal
    fees: Decimal
    resolution: Decimal
    rewards: Decimal


def profit_of(fills: Sequence[Fill], *, last_midpoint: Worth, worth: Worth, rewards: Decimal) -> Profit:
    """The causes of what fills have brought. `last_midpoint` is that before a market's end, `worth` that of now."""
    held: defaultdict[TokenId, Decimal] = defaultdict(Decimal)
    spread = fees = at_midpoints = _NOTHING
    for fill in fills:
        held[fill.trade.token_id] += fill.bought
        at_midpoints += fill.bought * fill.midpoint
        spread += fill.spread
        fees -= fill.fee
    before_the_end = sum((shares * last_midpoint(token) for token, shares in held.items()), _NOTHING)
    at_the_end = sum((shares * worth(token) for token, shares in held.items()), _NOTHING)
    prices, resolution = before_the_end - at_midpoints, at_the_end - before_the_end
    return Profit(prices + spread + fees + resolution + rewards, prices, spread, fees, resolution, rewards)


def profit_by_market(fills: Sequence[Fill], *, worth: Worth) -> Mapping[ConditionId, Decimal]:
    """What the fills of each market have brought, with what is held at what it is `worth` now; without rewards."""
    found: defaultdict[ConditionId, Decimal] = defaultdict(Decimal)
    for fill in fills:
        found[fill.trade.market_id] += fill.brought + fill.bought * worth(fill.trade.token_id)
    return found
