"""The mood of a text by the VADER word list: what answers where no model can be loaded. It knows no targets."""

from __future__ import annotations

import functools
from typing import Any

ENGINE = "lexicon"
_CLEAR = 0.05
"""The published threshold between neutral and clear moods (C. J. Hutto and E. Gilbert, "VADER", 2014)."""

_LONGEST = 2000


def sentiment(text: str) -> dict[str, Any]:
    """Label and weights. The compound score c, -1 to 1, gives |c| to its side and the rest to neutral.

    They are no probabilities: a text that is mostly neutral by weight still has a clear label beyond the threshold.
    """
    compound = float(_analyser().polarity_scores(text[:_LONGEST])["compound"])
    label = "positive" if compound >= _CLEAR else "negative" if compound <= -_CLEAR else "neutral"
    return {
        "label": label,
        "negative": round(max(-compound, 0.0), 4),
        "neutral": round(1 - abs(compound), 4),
        "positive": round(max(compound, 0.0), 4),
    }


@functools.cache
def _analyser() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
