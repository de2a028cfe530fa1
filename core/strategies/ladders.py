"""Which of several questions imply each other: thresholds of one quantity, and deadlines of one event."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Literal

from ..models import Market

_MAGNITUDE = {
    "": 1,
    "k": 1_000,
    "m": 10**6,
    "million": 10**6,
    "b": 10**9,
    "billion": 10**9,
    "t": 10**12,
    "trillion": 10**12,
}
_NUMBER = r"\$?(\d[\d,]*(?:\.\d+)?)\s?(k|m|b|t|million|billion|trillion)?(?![\w.])(\s?%)?"
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sept sep", "october oct", "november nov", "december dec"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_DATE = re.compile(
    rf"\b(?P<how>by|before|on or before|on|in|through)\s+(?:the\s+end\s+of\s+|end\s+of\s+)?"
    rf"(?:(?P<month>{'|'.join(_MONTHS)})\b\.?(?:\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b)?(?:,?\s+(?P<year>20\d\d))?"
    rf"|(?P<only_year>20\d\d)\b)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(rf"\bbetween\s+{_NUMBER}\s*(?:-|–|and|to)\s*{_NUMBER}", re.IGNORECASE)
_ABOVE = re.compile(
    rf"\b(?:above|over|at least|more than|greater than|higher than|exceed|reach|hit|surpass)\s+{_NUMBER}"
    rf"|{_NUMBER}\s+or\s+(?:more|higher|above)",
    re.IGNORECASE,
)
_BELOW = re.compile(
    rf"\b(?:below|under|at most|less than|fewer than|lower than|dip to|fall to|drop to|dip below|fall below|drop below)"
    rf"\s+{_NUMBER}|{_NUMBER}\s+or\s+(?:less|fewer|lower|below)",
    re.IGNORECASE,
)

_ONE_DAY = timedelta(days=1)

_LASTING = re.compile(
    r"\b(?:not|no|never|\w+n't|without|remain\w*|stay\w*|hold|holds|last|lasts|surviv\w+|continu\w+|keep\w*|still|avoid\w*"
    r"|until)\b",
    re.IGNORECASE,
)
"""Words of what must hold all the time: of two such deadlines the later one is the harder."""

Timing = Literal["", "on", "in", "by"]


@dataclass(frozen=True, slots=True)
class Rung:
    """A question as "`subject` is within `low` and `high`", on a day, in a time that ends with it, or by it.

    A question that names no time is about its market's end. None where a side is open or nothing is said. `touches`
    says that any moment until the day counts ("reach", "hit", "dip to"), not the value on the day.
    """

    subject: str
    low: Decimal | None
    high: Decimal | None
    timing: Timing
    day: date | None
    touches: bool

    @property
    def has_range(self) -> bool:
        return self.low is not None or self.high is not None


def rung_of(market: Market) -> Rung | None:
    """A market's question as a rung; None where it names neither a threshold nor a deadline."""
    text = market.question
    low = high = None
    touches = False
    if found := _BETWEEN.search(text):
        low, high = _number(found.groups()[:3]), _number(found.groups()[3:6])
    elif found := _ABOVE.search(text):
        low = _number(_first(found.groups()))
        touches = bool(re.match(r"reach|hit|surpass|exceed", found.group(0), re.IGNORECASE))
    elif found := _BELOW.search(text):
        high = _number(_first(found.groups()))
        touches = bool(re.match(r"dip|fall|drop", found.group(0), re.IGNORECASE))
    rest = text[: found.start()] + " # " + text[found.end() :] if found else text
    if found:
        # Which way the range is open is part of the range, not of the subject.
        rest = re.sub(r"\bbe\s+#", "#", rest)
    timing: Timing = ""
    day = None
    if said := _DATE.search(rest):
        how = said["how"].lower()
        # "Through" a day is about all the time until then, and no deadline.
        timing = "on" if how == "on" else "in" if how in ("in", "through") else "by"
        day = _day(said, market.end_date)
        rest = rest[: said.start()] + " @ " + rest[said.end() :]
    if (low is None and high is None and timing != "by") or (said and day is None):
        return None
    if timing == "by" and _LASTING.search(rest):
        return None
    if not timing and market.end_date is not None:
        day = market.end_date.date()
    subject = " ".join(re.findall(r"[\w#@.]+", rest.casefold()))
    return Rung(subject, low, high, timing, day, touches)


