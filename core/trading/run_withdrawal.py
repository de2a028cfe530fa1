"""Takes back what a strategy's run has resting at the venue, for as long as that takes."""

from __future__ import annotations

import logging

from ..clock import Clock
from ..errors import PolymarketAPIError
from ..identifiers import ConditionId
from .desk import TradingDesk
from .order_states import UNDER_WAY

_log = logging.getLogger(__name__)

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0


async def take_back(desk: TradingDesk, prefix: str, market_id: ConditionId | None = None) -> int:
    """Cancel what rests of the orders whose tokens begin with `prefix`, in one market or in all; answers how many.

    Raises VenueUnavailable and OutcomeUnknown of the reads and of the cancel.
    """
    open_orders, _ = await desk.refresh()
    own = desk.journal.order_ids_of_tokens(prefix)
    unwanted = [each.id for each in open_orders if each.id in own and market_id in (None, each.condition_id)]
    return len((await desk.cancels.of(unwanted)).result.canceled) if unwanted else 0


def may_trade(desk: TradingDesk, prefix: str) -> bool:
    """Whether any of these orders rests, is on its way, or is not known to have ended."""
    under_way = desk.journal.in_state(*UNDER_WAY)
    return any((each.client_token or "").startswith(prefix) for each in under_way)


async def take_all_back(desk: TradingDesk, prefix: str, clock: Clock) -> None:
    """Take orders back until none of them can trade any more, over any failure of the venue."""
    wait_s, told = _FIRST_WAIT_S, False
    while True:
        try:
            await take_back(desk, prefix)
            if not may_trade(desk, prefix):
                return
        except PolymarketAPIError as error:
            if not told:
                _log.error("orders of %s may still rest and are asked back again: %s", prefix, error.message)
            told = True
        await clock.sleep(wait_s)
        wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
