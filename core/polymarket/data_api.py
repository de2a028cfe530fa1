"""The Data API: what any wallet holds and has traded. A wallet is the funder, not the key's own account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal

from ..errors import InputRejected
from ..identifiers import Address, ConditionId, EventId, TokenId
from ..models import Holder, OrderSide, Position, PricePoint, Standing
from . import data_requests as requests
from .client import PolymarketClient
from .paging import Page, all_items
from .wire.data_api import Activity, DataPage, PublicTrade
from .wire.data_statistics import LiveVolume, ResolutionRecord


class DataClient(PolymarketClient):
    """Public records of wallets, trades and markets. Positions and activity are never cached."""

    async def positions(
        self, user: Address, *, status: requests.PositionStatus | None = None, condition_id: ConditionId | None = None
    ) -> tuple[Position, ...]:
        """Positions of a wallet, from all pages: those still held, or those of one `status`."""

        async def page(cursor: str | None) -> Page[Position]:
            return await self._transport.call(
                requests.positions_spec(user, status=status, condition_id=condition_id, cursor=cursor)
            )

        return tuple([position async for position in all_items(page)])

    async def closed_positions(self, user: Address, *, condition_id: ConditionId | None = None) -> tuple[Position, ...]:
        """Positions that a wallet no longer holds, with what they realised."""
        return await self.positions(user, status="CLOSED", condition_id=condition_id)

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
        spec = requests.trades_spec(
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

    def iterate_trades(
        self,
        *,
        user: Address | None = None,
        condition_id: ConditionId | None = None,
        event_id: str | None = None,
        taker_only: bool | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> AsyncIterator[PublicTrade]:
        """The public tape to its end, newest first, fetching each page when it is reached."""

        async def page(cursor: str | None) -> Page[PublicTrade]:
            return await self.trades(
                user=user,
                condition_id=condition_id,
                event_id=event_id,
                taker_only=taker_only,
                start=start,
                end=end,
                limit=500,
                cursor=cursor,
            )

        return all_items(page)

    async def activity(
        self,
        user: Address,
        *,
        kinds: Sequence[str] = (),
        condition_id: ConditionId | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        deposits: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> DataPage[Activity]:
        """A page of what a wallet did, newest first: trades, splits, merges, redemptions, rewards. `kinds` narrows.

        Money paid in and out is among it with `deposits`.
        """
        return await self._transport.call(
            requests.activity_spec(
                user,
                kinds=kinds,
                condition_id=condition_id,
                start=start,
                end=end,
                deposits=deposits,
                limit=limit,
                cursor=cursor,
            )
        )

    async def whole_activity(self, user: Address) -> tuple[Activity, ...]:
        """Everything a wallet ever did, money paid in and out included, from all pages and oldest first."""

        async def page(cursor: str | None) -> Page[Activity]:
            return await self.activity(user, deposits=True, limit=500, cursor=cursor)

        return tuple(reversed([row async for row in all_items(page)]))

    async def value(self, user: Address) -> Decimal:
        """Dollars that a wallet's positions are worth."""
        return await self._transport.call(requests.value_spec(user))

    async def holders(
        self, condition_ids: Sequence[ConditionId], *, limit: int = 20, min_balance: int | None = None
    ) -> dict[TokenId, tuple[Holder, ...]]:
        """The largest holders of each outcome of up to 20 markets. Raises InputRejected for none or for more."""
        _check_conditions(condition_ids, least=1)
        return await self._transport.call(requests.holders_spec(condition_ids, limit=limit, min_balance=min_balance))

    async def open_interest(self, condition_ids: Sequence[ConditionId] = ()) -> dict[ConditionId, Decimal]:
        """Dollars locked in up to 20 markets; of all markets together, under `GLOBAL`, when none is named."""
        _check_conditions(condition_ids, least=0)
        return await self._transport.call(requests.open_interest_spec(condition_ids))

    async def live_volume(self, event_id: EventId) -> LiveVolume | None:
        """Shares that takers traded in an event, in all and by market; None for an unknown event."""
        return await self._transport.call(requests.live_volume_spec(event_id))

    async def leaderboard(
        self,
        *,
        period: requests.LeaderboardPeriod = "day",
        order: requests.LeaderboardOrder = "PNL",
        category: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> DataPage[Standing]:
        """A page of the best traders of a period, by profit or by volume."""
        return await self._transport.call(
            requests.leaderboard_spec(period=period, order=order, category=category, limit=limit, cursor=cursor)
        )

    async def standing(
        self, user: Address, *, period: requests.LeaderboardPeriod = "day", category: str | None = None
    ) -> Standing | None:
        """One trader's place; None for a wallet that is not ranked."""
        return await self._transport.call(requests.standing_spec(user, period=period, category=category))

    async def resolutions(self, condition_id: ConditionId) -> tuple[ResolutionRecord, ...]:
        """What the oracle's records say about a market."""
        return await self._transport.call(requests.resolutions_spec(condition_id))

    async def price_history(
        self, token_id: TokenId, *, start: datetime, end: datetime | None = None, bucket_s: int = 60
    ) -> tuple[PricePoint, ...]:
        """Prices from `start` to `end`, at most 15 days later, or to now, from all pages and oldest first.

        Raises InputRejected for a window or a bucket (60 to 86400 seconds) that the venue would refuse.
        """

        async def page(cursor: str | None) -> Page[PricePoint]:
            return await self._transport.call(
                requests.price_history_spec(token_id, start=start, end=end, bucket_s=bucket_s, cursor=cursor)
            )

        points = [point async for point in all_items(page)]
        return tuple(sorted(points, key=lambda point: point.at))


def _check_conditions(condition_ids: Sequence[ConditionId], *, least: int) -> None:
    most = requests.CONDITIONS_PER_REQUEST
    if not least <= len(condition_ids) <= most:
        raise InputRejected(
            f"{len(condition_ids)} markets in one request", code="too_many_ids", fix=f"{least} to {most}"
        )
