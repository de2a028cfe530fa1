"""What is publicly known of a market beyond its prices: its holders, the money in it, what resting orders earn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ..identifiers import ConditionId, OrderId, TokenId
from ..models import Holder, Market

if TYPE_CHECKING:
    from ..polymarket.clob import CLOBClient
    from ..polymarket.data_api import DataClient
    from ..polymarket.wire.rewards import RewardProgramme


@dataclass(frozen=True, slots=True)
class MarketStatistics:
    """`open_interest` in dollars, None where the venue keeps none; `holders` of each outcome, the largest first.

    `rewards` is what the liquidity programme pays for resting orders and asks of them, None where it pays nothing;
    `reward_share` the percent of it that our own orders earn at this moment.
    """

    open_interest: Decimal | None
    holders: Mapping[TokenId, Sequence[Holder]]
    rewards: RewardProgramme | None
    reward_share: Decimal | None


class MarketRecords:
    """Reads statistics of markets; `own` is the client of the account that trades, where there is one."""

    def __init__(self, clob: CLOBClient, data: DataClient, *, own: CLOBClient | None) -> None:
        self._clob = clob
        self._data = data
        self._own = own

    async def statistics(self, markets: Sequence[Market], *, holders: int) -> dict[ConditionId, MarketStatistics]:
        """Statistics of up to 20 markets, with the `holders` largest of each outcome."""
        conditions = [market.condition_id for market in markets]
        if not conditions:
            return {}
        interest, largest, shares, programmes = await asyncio.gather(
            self._data.open_interest(conditions),
            self._data.holders(conditions, limit=holders),
            self._shares(),
            asyncio.gather(*(self._clob.reward_programme(each) for each in conditions)),
        )
        return {
            market.condition_id: MarketStatistics(
                open_interest=interest.get(market.condition_id),
                holders={each.token_id: largest.get(each.token_id, ())[:holders] for each in market.outcomes},
                rewards=programme,
                reward_share=shares.get(market.condition_id),
            )
            for market, programme in zip(markets, programmes, strict=True)
        }

    async def scoring(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, bool]:
        """Whether each of our resting orders earns rewards at this moment; those the venue leaves out are missing."""
        return await self._own.orders_scoring(order_ids) if self._own else {}

    async def _shares(self) -> Mapping[ConditionId, Decimal]:
        return await self._own.reward_shares() if self._own else {}
