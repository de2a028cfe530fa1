"""The regressions that strategies read off prices, on series whose answer is known."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from polydesk.core.identifiers import TokenId
from polydesk.core.models import PriceHistory, PricePoint
from polydesk.core.strategies.cointegration import tie_between
from polydesk.core.strategies.time_series import (
    deviation,
    line_through,
    log_odds,
    on_grid,
    probability,
    slope_through_origin,
)


def test_log_odds_and_back() -> None:
    assert probability(log_odds(0.3)) == pytest.approx(0.3)
    assert [log_odds(0.0), -log_odds(1.0)] == pytest.approx([math.log(0.002 / 0.998)] * 2)


def test_a_grid_takes_the_last_price_before_each_moment(now: datetime) -> None:
    hour = timedelta(hours=1)
    points = tuple(PricePoint(now - hours * hour, Decimal(price)) for hours, price in ((3, "0.2"), (1, "0.5")))
    history = PriceHistory(TokenId("1"), points, now)
    assert on_grid(history, step=hour, now=now, most=10) == pytest.approx(
        [log_odds(0.2), log_odds(0.2), log_odds(0.5), log_odds(0.5)]
    )


def test_slopes_and_their_errors() -> None:
    exact = slope_through_origin([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    assert exact is not None and (exact.slope, exact.t) == (2.0, math.inf)
    rng = random.Random(1)
    x = [rng.gauss(0, 1) for _ in range(400)]
    noisy = slope_through_origin(x, [0.5 * each + rng.gauss(0, 1) for each in x])
    assert noisy is not None
    assert noisy.error == pytest.approx(1 / math.sqrt(400), rel=0.15)
    assert abs(noisy.slope - 0.5) < 3 * noisy.error
    assert slope_through_origin([0.0] * 5, [1.0] * 5) is None
    line = line_through([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
    assert line is not None and line.slope == pytest.approx(2)
    assert line_through([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None
    assert deviation([1.0, 2.0, 3.0]) == 1.0


def wandering(rng: random.Random, steps: int = 200) -> list[float]:
    level, found = 0.0, []
    for _ in range(steps):
        level += rng.gauss(0, 0.1)
        found.append(level)
    return found


def test_two_walks_are_tied_by_chance_about_once_in_twenty() -> None:
    rng, tied = random.Random(11), 0
    for _ in range(200):
        found = tie_between(wandering(rng), wandering(rng))
        tied += found is not None and found.holds
    assert 1 <= tied <= 22  # 10 expected of 200


def test_series_that_return_to_each_other_are_found_with_their_half_life() -> None:
    rng = random.Random(5)
    x, gap, y = wandering(rng, 400), 0.0, []
    for each in x:
        gap = gap * 0.8 + rng.gauss(0, 0.05)
        y.append(0.3 + 1.5 * each + gap)
    found = tie_between(x, y)
    assert found is not None and found.holds
    assert found.slope == pytest.approx(1.5, rel=0.1)
    assert found.half_life == pytest.approx(math.log(2) / -math.log(0.8), rel=0.4)
    assert found.z == pytest.approx(found.gap / found.deviation)
    assert tie_between(x[:20], y[:20]) is None
