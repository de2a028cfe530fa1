"""Figures of questions against figures of headlines, by a labelled table and by hand."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.news.relevance import shared_words
from polydesk.core.news.stance import FIGURES_MEASURED, LEAST_DIRECTION, by_figures
from polydesk.core.news.statements import Statement
from polydesk.core.news.thresholds import Threshold, compare, threshold_of
from polydesk.gpu.text.evaluation import direction

with (Path(__file__).parent / "number_pairs.tsv").open(encoding="utf-8") as file:
    PAIRS = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))

D = Decimal


def judged(row: dict[str, str]) -> bool | None:
    statement = Statement(row["statement"], "", "", "will")
    return by_figures(row["headline"], statement, shared_words(row["statement"], row["headline"]))


def test_the_direction_that_is_claimed_is_measured_here() -> None:
    directional = [row for row in PAIRS if row["label"] != "none"]
    found = direction(
        [{True: 1.0, False: -1.0, None: 0.0}[judged(row)] for row in directional],
        [1 if row["label"] == "yes" else -1 for row in directional],
    )
    assert (found["direction"]["value"], found["rows"]) == (FIGURES_MEASURED.direction, FIGURES_MEASURED.pairs)
    assert found["direction"]["low"] > LEAST_DIRECTION


def test_forecasts_and_changes_are_no_reports() -> None:
    assert [judged(row) for row in PAIRS if row["label"] == "none"] == [None] * 5


@pytest.mark.parametrize(
    ("statement", "threshold"),
    [
        ("Inflation will exceed 4% in March.", Threshold(D(4), None, "percent", strict=True, touch=False)),
        ("Bitcoin will reach $150k by May.", Threshold(D(150_000), None, "dollars", strict=False, touch=True)),
        ("Gas will hit $4.25 by March 31.", Threshold(D("4.25"), None, "dollars", strict=False, touch=True)),
        ("The rate will be at most 3.5%.", Threshold(None, D("3.5"), "percent", strict=False, touch=False)),
        ("The rate will be between 3.25% and 3.5%.", Threshold(D("3.25"), D("3.5"), "percent", False, False)),
        ("10-14 ships will transit the strait.", Threshold(D(10), D(14), "count", strict=False, touch=False)),
        ("Pedri will have 2 or more goals.", Threshold(D(2), None, "count", strict=False, touch=False)),
        ("The Fed will cut by more than 25 bps.", Threshold(D(25), None, "basis points", strict=True, touch=False)),
        ("The Fed will cut rates in September 2026.", None),
        ("She will win the 2026 election on November 3.", None),
    ],
)
def test_the_threshold_of_a_statement(statement: str, threshold: Threshold | None) -> None:
    assert threshold_of(statement) == threshold


@pytest.mark.parametrize(
    ("headline", "met"),
    [
        ("Price closes at $101", True),
        ("Price closes at $100", False),
        ("Price closes at $99", False),
        ("Price falls to $99", False),
        ("Price falls by $120", None),
        ("Price could reach $120", None),
        ("Price nears $100 mark", None),
        ("Price opens at $99, closes at $101", None),
        ("Price up 120 percent", None),
        ("Company worth $4 billion", None),
        ("Meeting on March 120", None),
        ("", None),
    ],
)
def test_what_a_headline_says_of_above_100_dollars(headline: str, met: bool | None) -> None:
    assert compare(headline, Threshold(D(100), None, "dollars", strict=True, touch=False)) is met


@given(low=st.integers(1, 10**6), value=st.integers(1, 10**6))
def test_a_reported_value_meets_a_threshold_as_arithmetic_says(low: int, value: int) -> None:
    met = compare(f"Index closes at ${value:,}", Threshold(D(low), None, "dollars", strict=False, touch=False))
    assert met is None or met is (value >= low)


@given(text=st.text(max_size=300))
def test_any_text_is_survived(text: str) -> None:
    threshold_of(text)
    compare(text, Threshold(D(5), None, "percent", strict=True, touch=False))
