"""Takes the outcome of real markets over: what was decided there is decided here, a void pays half a dollar."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from types import TracebackType
from typing import Self

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..errors import PolymarketAPIError
from ..exchange.venue import Exchange
from ..identifiers import ConditionId
from ..models import Market
from .public_venue import PublicVenue, decision_of

_log = logging.getLogger(__name__)
_tell_failure = logs_failure(_log, "the outcomes of real markets are not taken over any more")

_PER_REQUEST = 100


class Resolutions:
    """Looks at the markets in which somebody has a stake, every `every_s` and whenever the stream calls one decided.

    An `async with` runs it. Proposed and disputed outcomes change nothing: the market only takes no more orders. Before
    a market ends here, `settle_missed` fills what the desk missed of it.
    """

    def __init__(
        self,
        real: PublicVenue,
        exchange: Exchange,
        *,
        clock: Clock,
        staked: Callable[[], set[str]],
        settle_missed: Callable[[Market], Awaitable[bool]],
        every_s: float = 60.0,
    ) -> None:
        self._real = real
        self._exchange = exchange
        self._clock = clock
        self._staked = staked
        self._settle_missed = settle_missed
        self._every_s = every_s
        self._called: set[str] = set()
        self._call = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch())
        self._watching.add_done_callback(_tell_failure)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watching is not None:
            await cancelled(self._watching)

    def called(self, condition_id: ConditionId) -> None:
        """The stream says that this market is decided: look at once."""
        self._called.add(condition_id)
        self._call.set()

    async def look(self, condition_ids: Collection[str]) -> None:
        """Ask the catalogue and take over what it says. Raises PolymarketAPIError."""
        wanted = [ConditionId(each) for each in condition_ids]
        for start in range(0, len(wanted), _PER_REQUEST):
            for market in await self._real.markets(wanted[start : start + _PER_REQUEST], fresh=True):
                listing = self._exchange.markets.by_condition[market.condition_id]
                if listing.closed:
                    continue
                listing.accepting_orders = market.accepting_orders and not market.closed
                decision = decision_of(market)
                if decision is not None and await self._settle_missed(market):
                    winner = None if decision.winner is None else listing.outcome_of(decision.winner)
                    self._exchange.resolve(listing.condition_id, winner)
                    self._called.discard(listing.condition_id)

    async def _watch(self) -> None:
        while True:
            try:
                await self.look(self._staked() | self._called)
            except PolymarketAPIError as error:
                _log.warning("outcomes of real markets cannot be read: %s", error)
            self._call.clear()
            pause = asyncio.create_task(self._clock.sleep(self._every_s))
            call = asyncio.create_task(self._call.wait())
            try:
                await asyncio.wait((pause, call), return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancelled(pause)
                await cancelled(call)
