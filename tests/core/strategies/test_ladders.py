"""Questions that imply each other, and those that only look alike."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from polydesk.core.strategies.ladders import implications, rung_of

if TYPE_CHECKING:
    from tests.core.conftest import MakeMarket

ENDS = datetime(2026, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("Will Bitcoin be above $100,000 on March 5?", "Will Bitcoin be above $90,000 on March 5?"),
        ("Will Bitcoin be below $80k on March 5?", "Will Bitcoin be below $90,000 on March 5?"),
        ("Will Bitcoin reach $150k by June 30?", "Will Bitcoin reach $120,000 by December 31, 2026?"),
        ("Will Bitcoin dip to $60,000 in May?", "Will Bitcoin dip to $70,000 in May?"),
        ("US strikes Iran by May 31?", "US strikes Iran by June 30, 2026?"),
        # Before a month or a year is before it begins.
        ("US strikes Iran before June 2026?", "US strikes Iran by June 15, 2026?"),
        ("US strikes Iran before 2026?", "US strikes Iran by June 30, 2026?"),
        ("Will there be at least 4 Fed cuts in 2026?", "Will there be at least 3 Fed cuts in 2026?"),
        ("Will Bitcoin be between $92,000 and $94,000 on March 5?", "Will Bitcoin be above $90,000 on March 5?"),
    ],
)
def test_the_nearer_or_higher_one_implies_the_other(make_market: MakeMarket, narrow: str, wide: str) -> None:
    first, second = make_market(question=narrow, end_date=ENDS), make_market(question=wide, end_date=ENDS)
    for order in permutations([first, second]):
        assert [(a.question, b.question) for a, b in implications(list(order))] == [(narrow, wide)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Will Bitcoin be above $100,000 on March 5?", "Will Bitcoin be above $90,000 on March 6?"),
        ("Will Bitcoin be above $100,000 on March 5?", "Will Ethereum be above $90,000 on March 5?"),
        ("Will Bitcoin be above $100,000 on March 5?", "Will Bitcoin reach $90,000 by March 5?"),
        ("Will Bitcoin reach $150k by June 30?", "Will Bitcoin dip to $60k by June 30?"),
        ("Will Bitcoin dip to $60,000 in May?", "Will Bitcoin dip to $70,000 in June?"),
        ("Will there be between 2 and 3 Fed cuts in 2026?", "Will there be more than 2 Fed cuts in 2026?"),
        ("US strikes Iran by May 31?", "Israel strikes Iran by June 30?"),
        ("Will Trump win in 2028?", "Will Trump win in 2032?"),
        ("Will Bitcoin be above $90,000 on March 5?", "Will Bitcoin be above $90,000 on March 5?"),
        # By a month may mean its first day or its last.
        ("US strikes Iran by June 15?", "US strikes Iran by June?"),
        # What must hold all the time is harder for longer.
        ("Will the ceasefire hold through June?", "Will the ceasefire hold through July?"),
        ("Will Powell remain Fed chair by May 31?", "Will Powell remain Fed chair by June 30?"),
        ("Will Iran not be struck by May 31?", "Will Iran not be struck by June 30?"),
        # A level on a day may be lost again by a later one.
        ("Will Bitcoin be above $100k by May 31?", "Will Bitcoin be above $100k by June 30?"),
        ("Fewer than 5 strikes by May 31?", "Fewer than 5 strikes by June 30?"),
    ],
)
def test_what_does_not_follow_is_not_said_to(make_market: MakeMarket, first: str, second: str) -> None:
    markets = [make_market(question=each, end_date=ENDS) for each in (first, second)]
    assert implications(markets) == []


def test_questions_without_a_time_are_compared_only_where_their_markets_end_together(make_market: MakeMarket) -> None:
    narrow = make_market(question="Will Bitcoin reach $150k?", end_date=ENDS)
    wide = make_market(question="Will Bitcoin reach $120k?", end_date=ENDS)
    assert implications([narrow, wide]) == [(narrow, wide)]
    sooner = dataclasses.replace(wide, end_date=datetime(2026, 6, 30, tzinfo=UTC))
    assert implications([narrow, sooner]) == []


@pytest.mark.parametrize(
    ("question", "day"),
    [
        ("US strikes Iran by December 31?", "2025-12-31"),
        ("US strikes Iran by January 1?", "2026-01-01"),
        ("US strikes Iran before 2026?", "2025-12-31"),
    ],
)
def test_the_day_of_a_market_that_ends_in_the_first_hours_of_a_year(
    make_market: MakeMarket, question: str, day: str
) -> None:
    rung = rung_of(make_market(question=question, end_date=datetime(2026, 1, 1, 5, tzinfo=UTC)))
    assert rung is not None
    assert str(rung.day) == day


def test_a_day_without_a_year_is_in_the_year_of_the_markets_end(make_market: MakeMarket) -> None:
    undated = make_market(question="US strikes Iran by May 31?", end_date=None)
    assert rung_of(undated) is None
    dated = rung_of(make_market(question="US strikes Iran by end of May?", end_date=ENDS))
    assert dated is not None and str(dated.day) == "2026-05-31"
