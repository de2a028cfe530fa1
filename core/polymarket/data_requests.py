"""The Data API's routes as request specifications."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar

from ..clock import unix_ms
from ..errors import InputRejected
from ..identifiers import Address, ConditionId, EventId, TokenId
from ..models import Holder, OrderSide, Position, PricePoint, Standing
from .price_history_requests import LONGEST_WINDOW
from .request import HISTORY_TTL_S, METADATA_TTL_S, RequestSpec, params_of
from .wire.data_api import (
    Activity,
    DataPage,
    PublicTrade,
    parse_activity,
    parse_positions,
    parse_public_trades,
    parse_value,
)
from .wire.data_statistics import (
    LiveVolume,
    ResolutionRecord,
    parse_holders,
    parse_leaderboard,
    parse_live_volume,
    parse_open_interest,
    parse_resolutions,
    parse_standing,
)
from .wire.price_series import parse_data_price_history

T = TypeVar("T")

PositionStatus = Literal["OPEN", "REDEEMABLE", "REDEEMABLE_LOST", "MERGEABLE", "CLOSED"]
LeaderboardPeriod = Literal["day", "week", "month", "all"]
LeaderboardOrder = Literal["PNL", "VOLUME"]

CONDITIONS_PER_REQUEST = 20
_POSITIONS_PER_PAGE = 500
_TAPE_TTL_S = 10.0


def _read(
    path: str,
    parse: Callable[[Any, datetime], T],
    filters: Mapping[str, object],
    *,
    cache_ttl_s: float | None = None,
) -> RequestSpec[T]:
    return RequestSpec(
        service="data",
        method="GET",
        path=path,
        params=params_of(filters),
        parse=parse,
        cache_ttl_s=cache_ttl_s,
    )


def positions_spec(
    user: Address, *, status: PositionStatus | None, condition_id: ConditionId | None, cursor: str | None
) -> RequestSpec[DataPage[Position]]:
    filters = {
        "user": user,
        "status": status,
        "condition_id": condition_id,
        "limit": _POSITIONS_PER_PAGE,
        "cursor": cursor,
    }
    return _read("/v2/positions", parse_positions, filters)


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
    filters = {
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
    return _read("/v2/trades", parse_public_trades, filters, cache_ttl_s=_TAPE_TTL_S)


def activity_spec(
    user: Address,
    *,
    kinds: Sequence[str],
    condition_id: ConditionId | None,
    start: datetime | None,
    end: datetime | None,
    deposits: bool,
    limit: int,
    cursor: str | None,
) -> RequestSpec[DataPage[Activity]]:
    filters = {
        "user": user,
        "type": list(kinds),
        "condition_id": condition_id,
        "start": _seconds(start),
        "end": _seconds(end),
        "exclude_deposits_withdrawals": "false" if deposits else None,
        "limit": limit,
        "cursor": cursor,
    }
    return _read("/v2/activity", parse_activity, filters)


def value_spec(user: Address) -> RequestSpec[Decimal]:
    return _read("/v2/value", parse_value, {"user": user})


def holders_spec(
    condition_ids: Sequence[ConditionId], *, limit: int, min_balance: int | None
) -> RequestSpec[dict[TokenId, tuple[Holder, ...]]]:
    filters = {"condition_id": list(condition_ids), "limit": limit, "min_balance": min_balance}
    return _read("/v2/holders", parse_holders, filters, cache_ttl_s=METADATA_TTL_S)


def open_interest_spec(condition_ids: Sequence[ConditionId]) -> RequestSpec[dict[ConditionId, Decimal]]:
    return _read("/v2/oi", parse_open_interest, {"condition_id": list(condition_ids)}, cache_ttl_s=METADATA_TTL_S)


def live_volume_spec(event_id: EventId) -> RequestSpec[LiveVolume | None]:
    return _read("/v2/live-volume", parse_live_volume, {"event_id": event_id}, cache_ttl_s=METADATA_TTL_S)


def leaderboard_spec(
    *, period: LeaderboardPeriod, order: LeaderboardOrder, category: str | None, limit: int, cursor: str | None
) -> RequestSpec[DataPage[Standing]]:
    filters = {"time_period": period, "sort_by": order, "category": category, "limit": limit, "cursor": cursor}
    return _read("/v2/leaderboard", parse_leaderboard, filters, cache_ttl_s=METADATA_TTL_S)


def standing_spec(user: Address, *, period: LeaderboardPeriod, category: str | None) -> RequestSpec[Standing | None]:
    filters = {"user": user, "time_period": period, "category": category}
    return _read("/v2/leaderboard", parse_standing, filters, cache_ttl_s=METADATA_TTL_S)


def resolutions_spec(condition_id: ConditionId) -> RequestSpec[tuple[ResolutionRecord, ...]]:
    return _read("/v2/resolutions", parse_resolutions, {"condition_id": condition_id}, cache_ttl_s=METADATA_TTL_S)


def price_history_spec(
    token_id: TokenId, *, start: datetime, end: datetime | None, bucket_s: int, cursor: str | None
) -> RequestSpec[DataPage[PricePoint]]:
    """A page; every page restates the window. Raises InputRejected for a window that the venue would refuse."""
    if end is not None and not start < end <= start + LONGEST_WINDOW:
        raise InputRejected(f"a window of {end - start} is not between 0 and 15 days", code="window")
    if not 60 <= bucket_s <= 86_400:
        raise InputRejected(f"buckets of {bucket_s} s", code="window", fix="from 60 to 86400 seconds")
    filters = {
        "token_id": token_id,
        "start": _seconds(start),
        "end": _seconds(end),
        "bucket_seconds": bucket_s,
        "cursor": cursor,
    }
    return _read("/v2/prices-history", parse_data_price_history, filters, cache_ttl_s=HISTORY_TTL_S)


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else unix_ms(moment) // 1000
