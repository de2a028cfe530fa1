"""What the catalogue counts of a market: dollars traded over several periods, and dollars resting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from ...identifiers import MarketId
from .fields import CamelShape, Moment, OptionalNumber, Text, read_shape


@dataclass(frozen=True, slots=True)
class MarketStatistics:
    """Dollars traded in all and in the last day, week, month and year, and dollars that rest in the book.

    A figure is None where the catalogue does not carry it.
    """

    market_id: MarketId
    volume: Decimal | None
    volume_24h: Decimal | None
    volume_1w: Decimal | None
    volume_1m: Decimal | None
    volume_1y: Decimal | None
    liquidity: Decimal | None
    updated_at: datetime | None


class MarketStatisticsShape(CamelShape):
    id: Text
    volume: OptionalNumber = None
    volume_num: OptionalNumber = None
    volume_24hr: OptionalNumber = Field(default=None, alias="volume24hr")
    volume_1wk: OptionalNumber = Field(default=None, alias="volume1wk")
    volume_1mo: OptionalNumber = Field(default=None, alias="volume1mo")
    volume_1yr: OptionalNumber = Field(default=None, alias="volume1yr")
    liquidity: OptionalNumber = None
    liquidity_num: OptionalNumber = None
    liquidity_clob: OptionalNumber = None
    updated_at: Moment = None


def parse_market_statistics(payload: Any, _: datetime) -> MarketStatistics:
    shape = read_shape(MarketStatisticsShape, payload)
    return MarketStatistics(
        market_id=MarketId(shape.id),
        volume=_first(shape.volume_num, shape.volume),
        volume_24h=shape.volume_24hr,
        volume_1w=shape.volume_1wk,
        volume_1m=shape.volume_1mo,
        volume_1y=shape.volume_1yr,
        liquidity=_first(shape.liquidity_num, shape.liquidity, shape.liquidity_clob),
        updated_at=shape.updated_at,
    )


def _first(*numbers: Decimal | None) -> Decimal | None:
    return next((number for number in numbers if number is not None), None)
