"""Questions about a figure, and whether a headline reports one on this or that side of it.

Models of inference are poor at comparing numbers; where both sides name one of the same unit, arithmetic decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Unit = Literal["dollars", "percent", "basis points", "count"]

_MAGNITUDES = {
    "k": 3,
    "thousand": 3,
    "m": 6,
    "mn": 6,
    "million": 6,
    "b": 9,
    "bn": 9,
    "billion": 9,
    "t": 12,
    "tn": 12,
    "trillion": 12,
}
_NUMBER = re.compile(
    r"(?<![\w.,])(?P<sign>-)?(?P<dollar>\$|US\$)?(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?: ?(?P<magnitude>k|mn|m|bn|b|tn|t|thousand|million|billion|trillion)\b)?"
    r"(?P<plus>\+)?"
    r"(?P<unit> ?%| percent\b| per cent\b| ?bps\b| basis points\b| dollars\b)?",
    re.IGNORECASE,
)
_ABOVE = r"(?:above|over|exceeds?|more than|greater than|higher than|at least|surpass(?:es)?|tops?|top|north of)"
_BELOW = r"(?:below|under|less than|fewer than|lower than|at most|no more than)"
_REACHED_UP = r"(?:reach(?:es)?|hits?|tops?|touch(?:es)?)"
_REACHED_DOWN = r"(?:dips? to|falls? to|drops? to|sinks? to)"
_BETWEEN = re.compile(r"\bbetween (?P<low>\S+) and (?P<high>\S+)|(?<![\w.,])(?P<from>\d[\d.,]*)[-–](?P<to>\d[\d.,]*%?)")
_SUFFIX = re.compile(
    r"^\s*(?:or (?P<more>more|higher|above|greater)|or (?P<less>less|lower|fewer|below))\b", re.IGNORECASE
)

_UNSURE = re.compile(
    r"\b(?:could|may|might|would|should|will|to|expects?|expected|forecasts?|predicts?|sees?|seen|eyes?|targets?|bets?|"
    r"odds|poll|analysts?|if|goal|aims?|hopes?|fears?|near|nears|nearly|almost|close to|toward|towards|ahead of)\b",
    re.IGNORECASE,
)
"""Words of forecasts, wishes and near misses, before the figure: what they report has not happened."""

_CHANGE = re.compile(r"\b(?:by|up|down|gains?|loses?|adds?|sheds?|slips?|jumps?|surges?|plunges?)\s*$", re.IGNORECASE)
_DATE = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|"
    r"Aug|Sep|Sept|Oct|Nov|Dec)\.?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Figure:
    value: Decimal
    unit: Unit


@dataclass(frozen=True, slots=True)
class Threshold:
    """True for values from `low` to `high`; either end may be open (None). `strict` excludes the ends.

    With `touch`, once is enough: a value elsewhere says nothing.
    """

    low: Decimal | None
    high: Decimal | None
    unit: Unit
    strict: bool
    touch: bool

    def holds(self, value: Decimal) -> bool:
        if self.strict:
            return (self.low is None or value > self.low) and (self.high is None or value < self.high)
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


def threshold_of(statement: str) -> Threshold | None:
    """The figure that decides a statement, if there is exactly one."""
    if (between := _between(statement)) is not None:
        return between
    for match in _NUMBER.finditer(statement):
        figure = _figure(match)
        if _is_date(statement, match, figure):
            continue
        before, after = statement[: match.start()], statement[match.end() :]
        suffix = _SUFFIX.match(after)
        strict = not re.search(r"at (?:least|most) $", before, re.IGNORECASE)
        if (suffix and suffix["more"]) or match["plus"]:
            return Threshold(figure.value, None, figure.unit, strict=False, touch=False)
        if suffix and suffix["less"]:
            return Threshold(None, figure.value, figure.unit, strict=False, touch=False)
        if re.search(rf"\b{_REACHED_UP} $", before, re.IGNORECASE):
            return Threshold(figure.value, None, figure.unit, strict=False, touch=True)
        if re.search(rf"\b{_REACHED_DOWN} $", before, re.IGNORECASE):
            return Threshold(None, figure.value, figure.unit, strict=False, touch=True)
        if re.search(rf"\b{_ABOVE} $", before, re.IGNORECASE):
            return Threshold(figure.value, None, figure.unit, strict=strict, touch=False)
        if re.search(rf"\b{_BELOW} $", before, re.IGNORECASE):
            return Threshold(None, figure.value, figure.unit, strict=strict, touch=False)
    return None


def compare(headline: str, threshold: Threshold) -> bool | None:
    """Whether the figures that a headline reports meet the threshold; None where it reports none, or both.

    A figure counts when it has the threshold's unit and is neither a forecast nor a change. Dollars within a factor of
    twenty are taken to be of the same thing.
    """
    verdicts = set()
    for match in _NUMBER.finditer(headline):
        figure = _figure(match)
        before = headline[: match.start()]
        if figure.unit != threshold.unit or _is_date(headline, match, figure) or not _comparable(figure, threshold):
            continue
        if _UNSURE.search(_without_falls(before)) or (figure.unit != "percent" and _CHANGE.search(before)):
            continue
        if re.search(r"\bby\s*$", before, re.IGNORECASE):
            continue
        verdicts.add(threshold.holds(figure.value))
    if len(verdicts) != 1:
        return None
    (met,) = verdicts
    return None if threshold.touch and not met else met


def _without_falls(text: str) -> str:
    """A text without `falls to` and its like, whose `to` is no infinitive."""
    return re.sub(
        r"\b(?:falls?|fell|drops?|dropped|rises?|rose|climbs?|climbed|dips?|dipped|slides?|slid|eases?|eased|jumps?|jumped|"
        r"sinks?|sank|cools?|cooled|slows?|slowed|soars?|soared|up|down|cut|raised|surges?|surged|back) to\b",
        " ",
        text,
        flags=re.IGNORECASE,
    )


def _between(statement: str) -> Threshold | None:
    for match in _BETWEEN.finditer(statement):
        low, high = (_NUMBER.match(match[name]) for name in (("low", "high") if match["low"] else ("from", "to")))
        if low is None or high is None:
            continue
        first, last = _figure(low), _figure(high)
        unit = last.unit if first.unit == "count" else first.unit
        if first.value < last.value and not (unit == "count" and 1900 < last.value < 2100):
            return Threshold(first.value, last.value, unit, strict=False, touch=False)
    return None


def _figure(match: re.Match[str]) -> Figure:
    value = Decimal(match["digits"].replace(",", "")).scaleb(_MAGNITUDES.get((match["magnitude"] or "").lower(), 0))
    unit = (match["unit"] or "").strip().lower()
    kind: Unit = "count"
    if match["dollar"] or unit == "dollars":
        kind = "dollars"
    elif unit in ("%", "percent", "per cent"):
        kind = "percent"
    elif unit in ("bps", "basis points"):
        kind = "basis points"
    return Figure(-value if match["sign"] else value, kind)


def _is_date(text: str, match: re.Match[str], figure: Figure) -> bool:
    """Whether a bare number is a year or the day of a month."""
    if figure.unit != "count" or match["magnitude"]:
        return False
    year = 1900 < figure.value < 2100 and "," not in match["digits"]
    return year or _DATE.search(text[: match.start()]) is not None


def _comparable(figure: Figure, threshold: Threshold) -> bool:
    reference = threshold.low if threshold.low is not None else threshold.high
    if figure.unit == "percent" or not reference:
        return True
    return reference / 20 <= figure.value <= reference * 20
