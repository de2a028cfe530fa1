"""The mood of a text by a word list. Tone is not stance: bad news can make Yes likelier."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

from ..models import NewsItem

ENGINE = "lexicon"
_CLEAR = 0.05
"""VADER's published threshold between neutral and clear tone."""


@dataclass(frozen=True, slots=True)
class Tone:
    """`score` runs from -1 (negative) to 1 (positive); `engine` names what produced it."""

    label: Literal["positive", "neutral", "negative"]
    score: float
    engine: str = ENGINE


def tone(item: NewsItem) -> Tone:
    """Score title and text with the VADER lexicon (Hutto and Gilbert, 2014)."""
    text = f"{item.title}. {item.text[:2000]}" if item.text else item.title
    score = float(_analyser().polarity_scores(text)["compound"])
    label: Literal["positive", "neutral", "negative"] = "neutral"
    if score >= _CLEAR:
        label = "positive"
    elif score <= -_CLEAR:
        label = "negative"
    return Tone(label, round(score, 3))


@functools.cache
def _analyser():  # type: ignore[no-untyped-def]  # the library is untyped
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # loads a word list: only when asked for

    return SentimentIntensityAnalyzer()
