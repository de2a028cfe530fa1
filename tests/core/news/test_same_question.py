"""Whether two venues ask the same."""

from __future__ import annotations

import pytest

from polydesk.core.news.same_question import Verdict, compare_questions

SET = ("Set 1 Winner: Paul vs Etcheverry", "Who will win set 1 in the Tommy Paul vs Tomas Etcheverry match")


@pytest.mark.parametrize(
    ("first", "second", "outcome", "verdict"),
    [
        ("Will Bitcoin be above $70,000 on July 31, 2026?", "Bitcoin price above $70,000 on Jul 31, 2026?", "", "same"),
        ("Fed rate cut in September 2026?", "Will the Fed cut rates at the September 2026 meeting?", "", "same"),
        ("Martin Ødegaard: 1+ assists", "Martin Odegaard: 1+ assists?", "Martin Odegaard: 1+", "same"),
        ("Will Ann Lee be the Republican nominee for CO-08?", "Who will be the nominee for CO-8?", "Ann Lee", "same"),
        ("Will Ben Silverman finish in the Top 5?", "Will Benjamin Silverman finish top 5?", "Ben Silverman", "same"),
        (*SET, "Tommy Paul", "same"),
        (*SET, "Tomas Etcheverry", "opposite"),
        ("Will Bitcoin be below $70,000 on July 31?", "Bitcoin above $70,000 on July 31?", "", "opposite"),
        ("Will Bitcoin be above $71,000 on July 31?", "Bitcoin above $70,000 on July 31?", "", "different"),
        ("Will Bitcoin be above $70,000 on August 15?", "Bitcoin above $70,000 on July 31?", "", "different"),
        ("Will Bitcoin be at or above $70,000?", "Bitcoin above $70,000?", "", "different"),
        ("Will Bitcoin on Coinbase be above $70,000?", "Bitcoin above $70,000?", "", "different"),
        ("Will Italy win Eurovision 2026?", "Who will win the Jury Vote in Eurovision 2026?", "Italy", "different"),
        ("Will Cam Davis finish top 5?", "Will Davis Thompson finish top 5?", "Davis Thompson", "different"),
        ("Will FUT qualify to Stage 3 at IEM?", "Will Heroic qualify for Stage 3 at IEM?", "Heroic", "different"),
        ("Harry Kane: 2+ shots", "Harry Kane: 2+ assists?", "Harry Kane: 2+", "different"),
        ("Set 1 Winner: Paul vs Sun", "Set 2 Winner: Paul vs Sun", "", "different"),
        ("Will there be a recession in 2026?", "Will the Republicans win the House in 2026?", "", "different"),
        ("Will it?", "Will they?", "", "different"),
    ],
)
def test_contracts_are_one_only_where_names_figures_dates_and_what_decides_agree(
    first: str, second: str, outcome: str, verdict: Verdict
) -> None:
    found = compare_questions(first, second, second_outcome=outcome)
    assert found.verdict == verdict, found
    assert found.why
