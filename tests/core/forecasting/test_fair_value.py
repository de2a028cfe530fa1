"""A fair value is the market's price and what is known besides, part by part, no surer than it was measured to be."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.forecasting.calibration import log_odds_of, shipped_calibration
from polydesk.core.forecasting.fair_value import CALLERS_MARGIN, FairValue, fair_value
from polydesk.core.forecasting.suggestion import suggest, two_sides
from polydesk.core.identifiers import ConditionId
from polydesk.core.models import Market, NewsItem, OrderBook, PriceHistory, PricePoint
from polydesk.core.money import NO_FEES
from polydesk.core.news.relevance import Relevance
from polydesk.core.news.stance import NewsReading, NewsStance

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook, MakeMarket

D = Decimal
Value = Callable[..., FairValue]


@pytest.fixture
def value(make_market: MakeMarket, make_book: MakeBook, now: datetime) -> Value:
    """The fair value of the first outcome of a market that is named by changes to it."""

    def of(book: OrderBook | None = None, market: Market | None = None, **known: object) -> FairValue:
        asked = market or make_market()
        found = fair_value(asked, asked.outcomes[0], book or make_book(), **({"now": now} | known))  # type: ignore[arg-type]
        assert found is not None
        return found

    return of


def part(fair: FairValue, name: str) -> float:
    (found,) = (each.log_odds for each in fair.contributions if each.part == name)
    return found


def stance(title: str, score: float, seen: datetime | None) -> NewsReading:
    return NewsReading(
        NewsItem(title, first_seen=seen), Relevance(0.5, ()), NewsStance(score, "caller", "caller"), None
    )


def test_the_prior_is_the_micro_price_which_leans_away_from_the_heavier_ask(value: Value, make_book: MakeBook) -> None:
    fair = value(make_book(bids=(("0.48", "100"),), asks=(("0.50", "300"),)))
    assert part(fair, "price") == pytest.approx(log_odds_of(0.485))
    assert fair.basis == "market"


def test_contributions_sum_to_the_value(value: Value, make_market: MakeMarket, now: datetime) -> None:
    market = make_market(neg_risk=True, tags=("Politics",))
    sibling = make_market(condition_id=ConditionId("0x" + "cd" * 32), best_bid=D("0.55"), best_ask=D("0.60"))
    fair = value(market=market, siblings=[market, sibling], readings=[stance("a", 0.8, now)])
    assert [each.part for each in fair.contributions] == ["price", "calibration", "siblings", "news"]
    total = math.fsum(each.log_odds for each in fair.contributions)
    assert log_odds_of(float(fair.value)) == pytest.approx(total, abs=1e-3)
    assert fair.low < fair.value < fair.high


def test_a_wider_history_widens_the_interval_and_none_is_assumed_wide(value: Value) -> None:
    calm, wild, unknown = (value(daily_volatility=each) for each in (0.01, 0.2, None))
    assert calm.high - calm.low < unknown.high - unknown.low < wild.high - wild.low


def test_a_book_read_long_ago_is_less_sure(value: Value, make_book: MakeBook, now: datetime) -> None:
    fresh, stale = (value(make_book(received_at=now - age)) for age in (timedelta(0), timedelta(hours=8)))
    assert stale.high - stale.low > fresh.high - fresh.low
    assert stale.value == fresh.value


def test_a_wide_spread_hears_the_past_and_a_narrow_one_does_not(
    value: Value, make_book: MakeBook, now: datetime
) -> None:
    market_history = PriceHistory(make_book().token_id, (PricePoint(now - timedelta(hours=1), D("0.35")),), now)
    wide = make_book(bids=(("0.30", "100"),), asks=(("0.60", "100"),))
    heard = value(wide, history=market_history, daily_volatility=0.05)
    assert part(heard, "history") < -0.3
    assert D("0.30") <= heard.value < D("0.40")
    assert all(each.part != "history" for each in value(history=market_history).contributions)


def test_a_past_price_outside_the_spread_counts_as_its_end(value: Value, make_book: MakeBook, now: datetime) -> None:
    history = PriceHistory(make_book().token_id, (PricePoint(now, D("0.99")),), now)
    wide = make_book(bids=(("0.30", "100"),), asks=(("0.60", "100"),))
    assert value(wide, history=history).value <= D("0.61")


def test_a_one_sided_book_has_no_fair_value_of_its_own(
    make_market: MakeMarket, make_book: MakeBook, now: datetime
) -> None:
    market = make_market()
    assert fair_value(market, market.outcomes[0], make_book(asks=()), now=now) is None
    believed = fair_value(market, market.outcomes[0], make_book(asks=()), now=now, believed=D("0.7"))
    assert believed is not None
    assert (believed.high, believed.basis) == (D("0.7") + CALLERS_MARGIN, "caller")


def test_both_outcomes_are_worth_one_dollar_together(
    make_market: MakeMarket, make_book: MakeBook, now: datetime
) -> None:
    from polydesk.core.forecasting.edge import book_of_complement

    market = make_market(tags=("Sports",))
    yes, no = market.outcomes
    book = make_book()
    of_yes = fair_value(market, yes, book, now=now)
    of_no = fair_value(market, no, book_of_complement(book, no.token_id), now=now)
    assert of_yes is not None
    assert of_no is not None
    assert of_yes.value + of_no.value == pytest.approx(D(1), abs=D("0.0002"))
    assert (of_yes.complement().low, of_yes.complement().high) == pytest.approx(
        (of_no.low, of_no.high), abs=D("0.0002")
    )


def test_a_correction_that_did_not_beat_the_price_never_lifts_the_low_end(value: Value) -> None:
    shipped = shipped_calibration()
    biased = dataclasses.replace(shipped, coefficients=(1.0, 0.0, 0.0, 0.0, 0.0, 0.8))
    proven = dataclasses.replace(biased, measured=dataclasses.replace(shipped.measured, gain_low=0.001))
    unproven = dataclasses.replace(biased, measured=dataclasses.replace(shipped.measured, gain_low=-0.001))
    without = value(calibration=dataclasses.replace(shipped, coefficients=(1.0, 0.0, 0.0, 0.0, 0.0, 0.0)))
    assert value(calibration=proven).low > without.high
    doubted = value(calibration=unproven)
    assert doubted.value > without.high
    assert doubted.low <= without.value


def test_the_verdict_changes_with_the_data(
    value: Value, make_market: MakeMarket, make_book: MakeBook, now: datetime
) -> None:
    """Fresh clear news makes an edge; nothing, old news, contradicting news and news in the price make none."""
    market = make_market(fees=NO_FEES)
    book = make_book(bids=(("0.49", "500"),), asks=(("0.50", "500"),))
    quiet = PriceHistory(book.token_id, (PricePoint(now - timedelta(days=3), D("0.495")),), now)
    moved = PriceHistory(book.token_id, (PricePoint(now - timedelta(days=3), D("0.30")),), now)

    def verdict(readings: list[NewsReading], history: PriceHistory = quiet) -> tuple[str, str, Decimal]:
        fair = value(book, market, readings=readings, history=history, daily_volatility=0.02)
        found = suggest(two_sides(market, market.outcomes[0], fair, book), bankroll=D(1000))
        return found.verdict, found.outcome.label, found.shares

    minute = now - timedelta(minutes=1)
    assert verdict([]) == ("no_edge", "Yes", D(0))
    assert verdict([stance("a", 1.0, minute)])[:2] == ("buy", "Yes")
    assert verdict([stance("a", -1.0, minute)])[:2] == ("buy", "No")
    assert verdict([stance("a", 1.0, minute)], moved) == ("no_edge", "Yes", D(0))
    assert verdict([stance("a", 1.0, now - timedelta(days=2))]) == ("no_edge", "Yes", D(0))
    assert verdict([stance("a", 1.0, minute), stance("b", -1.0, minute)]) == ("no_edge", "Yes", D(0))


@given(price=st.decimals("0.02", "0.98", places=2), score=st.floats(-1, 1), days=st.floats(0.01, 1000))
def test_every_value_lies_in_its_interval(price: Decimal, score: float, days: float) -> None:
    from tests.core.conftest import NOW

    market = _market(end_date=NOW + timedelta(days=days))
    fair = fair_value(market, market.outcomes[0], _book(price), now=NOW, readings=[stance("a", score, NOW)])
    assert fair is not None
    assert 0 <= fair.low <= fair.value <= fair.high <= 1


def _market(**changes: object) -> Market:
    from tests.core.conftest import _MARKET

    return dataclasses.replace(_MARKET, **changes)  # type: ignore[arg-type]


def _book(price: Decimal) -> OrderBook:
    from polydesk.core.models import PriceLevel
    from tests.core.conftest import CONDITION, NOW, YES

    half = D("0.01")
    return OrderBook(
        market_id=CONDITION,
        token_id=YES,
        bids=(PriceLevel(price - half, D(100)),),
        asks=(PriceLevel(price + half, D(100)),),
        timestamp=NOW,
        received_at=NOW,
        tick=half,
        min_size=D(5),
        neg_risk=False,
        last_trade_price=None,
        hash="",
    )
