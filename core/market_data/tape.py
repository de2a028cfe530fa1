"""The public tape: what anybody traded on a market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from ..clock import unix_ms
from ..identifiers import ConditionId, TokenId
from ..models import OrderSide

if TYPE_CHECKING:
    from ..polymarket.data_api import DataClient


@dataclass(frozen=True, slots=True)
class TapeTrade:
    """One trade as its taker made it. `price` in dollars per share, `size` in shares."""

    token_id: TokenId
    outcome: str
    side: OrderSide
    price: Decimal
    size: Decimal
    timestamp: datetime

    @property
    def dollars(self) -> Decimal:
        return self.price * self.size


@dataclass(frozen=True, slots=True)
class TapePage:
    """Trades newest first. `next_cursor` is None on the last page."""

    trades: Sequence[TapeTrade]
    next_cursor: str | None


class TradeTape:
    """Reads the venue's record of trades; it may lag the market by up to five minutes."""

    def __init__(self, data: DataClient) -> None:
        self._data = data

    async def latest(
        self, condition_id: ConditionId, *, limit: int, since: datetime | None = None, cursor: str | None = None
    ) -> TapePage:
        """A page of the trades of one market, newest first, back to `since`."""
        page = await self._data.trades(
            condition_id=condition_id,
            start=None if since is None else unix_ms(since) // 1000,
            limit=limit,
            cursor=cursor,
        )
        trades = [
            TapeTrade(each.token_id, each.outcome, each.side, each.price, each.size, each.timestamp)
            for each in page.items
        ]
        return TapePage(sorted(trades, key=lambda trade: trade.timestamp, reverse=True), page.next_cursor)
