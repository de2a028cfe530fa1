"""How far and how fast a price has moved."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ..models import PriceHistory, PricePoint

_WINDOWS: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "1w": timedelta(weeks=1),
    "1m": timedelta(days=30),
}
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class PriceStatistics:
    """`changes` maps a window to dollars moved since its start, where the history reaches back that far.

    `daily_volatility` is the square root of realised variance per day, in dollars; None under three points.
    """

    changes: Mapping[str, Decimal]
    daily_volatility: float | None
    low: Decimal | None
    high: Decimal | None
    points: int
    since: datetime | None


def price_statistics(history: PriceHistory, *, now: datetime, current: Decimal | None) -> PriceStatistics:
    """Measure a history, oldest point first, against the current price."""
    points = history.points
    changes: dict[str, Decimal] = {}
    if current is not None:
        for name, window in _WINDOWS.items():
            before = history.price_at(now - window)
            if before is not None:
                changes[name] = current - before
    prices = [point.price for point in points]
    return PriceStatistics(
        changes=changes,
        daily_volatility=_daily_volatility(points),
        low=min(prices, default=None),
        high=max(prices, default=None),
        points=len(points),
        since=points[0].at if points else None,
    )


def _daily_volatility(points: tuple[PricePoint, ...]) -> float | None:
    if len(points) < 3:
        return None
    seconds = (points[-1].at - points[0].at).total_seconds()
    if seconds <= 0:
        return None
    squares = sum(float(later.price - earlier.price) ** 2 for earlier, later in itertools.pairwise(points))
    return math.sqrt(squares / seconds * _DAY_S)
