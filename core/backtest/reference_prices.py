"""Recorded prices of what markets are about, each known from its own moment on."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import ConfigurationError
from ..models import PricePoint
from ..table_files import UNREADABLE, moment_of, records

_TIMES = ("at", "t", "ts", "timestamp", "time", "ts_utc", "feed_ts_ms")
_PRICES = ("price", "value", "open")
"""A candle is known at its opening price when it opens; its close belongs to its end."""


class RecordedReference:
    """Series by symbol, shown up to the clock's moment. See ReferencePrices."""

    def __init__(self, series: Mapping[str, Sequence[PricePoint]], clock: Clock) -> None:
        self._series = series
        self._clock = clock

    async def prices(self, symbol: str) -> Sequence[PricePoint]:
        points = self._series.get(symbol, ())
        return points[: bisect.bisect_right(points, self._clock.now(), key=lambda point: point.at)]


def read_reference(path: Path) -> list[PricePoint]:
    """The series of a table with a time and a price (or a candle's open) in each row, oldest first.

    Raises ConfigurationError that names the file and what is wrong with it.
    """
    points: list[PricePoint] = []
    try:
        for row in records(path):
            at = moment_of(next((row[name] for name in _TIMES if name in row), None))
            price = next((row[name] for name in _PRICES if name in row), None)
            if at is not None and price not in (None, ""):
                points.append(PricePoint(at, _number(price)))
    except UNREADABLE as error:
        raise ConfigurationError(f"{path} cannot be read as a table of prices: {error}") from error
    if not points:
        raise ConfigurationError(f"{path} holds no prices: no row has a time and a price, value or open")
    return sorted(points, key=lambda point: point.at)


def _number(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is no number") from error
