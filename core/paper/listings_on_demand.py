"""Has real markets listed on the exchange when somebody names them, with the terms that orders must respect."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from ..clock import Clock
from ..exchange.mirror import Mirror
from ..exchange.venue import Exchange
from ..identifiers import ConditionId, TokenId
from ..models import Market
from .absence import Absences
from .public_venue import PublicVenue
from .terms import event_head, recorded_market

_PER_REQUEST = 100
_UNKNOWN_S = 60.0
"""How long a token that the real venue does not know is not asked for again."""


class ListingsOnDemand:
    """Every method raises PolymarketAPIError when the real venue cannot be asked."""

    def __init__(
        self, real: PublicVenue, exchange: Exchange, mirror: Mirror, *, clock: Clock, absences: Absences
    ) -> None:
        self._real = real
        self._exchange = exchange
        self._mirror = mirror
        self._clock = clock
        self._absences = absences
        self._asking = asyncio.Lock()
        self._unknown: dict[str, datetime] = {}
        self._markets: dict[str, Market] = {}
        self._with_terms: set[str] = set()

    def __contains__(self, condition_id: str) -> bool:
        """Whether the real venue has told of this market since the desk began."""
        return condition_id in self._markets

    def of_tokens(self, token_ids: Iterable[str]) -> set[str]:
        """The markets, by condition id, of those tokens that are listed."""
        by_token = self._exchange.markets.by_token
        return {by_token[each].condition_id for each in token_ids if each in by_token}

    async def list_tokens(self, token_ids: Collection[str]) -> set[str]:
        """List the markets of these tokens and name them; one that the real venue does not know stays unlisted."""
        by_token = self._exchange.markets.by_token
        new = [TokenId(each) for each in token_ids if each not in by_token and self._may_exist(each)]
        if new:
            async with self._asking:
                for start in range(0, len(new), _PER_REQUEST):
                    for market in await self._real.markets_of_tokens(new[start : start + _PER_REQUEST]):
                        self.take(market)
            self._note_unknown(each for each in new if each not in by_token)
        return self.of_tokens(token_ids)

    async def list_conditions(self, condition_ids: Collection[str]) -> set[str]:
        """The same for markets by their condition ids."""
        by_condition = self._exchange.markets.by_condition
        new = [each for each in condition_ids if each not in by_condition and self._may_exist(each)]
        if new:
            await self._ask(new)
            self._note_unknown(each for each in new if each not in by_condition)
        return {each for each in condition_ids if each in by_condition}

    async def refresh(self, condition_ids: Iterable[str]) -> None:
        """Have the present terms of markets that are listed from a former run."""
        former = [each for each in condition_ids if each not in self]
        if former:
            await self._ask(former)

    async def take_terms(self, condition_ids: Collection[str], *, followed: Collection[str]) -> None:
        """Have the terms that the order book service sets for orders; until then the catalogue's hold.

        The stream tells of ticks of the markets that are `followed`.
        """
        for condition_id in condition_ids:
            market = self._markets.get(condition_id)
            if market is None or market.closed or condition_id in self._with_terms:
                continue
            terms = await self._real.clob.clob_market(market.condition_id)
            listing = self._exchange.markets.by_condition[condition_id]
            tick = listing.tick
            listing.take_terms(recorded_market(market, terms, at=self._clock.now()))
            if condition_id in followed:
                listing.tick = tick
            self._with_terms.add(condition_id)

    def take(self, market: Market) -> None:
        """List a market, or take over its present terms. Markets without two tokens cannot be traded anywhere."""
        if len(market.outcomes) != 2 or not all(outcome.token_id for outcome in market.outcomes):
            return
        if market.condition_id in self._markets:
            return  # somebody else has asked for it at the same time
        recorded = recorded_market(market, None, at=self._clock.now())
        known = self._exchange.markets.by_condition.get(market.condition_id)
        if known is not None:
            known.take_terms(recorded)
        self._absences.resume(self._mirror.follow(recorded, event_head(market)))
        self._markets[market.condition_id] = market

    async def _ask(self, condition_ids: Iterable[str]) -> None:
        names = [ConditionId(each) for each in condition_ids]
        async with self._asking:
            for start in range(0, len(names), _PER_REQUEST):
                for market in await self._real.markets(names[start : start + _PER_REQUEST]):
                    self.take(market)

    def _may_exist(self, name: str) -> bool:
        asked = self._unknown.get(name)
        return asked is None or self._clock.now() - asked > timedelta(seconds=_UNKNOWN_S)

    def _note_unknown(self, names: Iterable[str]) -> None:
        now = self._clock.now()
        limit = now - timedelta(seconds=_UNKNOWN_S)
        self._unknown = {name: asked for name, asked in self._unknown.items() if asked > limit}
        self._unknown.update(dict.fromkeys(names, now))
