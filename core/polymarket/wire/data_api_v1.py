"""The Data API's first version, still served: bare lists in camelCase, read as the rows of the second."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic.alias_generators import to_snake

from ...models import Position
from .data_api import Activity, ActivityShape, PositionShape, PublicTrade, PublicTradeShape
from .fields import ShapeT, items_of, read_shape

_RENAMED = {
    "asset": "token_id",
    "avgPrice": "avg_price",
    "cashPnl": "unrealized_pnl",
    "curPrice": "current_price",
    "initialValue": "entry_cost_usdc",
}
"""Fields whose name changed by more than its spelling."""


def parse_trades_v1(payload: Any, received_at: datetime) -> tuple[PublicTrade, ...]:
    """The public tape."""
    return tuple(_read(PublicTradeShape, row, at).to_model(received_at=received_at) for row, at in items_of(payload))


def parse_activity_v1(payload: Any, received_at: datetime) -> tuple[Activity, ...]:
    """What a wallet did."""
    return tuple(_read(ActivityShape, row, at).to_model(received_at=received_at) for row, at in items_of(payload))


def parse_positions_v1(payload: Any, _: datetime) -> tuple[Position, ...]:
    """Open positions, or closed ones, which carry no size."""
    return tuple(
        _read(PositionShape, {"size": 0, **row} if isinstance(row, dict) else row, at, size="current_size").to_model()
        for row, at in items_of(payload)
    )


def _read(shape: type[ShapeT], row: object, at: str, **also: str) -> ShapeT:
    if not isinstance(row, Mapping):
        return read_shape(shape, row, at=at)
    names = {**_RENAMED, **also}
    return read_shape(shape, {names.get(key) or to_snake(key): value for key, value in row.items()}, at=at)
