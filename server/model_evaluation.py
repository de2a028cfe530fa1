"""How good the desk's judgement of texts is on labelled files: the whole chain, beside the word list.

A file for sentiment is of the forms in gpu/text/labelled.py. A file for stance is JSON lines or a CSV/TSV table with
the columns `question`, `text` (or `headline`) and `label`: yes (the text makes Yes likelier), no, or none; optionally
`outcome`, and `statement` with `negation` where the question's should not be used.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import ConfigurationError
from ..core.news.relevance import shared_words
from ..core.news.stance import NewsStance, by_figures, by_model
from ..core.news.statements import Statement, statement_of
from ..gpu.interface import Executor
from ..gpu.text.evaluation import classification, direction
from ..gpu.text.labelled import LabelledText, UnreadableLabels, read_labelled

_DEADLINE_S = 600.0
_A_CALL = 128
_SIGNS = {"yes": 1, "no": -1, "none": 0}


@dataclass(frozen=True, slots=True)
class StancePair:
    """`label` is 1 where the text speaks for the statement, -1 against it, 0 where it does neither."""

    question: str
    statement: Statement
    text: str
    label: int


def read_sentiment(path: Path) -> list[LabelledText]:
    """All rows of a labelled file. Raises ConfigurationError."""
    try:
        return read_labelled(path)
    except UnreadableLabels as error:
        raise ConfigurationError(str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def read_stance(path: Path) -> list[StancePair]:
    """All rows of a labelled file. Raises ConfigurationError, which names the row."""
    pairs = []
    try:
        for number, row in enumerate(_rows(path), start=1):
            text, label = row.get("text") or row.get("headline"), str(row.get("label", "")).lower()
            if not text or not (row.get("question") or row.get("statement")):
                raise ConfigurationError(f"{path}, row {number}: a question and a text are needed")
            if label not in _SIGNS:
                raise ConfigurationError(f"{path}, row {number}: the label {label!r} is none of yes, no, none")
            pairs.append(StancePair(row.get("question") or row["statement"], _statement(row), text, _SIGNS[label]))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    if not pairs:
        raise ConfigurationError(f"{path} has no rows")
    return pairs


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix in (".csv", ".tsv"):
            # A tab-separated headline may hold quotation marks of its own.
            form: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if path.suffix == ".tsv" else {}
            yield from csv.DictReader(file, **form)
        else:
            yield from (json.loads(line) for line in file if line.strip())


def _statement(row: Mapping[str, Any]) -> Statement:
    if row.get("statement") and row.get("negation"):
        return Statement(row["statement"], row["negation"], row["statement"], "quoted")
    return statement_of(row.get("question") or f"Will {row['statement']}", outcome=row.get("outcome") or "Yes")


async def evaluate_sentiment(executor: Executor, rows: Sequence[LabelledText], *, model: str | None) -> dict[str, Any]:
    """Accuracy and macro-F1 of the model, of the model without targets, and of the word list."""
    labels = [row.label for row in rows]
    with_target = [{"text": row.text, "target": row.target} for row in rows]
    without = [{"text": row.text} for row in rows]
    answers = {
        "model_scores": await ask(executor, "sentiment", with_target, model=model),
        "without_target": await ask(executor, "sentiment", without, model=model),
        "word_list": await ask(executor, "sentiment", with_target, model="lexicon"),
    }
    return {
        "engine": answers["model_scores"]["engine"],
        "model": answers["model_scores"].get("model"),
        "problem": answers["model_scores"].get("problem"),
        **{
            name: classification([each["label"] for each in answer["items"]], labels)
            for name, answer in answers.items()
        },
    }


async def evaluate_stance(
    executor: Executor, pairs: Sequence[StancePair], *, inference_model: str | None, sentiment_model: str | None
) -> dict[str, Any]:
    """Direction of the whole chain on yes and no, its three labels on all rows, each means on its own rows, and tone.

    A stance that is neutral has the wrong direction. Rows of one question are resampled together.
    """
    answer = await ask(
        executor,
        "stance",
        [stance_item(pair) for pair in pairs],
        model=inference_model,
        sentiment_model=sentiment_model,
        with_sentiment=True,
    )
    stances = [judged(pair, answer, index) for index, pair in enumerate(pairs)]
    tone = await ask(executor, "sentiment", [{"text": pair.text} for pair in pairs], model="lexicon")
    tones = [each["positive"] - each["negative"] for each in tone["items"]]
    moods = [each["sentiment"]["positive"] - each["sentiment"]["negative"] for each in answer["items"]]
    contrasts = [each["stance"] for each in answer["items"]]
    return {
        "engine": answer["engine"],
        "model": answer.get("model"),
        "basis": answer["basis"],
        "problem": answer.get("problem"),
        "chain": {
            **(directions(pairs, [stance.score for stance in stances]) or {}),
            "three_labels": three_labels(pairs, [stance.score for stance in stances]),
        },
        "means": {
            basis: directions(
                [pair for pair, stance in zip(pairs, stances, strict=True) if stance.basis == basis],
                [stance.score for stance in stances if stance.basis == basis],
            )
            for basis in sorted({stance.basis for stance in stances})
        },
        f"{answer['basis']}_alone": directions(pairs, contrasts),
        "sentiment_of_subject": {**(directions(pairs, moods) or {}), "three_labels": three_labels(pairs, moods)},
        "word_list_tone": {**(directions(pairs, tones) or {}), "three_labels": three_labels(pairs, tones)},
    }


def stance_item(pair: StancePair) -> dict[str, str]:
    statement = pair.statement
    return {
        "text": pair.text,
        "statement": statement.text,
        "negation": statement.negation,
        "target": statement.subject,
    }


def judged(pair: StancePair, answer: Mapping[str, Any], index: int) -> NewsStance:
    """What the desk would say of one pair."""
    from ..core.news.stance import FIGURES_MEASURED

    met = by_figures(pair.text, pair.statement, shared_words(pair.question, pair.text))
    if met is not None:
        return NewsStance(1.0 if met else -1.0, "figures", "arithmetic", measured=FIGURES_MEASURED)
    return by_model(answer, index)


def three_labels(pairs: Sequence[StancePair], scores: Sequence[float]) -> dict[str, Any]:
    """Accuracy and macro-F1 of supports, opposes and neutral, which a score near 0 is."""
    names = {1: "supports", -1: "opposes", 0: "neutral"}
    said = [NewsStance(score, "none", "none").label for score in scores]
    return classification(said, [names[pair.label] for pair in pairs])


def directions(pairs: Sequence[StancePair], scores: Sequence[float]) -> dict[str, Any] | None:
    """Over the pairs that have a direction; None where there are none."""
    chosen = [(score, pair) for score, pair in zip(scores, pairs, strict=True) if pair.label]
    if not chosen:
        return None
    return direction(
        [score for score, _ in chosen], [pair.label for _, pair in chosen], [pair.question for _, pair in chosen]
    )


async def ask(executor: Executor, task: str, items: Sequence[Mapping[str, Any]], **options: Any) -> dict[str, Any]:
    """One task on any number of items, some at a time."""
    answer: dict[str, Any] = {}
    answered: list[Any] = []
    for start in range(0, len(items), _A_CALL):
        payload = {"items": list(items[start : start + _A_CALL]), **options}
        answer = dict(await executor.submit(task, payload, deadline_s=_DEADLINE_S))
        answered += answer["items"]
    return {**answer, "items": answered}
