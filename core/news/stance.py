"""Whether a piece of news makes an outcome likelier, by the best means at hand, each of which says what it is worth.

In this order: what the caller says himself; a figure that decides the question by arithmetic; a model of inference,
asked about the question's statement and its negation; the sentiment towards the question's subject, which is no
stance and is never counted as one. Means whose direction was not measured, or is not good enough, are shown and move
nothing.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...gpu.interface import ComputeError, Executor
from ..models import Market, NewsItem, Outcome
from .relevance import Relevance, relevance
from .statements import Statement, statement_of
from .thresholds import compare, threshold_of

Basis = Literal["caller", "figures", "inference", "sentiment", "none"]

LEAST_DIRECTION = 0.70
"""Of labelled pairs it has not seen, the share whose direction an engine must get right to move a fair value."""

LEAST_PAIRS = 30
RELATED = 0.3
"""Below this relatedness a text bears on neither the statement nor its negation, and has no stance."""

_DEADLINE_S = 20.0
_CALLERS_STRENGTH = 0.5
_UNCLEAR = 0.1
_MONTHS = frozenset(
    {"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"}
    | {"december", "first", "end", "week", "month", "year", "day"}
)


@dataclass(frozen=True, slots=True)
class Measured:
    """How often an engine's direction was right, on `pairs` labelled ones of the set `on` that it had not seen."""

    direction: float
    pairs: int
    on: str

    @property
    def good_enough(self) -> bool:
        return self.direction >= LEAST_DIRECTION and self.pairs >= LEAST_PAIRS


FIGURES_MEASURED = Measured(0.925, 40, "number_pairs, written before the first run")


@dataclass(frozen=True, slots=True)
class NewsStance:
    """`score` is -1 (against the outcome) to 1 (for it). `related` is None where nothing measured it.

    `moves` says whether a fair value may follow it. `engine` and `model` name what judged.
    """

    score: float
    basis: Basis
    engine: str
    model: str | None = None
    relatedness: float | None = None
    measured: Measured | None = None

    @property
    def label(self) -> Literal["supports", "opposes", "neutral"]:
        if abs(self.score) < _UNCLEAR:
            return "neutral"
        return "supports" if self.score > 0 else "opposes"

    @property
    def moves(self) -> bool:
        if self.basis == "caller":
            return True
        if self.basis not in ("figures", "inference") or self.measured is None:
            return False
        return self.measured.good_enough and self.label != "neutral"


@dataclass(frozen=True, slots=True)
class Sentiment:
    """What a text says about the question's subject. `score` is positive less negative weight, -1 to 1."""

    label: Literal["negative", "neutral", "positive"]
    score: float
    engine: str
    model: str | None = None


@dataclass(frozen=True, slots=True)
class NewsReading:
    """`sentiment` is None where the workers did not answer; it is apart from the stance, which it does not imply."""

    item: NewsItem
    relevance: Relevance
    stance: NewsStance
    sentiment: Sentiment | None


@dataclass(frozen=True, slots=True)
class NewsReadings:
    """Readings with the most relevant first, the statement they were held against, and what went wrong."""

    readings: tuple[NewsReading, ...]
    statement: Statement
    problem: str | None


class NewsJudge:
    """Reads news about a market. `inference_model` and `sentiment_model` are folders or pinned hub models; without
    the first the sentiment is all there is, without the second the shipped one answers."""

    def __init__(
        self, executor: Executor, *, inference_model: str | None = None, sentiment_model: str | None = None
    ) -> None:
        self._executor = executor
        self._inference_model = inference_model
        self._sentiment_model = sentiment_model

    async def read(self, items: Sequence[NewsItem], market: Market, outcome: Outcome) -> NewsReadings:
        """Judge all items in one call to the workers; a failure there is told, and only takes what they would say."""
        (readings,) = await self.read_many([Question(tuple(items), market, outcome)])
        return readings

    async def read_many(self, questions: Sequence[Question]) -> list[NewsReadings]:
        """As `read` for many outcomes, still in one call."""
        # The dictionary and word lists take milliseconds an item, too long for the loop that answers everybody.
        held = await asyncio.to_thread(lambda: [_hold(question) for question in questions])
        pairs = [(item, each.statement) for each in held for item in each.items]
        answer: Mapping[str, Any] = {}
        problem = None
        if pairs:
            try:
                answer = await self._ask(pairs)
                problem = answer.get("problem")
            except ComputeError as error:
                problem = f"no sentiment and no stance by a model: {error}"
        places = itertools.count()
        return [each.readings(answer, places, problem) for each in held]

    async def _ask(self, pairs: Sequence[tuple[NewsItem, Statement]]) -> Mapping[str, Any]:
        """The workers' answer on each item's stance to its statement, and sentiment. Raises ComputeError."""
        payload = {
            "items": [
                {
                    "text": item.title if not item.text else f"{item.title}. {item.text}",
                    "statement": statement.text,
                    "negation": statement.negation,
                    "target": statement.subject,
                }
                for item, statement in pairs
            ],
            "model": self._inference_model,
            "sentiment_model": self._sentiment_model,
            "with_sentiment": True,
        }
        return await self._executor.submit("stance", payload, deadline_s=_DEADLINE_S)


