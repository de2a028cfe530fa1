"""News counts by who judged it, who told it, how old it is and how much of it is in the price, each story once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from polydesk.core.forecasting.news_shift import (
    HALF_LIFE,
    MOST,
    ONE_CLEAR_ITEM,
    UNKNOWN,
    NewsShift,
    news_shift,
    source_weight,
)
from polydesk.core.identifiers import TokenId
from polydesk.core.models import NewsItem, PriceHistory, PricePoint
from polydesk.core.news.relevance import Relevance
from polydesk.core.news.stance import Measured, NewsReading, NewsStance

NOW = datetime(2026, 5, 17, 6, tzinfo=UTC)
GOOD = Measured(0.9, 100, "a test")
CALM = PriceHistory(TokenId("1"), (PricePoint(NOW - timedelta(days=30), Decimal("0.5")),), NOW)


def reading(title: str, stance: NewsStance, *, seen: datetime | None = NOW, source: str = "Reuters") -> NewsReading:
    return NewsReading(NewsItem(title, first_seen=seen, source=source), Relevance(0.5, ()), stance, None)


def inferred(score: float, measured: Measured | None = GOOD) -> NewsStance:
    return NewsStance(score, "inference", "onnxruntime", measured=measured)


def by_caller(score: float) -> NewsStance:
    return NewsStance(score, "caller", "caller")


def shift_of(*readings: NewsReading, price: float = 0.5, history: PriceHistory | None = CALM) -> NewsShift:
    return news_shift(readings, now=NOW, price=price, history=history)


def test_the_callers_view_counts_in_full_and_a_models_by_its_measure() -> None:
    caller = shift_of(reading("a", by_caller(0.8)))
    assert caller.log_odds == pytest.approx(0.8 * ONE_CLEAR_ITEM)
    assert (len(caller.items), caller.by_caller) == (1, 1)
    model = shift_of(reading("a", inferred(-0.5)))
    assert model.log_odds == pytest.approx(-0.5 * 0.8 * ONE_CLEAR_ITEM)
    assert model.deviation / abs(model.log_odds) > caller.deviation / caller.log_odds


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
    shift = shift_of(reading("a", stance))
    assert (shift.log_odds, shift.deviation, shift.items) == (0.0, 0.0, ())


def test_the_same_story_counts_once() -> None:
    story = "Fed cuts rates by a quarter point in June"
    shift = shift_of(reading(story, inferred(0.9)), reading(f"{story}!", inferred(0.9)), reading("b", inferred(0.9)))
    assert (len(shift.items), shift.repeated) == (2, 1)


def test_many_stories_stay_within_the_bound() -> None:
    shift = shift_of(*(reading(f"story {number} x{number} y{number}", inferred(1.0)) for number in range(20)))
    assert shift.log_odds == MOST


def test_independent_items_that_agree_are_surer_than_one() -> None:
    one = shift_of(reading("a", inferred(0.5)))
    three = shift_of(*(reading(title, inferred(0.5)) for title in "abc"))
    assert three.deviation / three.log_odds < one.deviation / one.log_odds


def test_an_item_fades_with_its_age_and_one_of_unknown_age_counts_half() -> None:
    fresh = shift_of(reading("a", by_caller(1.0)))
    older = shift_of(reading("a", by_caller(1.0), seen=NOW - HALF_LIFE))
    undated = shift_of(reading("a", by_caller(1.0), seen=None))
    of_tomorrow = shift_of(reading("a", by_caller(1.0), seen=NOW + timedelta(days=1)))
    assert older.log_odds == pytest.approx(fresh.log_odds / 2)
    assert undated.log_odds == of_tomorrow.log_odds == pytest.approx(fresh.log_odds * UNKNOWN)


def test_the_first_sight_of_an_item_counts_and_not_the_date_it_bears() -> None:
    item = NewsItem("a", published=NOW - timedelta(days=30), first_seen=NOW)
    shift = shift_of(NewsReading(item, Relevance(0.5, ()), by_caller(1.0), None))
    assert shift.items[0].fresh == 1.0


@pytest.mark.parametrize(("price", "left"), [(0.5, 1.0), (0.56, 0.518), (0.7, 0.0), (0.3, 1.0)])
def test_what_the_price_has_taken_in_since_does_not_count_again(price: float, left: float) -> None:
    shift = shift_of(reading("a", by_caller(1.0)), price=price)
    assert shift.items[0].unpriced == pytest.approx(left, abs=0.001)


def test_where_the_price_of_then_is_not_known_half_is_taken_to_be_in_it() -> None:
    assert shift_of(reading("a", by_caller(1.0)), history=None).items[0].unpriced == UNKNOWN


@pytest.mark.parametrize(
    ("source", "url", "weight"),
    [
        ("Reuters", "", 1.0),
        ("", "https://www.federalreserve.gov/newsevents", 1.0),
        ("A newspaper", "", 0.7),
        ("", "", 0.5),
        ("Polymarket comments", "", 0.2),
        ("", "https://x.com/somebody", 0.3),
        ("", "https://[broken", 0.5),
    ],
)
def test_sources_weigh_differently(source: str, url: str, weight: float) -> None:
    assert source_weight(NewsItem("a", source=source, url=url)) == weight
