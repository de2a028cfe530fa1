"""Whether two questions, of two venues perhaps, are decided by the same fact: one contract under two wordings.

Names, figures, dates and what decides must all agree. Likeness of wording says little here: the closest pairs of
contracts that are not the same differ in one word.
"""

from __future__ import annotations

import calendar
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .vocabulary import Concept, concepts_in, is_ordinary, tokens_of

Verdict = Literal["same", "opposite", "different"]

_MARKS = (
    r"jury",
    r"match-?up",
    r"make the cut",
    r"extra time",
    r"(?:penalty )?shoot-?out",
    r"first half|1st half|\b1h\b",
    r"second half|2nd half|\b2h\b",
    r"single game",
    r"eliminat",
    r"advanc",
    r"qualif|reach the",
    r"semi-?final",
    r"quarter-?final",
    r"bottom|last place",
    r"second[- ]place|in 2nd",
    r"third[- ]place|in 3rd",
    r"fourth[- ]place|in 4th",
    r"first round",
    r"run-?off",
    r"submission",
    r"draw\b|tie\b",
    r"both teams",
    r"\bassists?\b",
    r"\bgoals?\b",
    r"\bshots?\b",
    r"\bsaves\b",
    r"most sixes",
    r"concede",
    r"combine",
    r"first goal",
    r"wins? by|spread|handicap",
    r"featured",
    r"\bsaid\b|\bsay\b",
    r"\bmvp\b",
    r"90 minutes|regulation",
    r"most seats",
    r"primary",
    r"nominee|nomination",
    r"exact (?:score|series)",
    r"(?:any|a) (?:\w+ )?(?:team|man|woman|player) (?:from|other)",
    r"\bcme\b",
    r"coinbase",
    r"binance",
    r"initial",
    r"revis",
    r"between",
    r"recession",
    r"\bgo to\b",
)
"""Words that decide. One that stands on one side alone makes another contract."""

