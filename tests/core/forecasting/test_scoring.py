"""Scores of forecasts against what happened and against the market, on cases that can be worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.forecasting.forecast import Decided, Forecast
from polydesk.core.forecasting.scoring import ENOUGH_EVENTS, ScoredMarket, score, scored_markets
from polydesk.core.identifiers import ConditionId, Slug

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=10)


def forecast(
    probability: str, *, market: str = "m", event: str | None = None, day: float = 0, price: str | None = "0.5"
) -> Forecast:
    return Forecast(
        forecast_id="f",
        author="a",
        deliberate=True,
        at=START + timedelta(days=day),
        condition_id=ConditionId(market),
        slug=Slug(market),
        event=event or market,
        category="c",
        outcome="Yes",
        ends_at=END,
        probability=Decimal(probability),
        market_price=None if price is None else Decimal(price),
    )


def ended(*markets: str, yes: bool | None = True) -> dict[ConditionId, Decided]:
    return {ConditionId(market): Decided(END, yes) for market in markets}


def many(count: int, *, own: float, market: float, yes_share: float = 1.0) -> list[ScoredMarket]:
    return [
        ScoredMarket(
            event=f"e{number}",
            category="c",
            days_ahead=1,
            came_true=number < yes_share * count,
            first=own,
            market_first=market,
            series=0.1,
            market_series=0.2,
        )
        for number in range(count)
    ]


def test_one_forecast_is_scored_by_its_distance_from_what_happened_and_so_is_the_market() -> None:
    (market,) = scored_markets([forecast("0.8", price="0.6")], ended("m"))
    scored = score([market], Random(1))
    assert scored.brier == pytest.approx(0.04)
    assert scored.market_brier == pytest.approx(0.16)
    assert scored.skill == pytest.approx(0.75)
    assert scored.log_loss == pytest.approx(-math.log(0.8))
    assert scored.market_log_loss == pytest.approx(-math.log(0.6))
    assert scored.skill_interval is None
    assert scored.verdict.startswith("too few to say: 1 of 30")


def test_what_came_false_is_scored_from_the_other_side() -> None:
    (market,) = scored_markets([forecast("0.8")], ended("m", yes=False))
    assert score([market], Random(1)).brier == pytest.approx(0.64)


def test_the_first_forecast_counts_and_the_series_weighs_each_by_the_time_it_stood() -> None:
    made = [forecast("0.5", price="0.5"), forecast("0.9", day=5, price="0.7"), forecast("1", day=7.5, price="0.9")]
    (market,) = scored_markets(made, ended("m"))
    assert market.first == 0.5
    assert market.series == pytest.approx(0.5 * 0.25 + 0.25 * 0.01 + 0.25 * 0)
    assert market.market_series == pytest.approx(0.5 * 0.25 + 0.25 * 0.09 + 0.25 * 0.01)
    assert market.days_ahead == 10


def test_a_forecast_made_once_the_market_was_decided_does_not_count() -> None:
    assert scored_markets([forecast("0.99", day=10)], ended("m")) == []
    (market,) = scored_markets([forecast("0.6"), forecast("0.99", day=11)], ended("m"))
    assert market.series == pytest.approx(0.16)


def test_open_markets_and_split_payouts_are_not_scored() -> None:
    made = [forecast("0.6", market="open"), forecast("0.6", market="split")]
    assert scored_markets(made, ended("split", yes=None)) == []


def test_markets_that_exclude_each_other_count_as_one_event() -> None:
    made = [forecast("0.9", market="a", event="e"), forecast("0.1", market="b", event="e"), forecast("0.5", market="c")]
    markets = scored_markets(made, ended("a") | ended("b", yes=False) | ended("c"))
    scored = score(markets, Random(1))
    assert (scored.markets, scored.events) == (3, 2)
    assert scored.brier == pytest.approx((0.01 + 0.25) / 2)


def test_without_a_price_there_is_no_comparison() -> None:
    scored = score(scored_markets([forecast("0.9", price=None)], ended("m")), Random(1))
    assert (scored.market_brier, scored.skill, scored.market_log_loss, scored.market_series_brier) == (None,) * 4


def test_what_had_no_price_is_left_out_of_a_comparison_and_counted() -> None:
    priced = many(2, own=0.9, market=0.5)
    without = [replace(each, event=f"x{each.event}", market_first=None) for each in many(30, own=0.1, market=0.5)]
    scored = score([*priced, *without], Random(1))
    assert (scored.events, scored.unpriced) == (2, 30)
    assert scored.verdict.startswith("too few to say: 2 of 30")
    assert scored.skill == pytest.approx(1 - scored.brier / 0.25)


@pytest.mark.parametrize(
    ("own", "market", "verdict"),
    [
        (0.9, 0.6, "better than the market's price at the same moments"),
        (0.6, 0.9, "worse than the market's price at the same moments"),
        (0.6, 0.6, "no difference to the market's price can be told yet"),
    ],
)
def test_with_enough_events_the_verdict_is_the_intervals(own: float, market: float, verdict: str) -> None:
    assert score(many(ENOUGH_EVENTS, own=own, market=market), Random(1)).verdict == verdict


def test_one_event_less_is_too_few_however_good_the_scores() -> None:
    assert "too few" in score(many(ENOUGH_EVENTS - 1, own=0.99, market=0.5), Random(1)).verdict


def test_luck_that_could_be_skill_says_how_many_more_events_it_takes() -> None:
    mixed = many(40, own=0.6, market=0.5, yes_share=0.6)
    scored = score(mixed, Random(1))
    differences = [0.25 - 0.16] * 24 + [0.25 - 0.36] * 16
    mean = sum(differences) / 40
    deviation = math.sqrt(sum((each - mean) ** 2 for each in differences) / 39)
    assert scored.events_needed == math.ceil((1.96 * deviation / mean) ** 2) - 40
    assert scored.skill_interval is not None
    assert scored.skill_interval.low < 0 < scored.skill_interval.high


def test_nothing_is_needed_where_the_difference_is_plain_and_nothing_helps_where_it_is_not_in_favour() -> None:
    assert score(many(60, own=0.9, market=0.5), Random(1)).events_needed == 0
    assert score(many(60, own=0.5, market=0.9), Random(1)).events_needed is None


def test_calibration_holds_what_was_said_against_what_came_true() -> None:
    markets = many(10, own=0.25, market=0.5, yes_share=0.3) + many(4, own=1.0, market=0.5)
    low, high = score(markets, Random(1)).calibration
    assert (low.low, low.high, low.markets, low.said, low.came_true) == (0.2, 0.3, 10, 0.25, 0.3)
    assert (high.markets, high.came_true) == (4, 1.0)


@given(
    st.lists(st.tuples(st.floats(0.001, 0.999), st.booleans()), min_size=2, max_size=20),
    st.integers(0, 3),
)
def test_who_says_what_the_market_says_has_no_skill(said: list[tuple[float, bool]], seed: int) -> None:
    markets = [
        ScoredMarket(f"e{number}", "c", 1, came_true, probability, probability, 0.1, 0.1)
        for number, (probability, came_true) in enumerate(said)
    ]
    scored = score(markets, Random(seed))
    assert scored.skill == pytest.approx(0)
    assert scored.brier == pytest.approx(scored.market_brier)
    assert scored.events_needed is None


def test_the_same_seed_gives_the_same_interval() -> None:
    markets = many(40, own=0.6, market=0.5, yes_share=0.6)
    assert score(markets, Random(5)) == score(markets, Random(5))


def test_scores_over_time_are_of_the_same_markets_as_the_price_they_are_held_against() -> None:
    whole = [forecast("0.9", market="whole", price="0.8")]
    partly = [forecast("0.1", market="partly", price="0.2"), forecast("0.1", market="partly", day=5, price=None)]
    scored = score(scored_markets([*whole, *partly], ended("whole", "partly")), Random(1))
    assert scored.market_series_brier == pytest.approx(0.04)
    assert scored.series_brier == pytest.approx(0.01)
