"""Notices fills that have settled, so that the venue's cached balances are read anew before the next order."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from ..errors import PolymarketAPIError
from ..identifiers import OrderId, TokenId, TradeId
from ..models import Trade, TradeStatus
from ..venues.venue import Venue

_DELIVERED = (TradeStatus.MINED, TradeStatus.CONFIRMED, TradeStatus.FAILED)


class SettledFills:
    """Fills already known as settled; the first look only learns them."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._known: set[tuple[TradeId, OrderId]] | None = None

    async def note(self, trades: Iterable[Trade]) -> None:
        """Ask the venue to refresh the balances of what has settled since the last look.

        A refresh that fails costs nothing but a balance that is a little old.
        """
        settled = {(trade.id, trade.order_id): trade.token_id for trade in trades if trade.status in _DELIVERED}
        if self._known is None:
            self._known = set(settled)
            return
        fresh = settled.keys() - self._known
        self._known |= fresh
        tokens: set[TokenId | None] = {settled[each] for each in fresh}
        for token_id in sorted(tokens, key=str) + ([None] if tokens else []):
            with suppress(PolymarketAPIError):
                await self._venue.refresh_balance(token_id)
