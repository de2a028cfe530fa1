"""Labelled sets that are read in place, beside the repository; a benchmark leaves out what is not there."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

from polydesk.core.news.statements import Statement, statement_of
from polydesk.server.model_evaluation import StancePair

ROOT = Path(__file__).resolve().parents[1]
SETS = ROOT.parent / "shared" / "data" / "sentiment"
SENTENCES = ROOT / "tests" / "core" / "news" / "statements.tsv"
_A_QUESTION = 8
"""Sentences taken of each Argus question: more changes the figures little and takes minutes."""

_CLAIMS = 400


def sentences() -> list[dict[str, str]]:
    """(text, target) items of the length of headlines, for measuring speed alone."""
    with SENTENCES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [{"text": row["statement"], "target": row["statement"].partition(" will ")[0]} for row in rows]


def argus(file: Path) -> list[StancePair]:
    """Questions of a prediction market with retrieved sentences; the label is the question's outcome, not a stance."""
    with file.open(encoding="utf-8", newline="") as opened:
        rows = sorted(csv.DictReader(opened), key=lambda row: row["htext"])
    pairs = []
    for question, group in itertools.groupby(rows, key=lambda row: row["htext"]):
        statement = statement_of(question)
        for row in itertools.islice(group, _A_QUESTION):
            pairs.append(StancePair(question, statement, row["mtext"], 1 if row["label"] == "1" else -1))
    return pairs


def claims(file: Path) -> list[StancePair]:
    """IBM's claims for and against a motion, evenly drawn from all topics."""
    every = list(_claims(file))
    return every[:: max(1, len(every) // _CLAIMS)]


def _claims(file: Path) -> Iterator[StancePair]:
    with file.open(encoding="utf-8", newline="") as opened:
        # Each line is one quoted field with semicolons after it, and the row's own quotes doubled inside.
        lines = (line.rstrip("\r\n").rstrip(";")[1:-1].replace('""', '"') for line in opened)
        for row in csv.DictReader(lines):
            motion = row["topicText"].removeprefix("This house believes that ").removeprefix("This house ")
            text, negation = f"{motion}.", f"It is not true that {motion}."
            if " should " in motion:
                negation = f"{motion.replace(' should ', ' should not ', 1)}."
            statement = Statement(text, negation, row["topicTarget"], "quoted")
            label = 1 if row["claims.stance"] == "PRO" else -1
            yield StancePair(row["topicText"], statement, row["claims.claimCorrectedText"], label)
