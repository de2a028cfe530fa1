"""The open markets that news is held against: the most traded ones, read again when they are old."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..clock import Clock
from ..errors import PolymarketAPIError
from ..models import Market
from .market_index import MarketIndex

if TYPE_CHECKING:
    from ..polymarket.gamma import GammaClient

KEPT_FOR = timedelta(minutes=10)
EVENTS_A_PAGE = 100
MOST_PAGES = 20
"""Requests that one look may take, a fifth of what the desk sends in a minute."""


@dataclass(frozen=True, slots=True)
class OpenMarkets:
    """`complete` is False where there are more, or the catalogue stopped answering."""

    index: MarketIndex
    complete: bool
    as_of: datetime


class OpenMarketReader:
    """Keeps the open markets of the catalogue, those of the events with the most volume first."""

    def __init__(self, gamma: GammaClient, clock: Clock) -> None:
        self._gamma = gamma
        self._clock = clock
        self._kept: OpenMarkets | None = None
        self._reading = asyncio.Lock()

    async def read(self) -> OpenMarkets:
        """The markets as they were at most ten minutes ago; who comes while they are read waits for the same answer.

        Raises what the catalogue raises where it does not answer at all.
        """
        async with self._reading:
            now = self._clock.now()
            if self._kept is None or now - self._kept.as_of > KEPT_FOR:
                markets, complete = await self._markets()
                # Taking ten thousand questions apart takes a second, in which others are to be answered.
                index = await asyncio.to_thread(MarketIndex, markets)
                self._kept = OpenMarkets(index, complete, now)
            return self._kept

    async def _markets(self) -> tuple[list[Market], bool]:
        markets: list[Market] = []
        cursor = None
        for page_number in range(MOST_PAGES):
            try:
                page = await self._gamma.events(
                    limit=EVENTS_A_PAGE, after_cursor=cursor, closed=False, order="volume24hr", ascending=False
                )
            except PolymarketAPIError:
                if page_number == 0:
                    raise
                return markets, False  # what was read is the most traded part
            markets += [market for event in page.events for market in event.markets if market.tradable]
            cursor = page.next_cursor
            if not cursor:
                return markets, True
        return markets, False
