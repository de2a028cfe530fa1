"""The real venue's time: what paper trading lives by, so that its tape and its books agree with our clock."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from ..clock import Clock
from ..errors import PolymarketAPIError
from ..polymarket.clob import CLOBClient

_TIMEOUT_S = 3.0
_NOTICED = timedelta(seconds=2)
"""The venue tells whole seconds, and the answer takes a while."""


class VenueTime:
    """`clock`, as far off as the venue's was when it was measured."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    async def measure(self, clob: CLOBClient) -> None:
        """Ask the venue once; without an answer our own clock has to do."""
        with suppress(PolymarketAPIError, TimeoutError):
            async with asyncio.timeout(_TIMEOUT_S):
                told = datetime.fromtimestamp(await clob.server_time(), UTC)
                ahead = told - self._clock.now()
                self._ahead = ahead if abs(ahead) > _NOTICED else timedelta(0)
