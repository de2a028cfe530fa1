"""The most that holdings and open orders can lose, whatever happens, by market, by event and in all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..identifiers import ConditionId, TokenId


@dataclass(frozen=True, slots=True)
class Claim:
    """Shares of one outcome and the dollars, with fees, that they cost or may cost; both negative for an open sale.

    `event` names a neg-risk event, of whose markets at most one ends in its first outcome; "" for a market that stands
    alone. `first_outcome` matters there only. `held` shares are there whatever happens; the others are those of an
    open order, which may or may not fill.
    """

    condition_id: ConditionId
    token_id: TokenId
    event: str
    first_outcome: bool
    shares: Decimal
    cost: Decimal
    held: bool


@dataclass(frozen=True, slots=True)
class WorstCase:
    """Dollars that can be lost at most in one market, in its event, and in everything together."""

    market: Decimal
    event: Decimal
    total: Decimal


def worst_case(claims: Sequence[Claim], *, condition_id: ConditionId, event: str) -> WorstCase:
    """The worst case with all `claims`, of the market and the event named and of everything.

    Claims on one market exclude each other, and so do those on the markets of one neg-risk event; different markets
    and events may all end badly at once.
    """
    losses = worst_by_event(claims)
    return WorstCase(
        market=_worst_of_group([claim for claim in claims if claim.condition_id == condition_id]),
        event=losses.get(event or condition_id, Decimal(0)),
        total=sum(losses.values(), Decimal(0)),
    )


def worst_by_event(claims: Iterable[Claim]) -> dict[str, Decimal]:
    """Dollars that can be lost at most, by neg-risk event; by condition id of markets that stand alone."""
    groups: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        groups[claim.event or claim.condition_id].append(claim)
    return {name: _worst_of_group(group) for name, group in groups.items()}


def worst_by_market(claims: Iterable[Claim]) -> dict[ConditionId, Decimal]:
    """Dollars that can be lost at most in each market, whatever the others of its event bring."""
    groups: defaultdict[ConditionId, list[Claim]] = defaultdict(list)
    for claim in claims:
        groups[claim.condition_id].append(claim)
    return {condition_id: _worst_of_group(group) for condition_id, group in groups.items()}


def _worst_of_group(claims: Sequence[Claim]) -> Decimal:
    if not claims:
        return Decimal(0)
    exclusive = bool(claims[0].event)
    endings = _event_endings(claims) if exclusive else _market_endings(claims)
    return max(Decimal(0), *(_loss(claims, winners) for winners in endings))


def _market_endings(claims: Iterable[Claim]) -> list[frozenset[TokenId]]:
    """One outcome of the market pays, perhaps one of which there is no claim."""
    tokens = {claim.token_id for claim in claims}
    endings = [frozenset({token}) for token in tokens]
    return endings if len(tokens) > 1 else [*endings, frozenset()]


def _event_endings(claims: Iterable[Claim]) -> list[frozenset[TokenId]]:
    """The first outcome of at most one market pays, and of every other market the second."""
    markets: defaultdict[ConditionId, dict[bool, TokenId]] = defaultdict(dict)
    for claim in claims:
        markets[claim.condition_id][claim.first_outcome] = claim.token_id
    return [
        frozenset(
            token
            for condition_id, tokens in markets.items()
            if (token := tokens.get(condition_id == winner)) is not None
        )
        for winner in (None, *markets)
    ]


def _loss(claims: Iterable[Claim], winners: frozenset[TokenId]) -> Decimal:
    """Dollars lost when just `winners` pay a dollar a share. An open order fills only where that makes it worse."""
    loss = Decimal(0)
    for claim in claims:
        its = claim.cost - (claim.shares if claim.token_id in winners else Decimal(0))
        loss += its if claim.held else max(its, Decimal(0))
    return loss
