"""The real venue as paper trading reads it: its public data, by the same clients that live trading uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..identifiers import ConditionId, TokenId
from ..models import Market
from ..polymarket.clob import CLOBClient
from ..polymarket.data_api import DataClient
from ..polymarket.environments import Environment
from ..polymarket.gamma import GammaClient
from ..polymarket.transport import Transport

_DECIDED = ("resolved", "settled")


@dataclass(frozen=True, slots=True)
class PublicVenue:
    """Clients that share a transport and have no key."""

    transport: Transport
    gamma: GammaClient
    clob: CLOBClient
    data: DataClient

    @property
    def environment(self) -> Environment:
        return self.transport.environment

    async def markets_of_tokens(self, token_ids: Sequence[TokenId]) -> tuple[Market, ...]:
        return (await self.gamma.markets(token_ids=token_ids)).markets

    async def markets(self, condition_ids: Sequence[ConditionId], *, fresh: bool = False) -> tuple[Market, ...]:
        return (await self.gamma.markets(condition_ids=condition_ids, fresh=fresh)).markets


@dataclass(frozen=True, slots=True)
class Decision:
    """How a market ended: the winning token, None when both outcomes pay half a dollar."""

    winner: TokenId | None


def decision_of(market: Market) -> Decision | None:
    """How the real market was decided; None as long as it is open, proposed or disputed."""
    if not market.closed or market.resolution.status not in _DECIDED:
        return None
    prices = [outcome.price for outcome in market.outcomes]
    if market.resolution.winner is not None:
        return Decision(market.outcomes[prices.index(Decimal(1))].token_id)
    return Decision(None) if all(price == Decimal("0.5") for price in prices) else None
