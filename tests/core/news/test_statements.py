"""A table of question shapes, the laws that hold for any question, and that real catalogues are covered."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.news.statements import statement_of

with (Path(__file__).parent / "statements.tsv").open(encoding="utf-8", newline="") as file:
    TABLE = list(csv.DictReader(file, delimiter="\t"))


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(TABLE) >= 150
    assert len({statement_of(row["question"]).shape for row in TABLE}) >= 10


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row['question'][:60]} {row['outcome']}{row['group_title']}")
def test_a_question_becomes_its_statement_and_negation(row: dict[str, str]) -> None:
    found = statement_of(row["question"], outcome=row["outcome"] or "Yes", group_title=row["group_title"])
    assert (found.text, found.negation) == (row["statement"], row["negation"])


@pytest.mark.parametrize("row", TABLE[::5], ids=lambda row: row["question"][:60])
def test_no_is_the_negation_of_yes(row: dict[str, str]) -> None:
    yes = statement_of(row["question"], group_title=row["group_title"])
    no = statement_of(row["question"], outcome="No", group_title=row["group_title"])
    assert (no.text, no.negation, no.subject) == (yes.negation, yes.text, yes.subject)


@given(question=st.text(max_size=200), outcome=st.text(max_size=20))
def test_any_text_becomes_two_different_sentences(question: str, outcome: str) -> None:
    found = statement_of(question, outcome=outcome)
    assert found.text.strip()
    assert found.negation.strip()
    assert found.text != found.negation


def test_real_questions_are_read_by_a_rule(shared_data: Path) -> None:
    questions = set()
    for file, column in (
        ("crossvenue/polymarket_kalshi_pairs_labelled_2026-07.csv.gz", "pm_title"),
        ("history/resolved_markets_2022_2026_metadata.csv.gz", "question"),
    ):
        with gzip.open(shared_data / file) as opened:
            rows = csv.DictReader(io.TextIOWrapper(opened, encoding="utf-8"))
            questions |= {row[column] for row in rows}
    quoted = [question for question in questions if statement_of(question).shape == "quoted"]
    assert len(questions) > 4000
    assert len(quoted) / len(questions) < 0.01, quoted
