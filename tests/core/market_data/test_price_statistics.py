"""Changes and volatility come out of a history as they went in."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from polydesk.core.identifiers import TokenId
from polydesk.core.market_data.price_statistics import price_statistics
from polydesk.core.models import PriceHistory, PricePoint

D = Decimal


def history(now: datetime, *points: tuple[float, str]) -> PriceHistory:
    """Points as (days before now, price)."""
    return PriceHistory(
        TokenId("1"), tuple(PricePoint(now - timedelta(days=days), D(price)) for days, price in points), now
    )


def test_changes_use_the_last_price_before_each_window(now: datetime) -> None:
    series = history(now, (8, "0.40"), (2, "0.45"), (0.5, "0.48"))
    statistics = price_statistics(series, now=now, current=D("0.50"))
    assert statistics.changes == {"1h": D("0.02"), "1d": D("0.05"), "1w": D("0.10")}
    assert (statistics.low, statistics.high, statistics.points) == (D("0.40"), D("0.48"), 3)


def test_volatility_is_realised_variance_per_day(now: datetime) -> None:
    series = history(now, (4, "0.40"), (2, "0.43"), (0, "0.39"))
    volatility = price_statistics(series, now=now, current=None).daily_volatility
    assert volatility == pytest.approx(((0.03**2 + 0.04**2) / 4) ** 0.5)


def test_too_little_history_measures_nothing(now: datetime) -> None:
    assert price_statistics(history(now), now=now, current=D("0.5")).changes == {}
    assert price_statistics(history(now, (1, "0.4"), (0, "0.5")), now=now, current=None).daily_volatility is None
    same_moment = history(now, (0, "0.4"), (0, "0.5"), (0, "0.6"))
    assert price_statistics(same_moment, now=now, current=None).daily_volatility is None
