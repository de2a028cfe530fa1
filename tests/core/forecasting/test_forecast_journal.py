"""What was forecast stays as it was written, and a market is decided once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from polydesk.core.forecasting.forecast import Decided, Forecast
from polydesk.core.forecasting.forecast_journal import ForecastJournal
from polydesk.core.identifiers import ConditionId
from polydesk.core.models import Market, Resolution
from polydesk.core.storage.database import Database

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def market(make_market: Callable[..., Market]) -> Market:
    return make_market()


@pytest.fixture
def journal() -> ForecastJournal:
    numbers = itertools.count(1)
    return ForecastJournal(Database.in_memory(), new_id=lambda: f"f_{next(numbers)}")


def record(journal: ForecastJournal, market: Market, *, author: str = "a") -> Forecast:
    return journal.record(
        market,
        probability=Decimal("0.6"),
        market_price=Decimal("0.5"),
        author=author,
        deliberate=True,
        now=NOW,
        reasons="because",
    )


def decided(market: Market, winner: str | None, *, at: datetime = NOW) -> Market:
    return replace(market, closed=True, resolution=Resolution("", "resolved", winner, "", at))


def test_a_forecast_is_read_back_as_it_was_made(journal: ForecastJournal, market: Market) -> None:
    made = record(journal, market)
    assert journal.all() == [made]
    assert made.event == (market.event_slug if market.neg_risk else market.condition_id)


def test_the_first_of_an_author_stays_the_first(journal: ForecastJournal, market: Market) -> None:
    first, other, second = record(journal, market), record(journal, market, author="b"), record(journal, market)
    assert [journal.is_first(each) for each in (first, other, second)] == [True, True, False]


def test_forecasts_of_one_author_can_be_chosen(journal: ForecastJournal, market: Market) -> None:
    first, second = record(journal, market), record(journal, market, author="b")
    assert journal.all(author="a") == [first]
    assert journal.all() == [first, second]


def test_a_market_is_decided_once(journal: ForecastJournal, market: Market) -> None:
    record(journal, market)
    assert journal.undecided(5) == [market.condition_id]
    journal.decide(decided(market, market.outcomes[1].label), now=NOW)
    journal.decide(decided(market, market.outcomes[0].label), now=NOW)
    assert journal.undecided(5) == []
    assert journal.decided() == {market.condition_id: Decided(NOW, first_came_true=False)}


def test_a_split_payout_came_true_for_nobody(journal: ForecastJournal, market: Market) -> None:
    record(journal, market)
    journal.decide(decided(market, None), now=NOW)
    assert journal.decided()[market.condition_id].first_came_true is None


def test_markets_are_asked_for_in_turns(journal: ForecastJournal, market: Market) -> None:
    names = [ConditionId(f"0x{number}") for number in range(3)]
    for days, name in enumerate(names):
        record(journal, replace(market, condition_id=name, end_date=NOW + timedelta(days=days)))
    assert journal.undecided(2) == names[:2]
    assert journal.undecided(2) == [names[2], names[0]]


def test_a_market_of_an_event_without_a_name_is_its_own_event(journal: ForecastJournal, market: Market) -> None:
    assert record(journal, replace(market, neg_risk=True, event_slug="")).event == market.condition_id