@dataclass(frozen=True, slots=True)
class Question:
    """Items whose stance towards one outcome is wanted."""

    items: tuple[NewsItem, ...]
    market: Market
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Held:
    """Items with what is known of them before any model is asked."""

    items: tuple[NewsItem, ...]
    relevances: tuple[Relevance, ...]
    statement: Statement

    def readings(self, answer: Mapping[str, Any], places: Iterator[int], problem: str | None) -> NewsReadings:
        """Each item takes the next of `places` in the workers' answer."""
        found = []
        for item, related, place in zip(self.items, self.relevances, places, strict=False):
            stance = _stance(item, self.statement, related, answer, place)
            found.append(NewsReading(item, related, stance, _sentiment(answer, place)))
        found.sort(key=lambda reading: -reading.relevance.score)
        return NewsReadings(tuple(found), self.statement, problem)


def _hold(question: Question) -> _Held:
    market = question.market
    statement = statement_of(market.question, outcome=question.outcome.label, group_title=market.group_title)
    return _Held(question.items, tuple(relevance(item, market) for item in question.items), statement)


def _stance(
    item: NewsItem, statement: Statement, related: Relevance, answer: Mapping[str, Any], index: int
) -> NewsStance:
    if item.stance is not None:
        strength = float(item.strength) if item.strength is not None else _CALLERS_STRENGTH
        sign = {"supports": 1.0, "opposes": -1.0, "neutral": 0.0}[item.stance]
        return NewsStance(sign * strength, "caller", "caller")
    if (met := by_figures(item.title, statement, related.shared)) is not None:
        return NewsStance(1.0 if met else -1.0, "figures", "arithmetic", measured=FIGURES_MEASURED)
    if not answer:
        return NewsStance(0.0, "none", "none")
    return by_model(answer, index)


def by_figures(title: str, statement: Statement, shared: Sequence[str]) -> bool | None:
    """What the figures in a title say of a statement about a figure; None where they, or the subject, do not meet.

    `shared` are the words that title and question have in common.
    """
    threshold = threshold_of(statement.text)
    if threshold is None or not any(word not in _MONTHS and not word[0].isdigit() for word in shared):
        return None
    return compare(title, threshold)


def by_model(answer: Mapping[str, Any], index: int) -> NewsStance:
    """The stance of one item in the workers' answer."""
    judged = answer["items"][index]
    measured = answer.get("measured")
    relatedness = judged["relatedness"]
    inferred = answer["basis"] == "inference"
    return NewsStance(
        score=judged["stance"] if relatedness is None or relatedness >= RELATED else 0.0,
        basis="inference" if inferred else "sentiment",
        engine=answer["engine"],
        model=answer.get("model"),
        relatedness=relatedness,
        measured=Measured(float(measured["direction"]), int(measured["pairs"]), str(measured["on"]))
        if measured
        else None,
    )


def _sentiment(answer: Mapping[str, Any], index: int) -> Sentiment | None:
    if "sentiment_by" not in answer:
        return None
    said, source = answer["items"][index]["sentiment"], answer["sentiment_by"]
    return Sentiment(
        label=said["label"],
        score=round(said["positive"] - said["negative"], 4),
        engine=source["engine"],
        model=source.get("model"),
    )