_MARK_PATTERNS = tuple(re.compile(each, re.IGNORECASE) for each in _MARKS)
_BELOW = re.compile(r"\b(?:below|under|less than|fewer than|lower than|dip)\b", re.IGNORECASE)
_AT_LEAST = re.compile(r"\bat least\b|\bat or (?:above|below)\b|\bor (?:higher|more|above|lower)\b", re.IGNORECASE)
_ABOVE = re.compile(r"\b(?:above|over|exceeds?|more than|greater than)\b", re.IGNORECASE)
_FIGURE = re.compile(r"(?<![\w.])\$?(\d[\d,]*(?:\.\d+)?)(k|m|b)?\b", re.IGNORECASE)
_MONTHS = {
    name.lower()[:length]: number for number, name in enumerate(calendar.month_name) if name for length in (3, 4, 9)
}
_DATE = re.compile(rf"\b({'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?(?: (\d{{1,2}})\b(?!,\d))?", re.I)
_VERSUS = re.compile(r"^(?:.*?: )?(.+?) (?:vs\.?|@) (.+?)(?: - .*|: .*)?$", re.IGNORECASE)
_OF_EVERY = frozenset(
    {"a", "above", "ac", "afc", "an", "and", "any", "are", "at", "bc", "be", "below", "both", "by", "cf"}
    | {"championship", "club", "college", "cup", "democratic", "distance", "division", "during", "election"}
    | {"esports", "exact", "fc", "featuring", "female", "fifa", "fight", "final", "finals", "finish", "first"}
    | {"for", "game", "gaming", "get", "go", "governor", "group", "house", "how", "in", "inc", "is", "lead"}
    | {"league", "least", "ltd", "male", "many", "map", "match", "match-up", "men", "mens", "more", "most"}
    | {"ncaa", "next", "no", "nominee", "o", "of", "on", "open", "or", "other", "outcome", "over", "party"}
    | {"place", "playoffs", "points", "presidential", "primary", "record", "republican", "round", "sc", "score"}
    | {"scored", "season", "seat", "second", "senate", "series", "set", "stage", "team", "team's", "than", "the"}
    | {"third", "to", "top", "total", "totals", "tournament", "u", "under", "vs", "week", "what", "which", "who"}
    | {"will", "win", "winner", "wins", "women", "womens", "won", "world", "yes"}
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`why` says what differs, or what was found to agree."""

    verdict: Verdict
    why: tuple[str, ...]


def compare_questions(first: str, second: str, *, second_outcome: str = "") -> Comparison:
    """Hold two questions against each other. `second_outcome` is what Yes stands for where the second does not say so.

    Opposite are two sides of one match, and the values above and below one figure.
    """
    asked = f"{second} {second_outcome}".strip()
    if differs := _differences(first, asked):
        return Comparison("different", differs)
    if _lacks(first, second_outcome):
        return Comparison("different", (f"only one names {second_outcome[:60]}",))
    if (_BELOW.search(first) and _ABOVE.search(asked)) or (_ABOVE.search(first) and _BELOW.search(asked)):
        return Comparison("opposite", ("the other side of the figure",))
    if (sides := _VERSUS.match(first)) is not None and second_outcome:
        ours, theirs = (_overlap(second_outcome, side) for side in sides.groups())
        if theirs > ours:
            return Comparison("opposite", ("the other side of the match",))
    return Comparison("same", ("names, figures, dates and what decides agree",))


def _differences(first: str, second: str) -> tuple[str, ...]:
    for pattern in _MARK_PATTERNS:
        one, other = pattern.search(first), pattern.search(second)
        if (one is None) != (other is None):
            said = (one or other).group()  # type: ignore[union-attr]  # one of them was found
            return (f"only one says {said.lower()!r}",)
    if bool(_AT_LEAST.search(first)) != bool(_AT_LEAST.search(second)) and _ABOVE.search(first + second):
        return ("only one includes its figure",)
    figures = _figures(first), _figures(second)
    if figures[0] != figures[1] and (all(figures) or _counts(figures[0] ^ figures[1])):
        return (f"figures {_told(figures[0])} and {_told(figures[1])}",)
    dates = _dates(first), _dates(second)
    if all(dates) and not _agree(*dates):
        return ("dates differ",)
    missing = _unshared(first, second)
    return (f"only one names {missing}",) if missing else ()


def _lacks(first: str, outcome: str) -> bool:
    """Whether an outcome is somebody whom the other question does not name."""
    name = outcome.partition(":")[0]
    if any(each.isdigit() for each in name) or any(pattern.search(name) for pattern in _MARK_PATTERNS):
        return False
    wanted = [token for token in tokens_of(name) if token.text.casefold() not in _OF_EVERY]
    if not wanted or not all(token.is_capital for token in wanted):
        return False
    here = {token.stem for token in tokens_of(first)} | {concept.name for *_, concept in concepts_in(tokens_of(first))}
    named = {concept.name for *_, concept in concepts_in(wanted)}
    return not named & here and not any(_alike(wanted[-1].stem, each) for each in here)


def _alike(first: str, second: str) -> bool:
    """Whether two names may be one: in full and short, or spelt in two ways."""
    if first[:3] == second[:3] and min(len(first), len(second)) >= 3:
        return True
    return difflib.SequenceMatcher(None, first, second).ratio() >= 0.8


def _counts(figures: Iterable[float]) -> bool:
    """Whether a figure that one side leaves out decides: a set's number or a score does, a season's does not."""
    return any(value < 1900 or value > 2100 for value in figures)


def _figures(text: str) -> frozenset[float]:
    """Figures other than years and days of a month. `3+` and `over 2.5` of whole things are one."""
    undated = _DATE.sub(" ", text)
    found = set()
    for digits, unit in _FIGURE.findall(undated):
        value = float(digits.replace(",", "")) * {"k": 1e3, "m": 1e6, "b": 1e9}.get(unit.lower(), 1)
        if not 1900 < value < 2100:
            found.add(value)
    return frozenset(found)


def _dates(text: str) -> frozenset[tuple[int, int]]:
    """Months with their days, 0 where no day is said."""
    return frozenset(
        (_MONTHS[month.lower()], int(day or 0))
        for month, day in _DATE.findall(text)
        if month[0].isupper() and (month.lower() != "may" or day or " in May" in text or "May 20" in text)
    )


def _agree(first: frozenset[tuple[int, int]], second: frozenset[tuple[int, int]]) -> bool:
    return any(
        month == other_month and (not day or not other_day or day == other_day)
        for month, day in first
        for other_month, other_day in second
    )


def _unshared(first: str, second: str) -> str:
    """A name that stands on one side alone; where both name several, the last of a person's must be shared."""
    ours, theirs = _named(first), _named(second)
    shared = ours.keys() & theirs.keys()
    if not shared:
        return ", ".join(sorted(ours | theirs)[:3]) or "nothing that could be compared"
    for one, other in ((ours, theirs), (theirs, ours)):
        alone = one.keys() - other.keys()
        if len(alone) > 2 * len(shared) + 1:
            return ", ".join(sorted(alone)[:3])
    mine, others = (
        [each for each in sorted(one.keys() - other.keys()) if not is_ordinary(one[each])]
        for one, other in ((ours, theirs), (theirs, ours))
    )
    if mine and others and not any(_alike(one, other) for one in mine for other in others):
        return f"{mine[0]} or {others[0]}"
    return ""


def _named(text: str) -> dict[str, str]:
    """The stems of whatever is named, with how it is written; concepts by their name."""
    tokens = tokens_of(text)
    found: dict[str, str] = {}
    taken = [False] * len(tokens)
    for start, end, concept in concepts_in(tokens):
        if concept.kind in ("sport", "decisive"):
            continue
        taken[start:end] = [True] * (end - start)
        if concept != Concept("topic", "primary"):
            found[concept.name] = concept.name
    for token, is_taken in zip(tokens, taken, strict=True):
        plain = token.text.casefold()
        if not is_taken and plain not in _OF_EVERY and plain not in _MONTHS and not token.text[0].isdigit():
            found[token.stem] = token.text
    return found


def _overlap(outcome: str, side: str) -> int:
    return len({each.stem for each in tokens_of(outcome)} & {each.stem for each in tokens_of(side)})


def _told(figures: frozenset[float]) -> str:
    return ", ".join(f"{each:g}" for each in sorted(figures)) or "none"
