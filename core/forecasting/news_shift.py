"""How far judged news moves a fair value, in log-odds."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..news.stance import NewsReading
from .fair_value import FairValue

ONE_CLEAR_ITEM = 0.5
"""Log-odds for one item of full strength: 12 points at even odds. Nothing here can calibrate it, so it is small."""

MOST = 1.0
"""Log-odds that all items together may move a value by."""

_SAME_STORY = 0.7
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class NewsShift:
    """`log_odds` towards the outcome, from `items` counted, of which `by_caller` are the caller's own view.

    `repeated` items told a story that was already counted.
    """

    log_odds: float
    items: int
    by_caller: int
    repeated: int


def news_shift(readings: Sequence[NewsReading]) -> NewsShift:
    """Add up what may move a value; each story once, each engine by how much better than a coin it was measured."""
    total = 0.0
    counted: list[frozenset[str]] = []
    by_caller = repeated = 0
    for reading in readings:
        stance = reading.stance
        if not stance.moves or not stance.score:
            continue
        words = frozenset(_WORD.findall(reading.item.title.lower()))
        if any(_overlap(words, told) >= _SAME_STORY for told in counted):
            repeated += 1
            continue
        counted.append(words)
        by_caller += stance.basis == "caller"
        trust = 2 * stance.measured.direction - 1 if stance.measured else 1.0
        total += ONE_CLEAR_ITEM * stance.score * trust
    return NewsShift(max(-MOST, min(total, MOST)), len(counted), by_caller, repeated)


def moved(fair: FairValue, shift: NewsShift) -> FairValue:
    """The value moved by the shift; its interval holds both what the book says and what the news would make of it.

    So news moves the estimate and widens it, but alone never makes an edge: the low end stays at the book's.
    """
    if not shift.items or not 0 < fair.value < 1:
        return fair
    value, low, high = (_moved(each, shift.log_odds) for each in (fair.value, fair.low, fair.high))
    return FairValue(value, min(fair.low, low), max(fair.high, high), "micro_price_and_news")


def _moved(probability: Decimal, log_odds: float) -> Decimal:
    if not 0 < probability < 1:
        return probability
    odds = math.log(float(probability) / (1 - float(probability))) + log_odds
    return Decimal(str(round(1 / (1 + math.exp(-odds)), 4)))


def _overlap(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / (len(first | second) or 1)
