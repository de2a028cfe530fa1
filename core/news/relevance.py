"""How much an item is about a market, by the words they share."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..models import Market, NewsItem

_WORD = re.compile(r"[a-z0-9$%][a-z0-9$%.'-]*[a-z0-9$%]|[a-z0-9]")
_STOP_WORDS = frozenset(
    {
        "a",
        "after",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "before",
        "between",
        "by",
        "can",
        "did",
        "do",
        "does",
        "during",
        "for",
        "from",
        "had",
        "has",
        "have",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "market",
        "may",
        "more",
        "no",
        "not",
        "of",
        "on",
        "or",
        "over",
        "resolve",
        "than",
        "that",
        "the",
        "their",
        "there",
        "this",
        "to",
        "under",
        "up",
        "was",
        "were",
        "what",
        "when",
        "which",
        "who",
        "will",
        "with",
        "would",
        "yes",
    }
)
_SYNONYMS = {
    "fed": "federal reserve",
    "fomc": "federal reserve open market committee",
    "rates": "rate interest",
    "hike": "increase",
    "hikes": "increase",
    "raise": "increase",
    "raises": "increase",
    "cut": "decrease",
    "cuts": "decrease",
    "lowers": "decrease",
    "btc": "bitcoin",
    "eth": "ethereum",
    "ether": "ethereum",
    "cpi": "cpi inflation prices",
    "inflation": "inflation prices",
    "jobless": "unemployment",
    "bps": "basis points",
}
_TITLE_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class Relevance:
    """`score` runs from 0 (nothing in common) to 1; `shared` are the words that made it."""

    score: float
    shared: tuple[str, ...]


def relevance(item: NewsItem, market: Market) -> Relevance:
    """Cosine of the two weighted word vectors: question and event title against title and text."""
    subject = _vector([(market.question, _TITLE_WEIGHT), (market.event_title, 1.0), (" ".join(market.tags), 0.5)])
    article = _vector([(item.title, _TITLE_WEIGHT), (item.text[:2000], 1.0)])
    shared = subject.keys() & article.keys()
    if not shared:
        return Relevance(0.0, ())
    product = sum(subject[word] * article[word] for word in shared)
    score = product / (_norm(subject.values()) * _norm(article.values()))
    strongest = sorted(shared, key=lambda word: (-subject[word] * article[word], word))
    return Relevance(min(score, 1.0), tuple(strongest[:6]))


def shared_words(first: str, second: str) -> tuple[str, ...]:
    """Words that two texts share, stemmed, without those that every text has."""
    return tuple(sorted(set(_words(first)) & set(_words(second))))


def _vector(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part, weight in parts:
        for word in _words(part):
            weights[word] = max(weights.get(word, 0.0), weight)
    return weights


def _words(text: str) -> Iterable[str]:
    for word in _WORD.findall(text.lower()):
        for each in _SYNONYMS.get(word, word).split():
            if each not in _STOP_WORDS:
                yield _stem(each)


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def _norm(values: Iterable[float]) -> float:
    return math.sqrt(sum(value * value for value in values))
