"""The liquidity programme: which resting orders score, what a market pays for them, and what an account earned."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from decimal import Decimal

from ..identifiers import ConditionId, OrderId
from . import reward_requests as requests
from .authorised import AuthorisedClient
from .paging import Page, all_items
from .wire.rewards import RewardEarning, RewardProgramme


class RewardsClient(AuthorisedClient):
    """Rewards for resting orders. Programmes are public; scores and earnings need credentials."""

    async def order_scoring(self, order_id: OrderId) -> bool:
        """Whether one of our resting orders earns at this moment."""
        return await self._authorised(requests.order_scoring_spec(order_id))

    async def orders_scoring(self, order_ids: Sequence[OrderId]) -> dict[OrderId, bool]:
        """Whether each of our orders earns at this moment; unknown orders may be missing."""
        if not order_ids:
            return {}
        return await self._authorised(requests.orders_scoring_spec(list(dict.fromkeys(order_ids))))

    def reward_programmes(self) -> AsyncIterator[RewardProgramme]:
        """Every market that pays for resting orders today, fetching each page when it is reached."""

        async def page(cursor: str | None) -> Page[RewardProgramme]:
            return await self._transport.call(requests.reward_programmes_spec(cursor))

        return all_items(page)

    async def reward_programme(self, condition_id: ConditionId) -> RewardProgramme | None:
        """What one market pays and asks for; None when it pays nothing."""
        return await self._transport.call(requests.reward_programme_spec(condition_id))

    async def reward_shares(self) -> dict[ConditionId, Decimal]:
        """Percent of each market's rewards that our resting orders earn at this moment."""
        return await self._authorised(requests.reward_shares_spec(signature_type=int(self._signature_type)))

    async def reward_earnings(self, day: date) -> tuple[RewardEarning, ...]:
        """What we earned on a day (UTC), by market, from all pages."""

        async def page(cursor: str | None) -> Page[RewardEarning]:
            return await self._authorised(
                requests.reward_earnings_spec(day, signature_type=int(self._signature_type), cursor=cursor)
            )

        return tuple([earning async for earning in all_items(page)])

    async def reward_totals(self, day: date) -> tuple[RewardEarning, ...]:
        """What we earned on a day (UTC) over all markets, by asset."""
        return await self._authorised(requests.reward_totals_spec(day, signature_type=int(self._signature_type)))
