"""News moves a value by what it was measured to be worth, each story once, within bounds, and makes no edge."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.forecasting.fair_value import FairValue
from polydesk.core.forecasting.news_shift import MOST, ONE_CLEAR_ITEM, NewsShift, moved, news_shift
from polydesk.core.models import NewsItem
from polydesk.core.news.relevance import Relevance
from polydesk.core.news.stance import Measured, NewsReading, NewsStance

FAIR = FairValue(Decimal("0.50"), Decimal("0.48"), Decimal("0.52"), "micro_price")
GOOD = Measured(0.9, 100, "a test")


def reading(title: str, stance: NewsStance) -> NewsReading:
    return NewsReading(NewsItem(title), Relevance(0.5, ()), stance, None)


def inferred(score: float, measured: Measured | None = GOOD) -> NewsStance:
    return NewsStance(score, "inference", "onnxruntime", measured=measured)


def test_the_callers_view_counts_in_full_and_a_models_by_its_measure() -> None:
    caller = news_shift([reading("a", NewsStance(0.8, "caller", "caller"))])
    assert caller.log_odds == pytest.approx(0.8 * ONE_CLEAR_ITEM)
    assert (caller.items, caller.by_caller) == (1, 1)
    model = news_shift([reading("a", inferred(-0.5))])
    assert model.log_odds == pytest.approx(-0.5 * 0.8 * ONE_CLEAR_ITEM)


@pytest.mark.parametrize(
    "stance",
    [
        inferred(0.9, None),
        inferred(0.9, Measured(0.69, 500, "a test")),
        inferred(0.9, Measured(0.95, 29, "too few")),
        inferred(0.05),
        NewsStance(0.9, "sentiment", "onnxruntime", measured=GOOD),
        NewsStance(0.0, "caller", "caller"),
        NewsStance(0.0, "none", "none"),
    ],
)
def test_what_is_not_good_enough_moves_nothing(stance: NewsStance) -> None:
    shift = news_shift([reading("a", stance)])
    assert (shift.log_odds, shift.items) == (0.0, 0)
    assert moved(FAIR, shift) is FAIR


def test_the_same_story_counts_once() -> None:
    story = "Fed cuts rates by a quarter point in June"
    shift = news_shift(
        [reading(story, inferred(0.9)), reading(f"{story}!", inferred(0.9)), reading("b", inferred(0.9))]
    )
    assert (shift.items, shift.repeated) == (2, 1)


def test_many_stories_stay_within_the_bound() -> None:
    shift = news_shift([reading(f"story {number} x{number} y{number}", inferred(1.0)) for number in range(20)])
    assert shift.log_odds == MOST


@given(
    value=st.decimals("0.01", "0.99", places=3),
    log_odds=st.floats(-MOST, MOST).filter(lambda shift: abs(shift) > 0.01),
)
def test_a_moved_value_lies_in_its_interval_which_holds_the_books(value: Decimal, log_odds: float) -> None:
    fair = FairValue(
        value, max(value - Decimal("0.01"), Decimal(0)), min(value + Decimal("0.01"), Decimal(1)), "micro_price"
    )
    after = moved(fair, NewsShift(log_odds, 1, 0, 0))
    assert after.basis == "micro_price_and_news"
    assert 0 <= after.low <= fair.low <= fair.high <= after.high <= 1
    assert after.low <= after.value <= after.high
    assert (after.value > fair.value) == (log_odds > 0) or after.value == fair.value
