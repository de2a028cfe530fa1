"""Bands and thresholds against closed forms and against chance itself."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from polydesk.core.models import PricePoint
from polydesk.core.strategies.ladders import rung_of
from polydesk.core.strategies.option_ladder import (
    Underlying,
    fair_value_of,
    probability_touched,
    probability_within,
    symbol_of,
    underlying_of,
    was_touched,
)
from tests.support.strategy_surroundings import Surrounded

if TYPE_CHECKING:
    from tests.core.conftest import MakeMarket

D = Decimal
Surround = Callable[..., Surrounded]


def test_a_level_at_the_price_is_nearly_even_and_bands_sum_to_one() -> None:
    at_spot = probability_within(100.0, None, spot=100, volatility=0.5, years=1 / 12)
    spread = 0.5 * math.sqrt(1 / 12)
    assert at_spot == pytest.approx(0.5 * math.erfc(spread / 2 / math.sqrt(2)))
    edges = [None, 80.0, 95.0, 100.0, 110.0, None]
    bands = [
        probability_within(low, high, spot=100, volatility=0.5, years=0.1) for low, high in itertools.pairwise(edges)
    ]
    assert math.fsum(bands) == pytest.approx(1)
    assert probability_within(90.0, 110.0, spot=100, volatility=0.5, years=0) == 1


@pytest.mark.parametrize("level", [85.0, 120.0])
def test_touching_is_likelier_than_ending_beyond_and_agrees_with_simulated_paths(level: float) -> None:
    volatility, years, steps, paths = 0.6, 0.25, 1000, 800
    told = probability_touched(level, spot=100, volatility=volatility, years=years)
    rng, hit = random.Random(7), 0
    step = volatility * math.sqrt(years / steps)
    for _ in range(paths):
        way, target = 0.0, math.log(level / 100)
        for _ in range(steps):
            way += rng.gauss(-step * step / 2, step)
            if (way - target) * math.copysign(1, target) >= 0:
                hit += 1
                break
    error = math.sqrt(told * (1 - told) / paths)
    assert hit / paths == pytest.approx(told, abs=4 * error + 0.015)  # steps miss some touches between them
    low, high = (level, None) if level > 100 else (None, level)
    beyond = probability_within(low, high, spot=100, volatility=volatility, years=years)
    assert told > beyond
    assert probability_touched(100, spot=100, volatility=volatility, years=years) == 1


def test_volatility_is_that_of_the_prices(now: datetime) -> None:
    rng, price, points = random.Random(3), 100_000.0, []
    for hour in range(24 * 30):
        points.append(PricePoint(now - timedelta(hours=24 * 30 - hour), D(str(round(price, 2)))))
        price *= math.exp(rng.gauss(0, 0.5 / math.sqrt(365 * 24)))
    found = underlying_of(points, now=now, since=timedelta(days=30))
    assert found is not None
    assert found.volatility == pytest.approx(0.5, rel=0.08)
    assert found.spot == float(points[-1].price)
    assert underlying_of(points, now=now + timedelta(hours=3), since=timedelta(days=30)) is None  # old prices
    assert underlying_of(points[-10:], now=now, since=timedelta(days=30)) is None  # too few of them


def test_a_rung_is_worth_a_range(make_market: MakeMarket) -> None:
    market = make_market(question="Will the price of Bitcoin be between $95,000 and $105,000 on June 1?")
    rung = rung_of(market)
    assert rung is not None
    fair = fair_value_of(rung, Underlying(100_000, 0.5, 100), years=7 / 365, error=0.25)
    assert D("0.3") < fair.low < fair.value < fair.high < D("0.8")
    assert symbol_of(market) == "BTC"
    assert symbol_of(make_market(question="Will it rain?")) is None


def test_a_price_that_stands_still_makes_nothing_certain(now: datetime) -> None:
    points = [PricePoint(now - timedelta(hours=48 - hour), D(100_000)) for hour in range(49)]
    assert underlying_of(points, now=now, since=timedelta(days=7)) is None


def test_a_level_that_was_reached_is_decided_though_its_market_is_still_open(
    make_market: MakeMarket, now: datetime
) -> None:
    reach = rung_of(make_market(question="Will Bitcoin reach $100k by June 30, 2026?"))
    above = rung_of(make_market(question="Will Bitcoin be above $100k on June 30, 2026?"))
    assert reach is not None
    assert above is not None
    points = [PricePoint(now - timedelta(hours=2), D(100_500)), PricePoint(now - timedelta(hours=1), D(95_000))]
    assert was_touched(reach, points, since=None, now=now)
    assert not was_touched(reach, points, since=now - timedelta(minutes=90), now=now)  # before the market began
    assert not was_touched(above, points, since=None, now=now)
