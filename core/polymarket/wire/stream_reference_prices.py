"""Reading frames of the real-time data service into prices of coins."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from ...errors import UnexpectedPayload
from ...models import PricePoint
from .fields import Moment, Shape, Text, read_shape

_TOPIC = "crypto_prices"

_Price = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class ReferencePriceUpdate:
    """Prices of one symbol, as the service spells it ("btcusdt"): one of now, or the recent past, oldest first."""

    symbol: str
    points: tuple[PricePoint, ...]


class _PointShape(Shape):
    timestamp: Moment
    value: _Price


class _HistoryShape(Shape):
    symbol: Text
    data: tuple[_PointShape, ...]


class _NowShape(_PointShape):
    symbol: Text


def parse_reference_prices(frame: Any) -> ReferencePriceUpdate | None:
    """One message of the service; None for one of another topic. The first of a subscription holds history."""
    if not isinstance(frame, dict) or frame.get("topic") != _TOPIC:
        return None
    payload = frame.get("payload")
    if isinstance(payload, dict) and "data" in payload:
        history = read_shape(_HistoryShape, payload)
        points = sorted((_point(each) for each in history.data), key=lambda point: point.at)
        return ReferencePriceUpdate(history.symbol.lower(), tuple(points))
    now = read_shape(_NowShape, payload)
    return ReferencePriceUpdate(now.symbol.lower(), (_point(now),))


def _point(shape: _PointShape) -> PricePoint:
    if shape.timestamp is None:
        raise UnexpectedPayload("timestamp: there is none", path="timestamp")
    return PricePoint(shape.timestamp, shape.value)