def implies(first: Rung, second: Rung) -> bool:
    """Whether the first question's Yes makes the second one's certain, and not only because they are the same."""
    if first.subject != second.subject or (first.timing, first.touches) != (second.timing, second.touches):
        return False
    if first.day is None or second.day is None:
        return False
    # Only what happens once stays true: a level that is not touched but kept may be lost again by the later day.
    happens = first.timing == "by" and (first.touches or not first.has_range)
    if first.day > second.day or (first.day != second.day and not happens):
        return False
    if first.has_range != second.has_range or not _within(first, second):
        return False
    return first != second


def implications(markets: Sequence[Market]) -> list[tuple[Market, Market]]:
    """Pairs of markets of which the first one's Yes implies the second one's."""
    by_subject: dict[str, list[tuple[Rung, Market]]] = {}
    for market in markets:
        rung = rung_of(market)
        if rung is not None:
            by_subject.setdefault(rung.subject, []).append((rung, market))
    return [
        (narrow[1], wide[1])
        for rungs in by_subject.values()
        for narrow, wide in permutations(rungs, 2)
        if implies(narrow[0], wide[0])
    ]


def _within(first: Rung, second: Rung) -> bool:
    """A range inside another, and of those that may be touched at any time one on the same side."""
    if first.touches and ((first.low is None) != (second.low is None)):
        return False
    # "Above 2" leaves 2 out and "between 2 and 3" does not: equal ends are only compared between ranges of one kind.
    alike = (first.low is None, first.high is None) == (second.low is None, second.high is None)
    above = second.low is None or (
        first.low is not None and (first.low > second.low or (alike and first.low == second.low))
    )
    below = second.high is None or (
        first.high is not None and (first.high < second.high or (alike and first.high == second.high))
    )
    return above and below


def _first(groups: Iterable[str | None]) -> tuple[str | None, ...]:
    """The number of the alternative that matched."""
    listed = list(groups)
    return tuple(listed[:3] if listed[0] is not None else listed[3:6])


def _number(parts: Sequence[str | None]) -> Decimal | None:
    digits, magnitude, _ = parts
    if digits is None:
        return None
    return Decimal(digits.replace(",", "")) * _MAGNITUDE[(magnitude or "").lower()]


def _day(said: re.Match[str], ends: datetime | None) -> date | None:
    """The last day meant; None where that could be one of several.

    A year that is not said is the last one in which the day is not after the market's end. "Before" a month or a year
    ends with the day before it begins; "by" one may mean its first day or its last, unless its end is said.
    """
    before = "before" in said["how"].lower() and "on" not in said["how"].lower()
    whole = not said["day"]
    if whole and said["how"].lower() == "by" and "end of" not in said.group(0).lower():
        return None
    try:
        if said["only_year"]:
            first, last = date(int(said["only_year"]), 1, 1), date(int(said["only_year"]), 12, 31)
        else:
            year = int(said["year"]) if said["year"] else _year_of(said, ends)
            if year is None:
                return None
            month = _MONTHS[said["month"].lower()]
            first = date(year, month, int(said["day"] or 1))
            last = first if said["day"] else date(year + month // 12, month % 12 + 1, 1) - _ONE_DAY
    except ValueError:
        return None
    if before and "end of" not in said.group(0).lower():
        return first - _ONE_DAY
    return last


def _year_of(said: re.Match[str], ends: datetime | None) -> int | None:
    if ends is None:
        return None
    month, day = _MONTHS[said["month"].lower()], min(int(said["day"] or 1), 28)
    latest = ends.date() + timedelta(days=7)  # a market may end some hours after the day it asks about
    return next(year for year in (ends.year + 1, ends.year, ends.year - 1) if date(year, month, day) <= latest)
