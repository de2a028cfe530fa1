"""How well the desk finds the markets that news is about, and questions that are one contract, on labelled files.

Two kinds of files, told apart by their columns; CSV, TSV, JSON lines (gzipped or not) or a JSON list.
News: `question` (or `market`), `text` (or `headline`, `title`) and `relevant` (or `label`).
Contracts: `first` and `second` (or `pm_title` and `kalshi_title`), `label` (or `verified`), optionally
`second_outcome` (or `kalshi_subtitle`), what Yes stands for in the second.
A label is 1, true, yes, same or equivalent where the two belong together; everything else is not.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import ConfigurationError
from ..core.models import NewsItem
from ..core.news.matching import ENGINE, match
from ..core.news.questions import question_of
from ..core.news.reading import read_item
from ..core.news.relevance import shared_words
from ..core.news.same_question import compare_questions
from ..gpu.text.evaluation import retrieval

_QUESTIONS = ("question", "market")
_TEXTS = ("text", "headline", "title")
_FIRSTS, _SECONDS = ("first", "pm_title"), ("second", "kalshi_title")
_OUTCOMES = ("second_outcome", "kalshi_subtitle")
_LABELS = ("relevant", "label", "verified")
_TOGETHER = frozenset({"1", "true", "yes", "same", "equivalent"})
_WORDS_IN_COMMON = 2


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """A question with a text, or with another question where `is_contract`. `outcome` belongs to the second."""

    first: str
    second: str
    outcome: str
    is_contract: bool
    together: bool


def read_pairs(path: Path) -> list[LabelledPair]:
    """All rows of a labelled file. Raises ConfigurationError, which names the row."""
    pairs = []
    try:
        for number, row in enumerate(_rows(path), start=1):
            pairs.append(_pair(row, f"{path}, row {number}"))
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    if not pairs:
        raise ConfigurationError(f"{path} has no rows")
    return pairs


def evaluate_matching(pairs: Sequence[LabelledPair]) -> dict[str, Any]:
    """Precision, recall and F1 with 95 % bootstrap intervals over questions, beside counting shared words."""
    found = [_together(pair) for pair in pairs]
    by_words = [len(shared_words(pair.first, pair.second)) >= _WORDS_IN_COMMON for pair in pairs]
    labels = [pair.together for pair in pairs]
    # Rows of contracts are events of their own; headlines about one market are not independent of each other.
    groups = [str(index) if pair.is_contract else pair.first for index, pair in enumerate(pairs)]
    return {
        "engine": "names, figures, dates and what decides" if pairs[0].is_contract else ENGINE,
        "matching": retrieval(found, labels, groups),
        "two_shared_words": retrieval(by_words, labels, groups),
        "everything": retrieval([True] * len(pairs), labels, groups),
        "wrong": [
            {
                "first": pair.first,
                "second": pair.second if not pair.outcome else f"{pair.second} ({pair.outcome})",
                "label": pair.together,
            }
            for pair, is_found in zip(pairs, found, strict=True)
            if is_found is not pair.together
        ],
    }


def _together(pair: LabelledPair) -> bool:
    if pair.is_contract:
        return compare_questions(pair.first, pair.second, second_outcome=pair.outcome).verdict == "same"
    return match(question_of(pair.first), read_item(NewsItem(pair.second))).counts


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        if {".csv", ".tsv"} & set(path.suffixes):
            form: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if ".tsv" in path.suffixes else {}
            yield from csv.DictReader(file, **form)
        elif ".json" in path.suffixes:
            document = json.load(file)
            yield from document["pairs"] if isinstance(document, dict) and "pairs" in document else document
        else:
            yield from (json.loads(line) for line in file if line.strip())


def _pair(row: Mapping[str, Any], where: str) -> LabelledPair:
    if isinstance(row.get("a"), dict) and isinstance(row.get("b"), dict):
        row = {"first": row["a"].get("title"), "second": row["b"].get("title"), "label": row.get("label")}
    label = _first(row, _LABELS).lower()
    if not label:
        raise ConfigurationError(f"{where}: a label is needed")
    first, second = _first(row, _FIRSTS), _first(row, _SECONDS)
    if first and second:
        return LabelledPair(first, second, _first(row, _OUTCOMES), True, label in _TOGETHER)
    question, text = _first(row, _QUESTIONS), _first(row, _TEXTS)
    if not question or not text:
        raise ConfigurationError(f"{where}: a question and a text, or two questions, are needed")
    return LabelledPair(question, text, "", False, label in _TOGETHER)


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((str(row[name]) for name in names if row.get(name) not in (None, "")), "")
