"""What is publicly known of traders: their ranks, and one wallet's positions and latest deeds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ..identifiers import Address
from ..models import Position, Standing

if TYPE_CHECKING:
    from ..polymarket.data_api import DataClient
    from ..polymarket.data_requests import LeaderboardOrder, LeaderboardPeriod
    from ..polymarket.wire.data_api import Activity, DataPage


@dataclass(frozen=True, slots=True)
class WalletRecord:
    """One wallet: its rank over a period, its open positions and their worth in dollars, what it did last first.

    `standing` is None for a wallet that is not ranked.
    """

    standing: Standing | None
    value: Decimal
    positions: Sequence[Position]
    activity: Sequence[Activity]


class TraderRecords:
    """Reads the venue's record of wallets; it may lag the market by up to five minutes."""

    def __init__(self, data: DataClient) -> None:
        self._data = data

    async def ranking(
        self, *, period: LeaderboardPeriod, order: LeaderboardOrder, limit: int, cursor: str | None
    ) -> DataPage[Standing]:
        """A page of the best traders of a period."""
        return await self._data.leaderboard(period=period, order=order, limit=limit, cursor=cursor)

    async def wallet(self, address: Address, *, period: LeaderboardPeriod, activities: int) -> WalletRecord:
        """What one wallet holds and did; empty for one that never traded."""
        standing, value, positions, activity = await asyncio.gather(
            self._data.standing(address, period=period),
            self._data.value(address),
            self._data.positions(address),
            self._data.activity(address, limit=activities),
        )
        return WalletRecord(standing, value, positions, activity.items)
