"""The Data API: what any wallet holds and has traded. A wallet is the funder, not the key's own account."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from ..identifiers import Address, ConditionId
from ..models import OrderSide, Position
from .client import PolymarketClient
from .paging import Page, all_items
from .request import RequestSpec, params_of
from .wire.data_api import DataPage, PublicTrade, parse_positions, parse_public_trades, parse_value

PositionStatus = Literal["OPEN", "REDEEMABLE", "REDEEMABLE_LOST", "MERGEABLE", "CLOSED"]

_POSITIONS_PER_PAGE = 500
_TAPE_TTL_S = 10.0


def positions_spec(
    user: Address, *, status: PositionStatus | None, condition_id: ConditionId | None, cursor: str | None
) -> RequestSpec[DataPage[Position]]:
    return RequestSpec(
        service="data",
        method="GET",
        path="/v2/positions",
        params=params_of(
            {
                "user": user,
                "status": status,
                "condition_id": condition_id,
                "limit": _POSITIONS_PER_PAGE,
                "cursor": cursor,
            }
        ),
        parse=parse_positions,
    )


def trades_spec(
    *,
    user: Address | None,
    condition_id: ConditionId | None,
    event_id: str | None,
    side: OrderSide | None,
    taker_only: bool | None,
    start: int | None,
    end: int | None,
    limit: int,
    cursor: str | None,
) -> RequestSpec[DataPage[PublicTrade]]:
    """The tape; a condition and an event may not be given together. `start` and `end` in unix seconds."""
    return RequestSpec(
        service="data",
        method="GET",
        path="/v2/trades",
        params=params_of(
            {
                "user": user,
                "condition_id": condition_id,
                "event_id": event_id,
                "side": side,
                "taker_only": taker_only,
                "start": start,
                "end": end,
                "limit": limit,
                "cursor": cursor,
            }
        ),
        parse=parse_public_trades,
        cache_ttl_s=_TAPE_TTL_S,
    )


class DataClient(PolymarketClient):
    """Public records of wallets and trades. Positions are never cached."""

    async def positions(
        self, user: Address, *, status: PositionStatus | None = None, condition_id: ConditionId | None = None
    ) -> tuple[Position, ...]:
        """Every position of a wallet, from all pages."""

        async def page(cursor: str | None) -> Page[Position]:
            return await self._transport.call(
                positions_spec(user, status=status, condition_id=condition_id, cursor=cursor)
            )

        return tuple([position async for position in all_items(page)])

    async def trades(
        self,
        *,
        user: Address | None = None,
        condition_id: ConditionId | None = None,
        event_id: str | None = None,
        side: OrderSide | None = None,
        taker_only: bool | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 100,
        cursor: str | None = None,
        fresh: bool = False,
    ) -> DataPage[PublicTrade]:
        """A page of the public tape, newest first; `start` and `end` in unix seconds."""
        spec = trades_spec(
            user=user,
            condition_id=condition_id,
            event_id=event_id,
            side=side,
            taker_only=taker_only,
            start=start,
            end=end,
            limit=limit,
            cursor=cursor,
        )
        return await self._transport.call(spec, fresh=fresh)

    async def value(self, user: Address) -> Decimal:
        """Dollars that a wallet's positions are worth."""
        return await self._transport.call(
            RequestSpec(
                service="data", method="GET", path="/v2/value", params=params_of({"user": user}), parse=parse_value
            )
        )
