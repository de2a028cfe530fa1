"""A market's question taken apart: whom it names, what it is about, and the figures and years in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .figures import YEAR, figures_in
from .vocabulary import Concept, Token, concepts_in, is_ordinary, stem, tokens_of

_SUBJECTS = frozenset({"bank", "asset", "country", "place", "person"})
_GENERIC = frozenset(
    {"a", "above", "after", "all", "am", "an", "and", "another", "any", "are", "as", "at", "be", "become"}
    | {"before", "below", "between", "by", "change", "close", "day", "decrease", "did", "dip", "do", "does"}
    | {"down", "during", "end", "et", "fall", "first", "for", "from", "get", "had", "happen", "has", "have"}
    | {"high", "hit", "hold", "how", "if", "in", "increase", "is", "it", "its", "last", "least", "less", "low"}
    | {"make", "many", "meeting", "month", "more", "most", "much", "name", "named", "new", "next", "no", "not"}
    | {"of", "on", "one", "open", "or", "other", "out", "over", "per", "pm", "price", "reach", "remain", "rise"}
    | {"second", "stay", "take", "than", "that", "the", "there", "third", "this", "three", "through", "time"}
    | {"to", "today", "two", "under", "up", "utc", "was", "week", "what", "when", "which", "who", "will", "win"}
    | {"winner", "with", "year", "yes", "off", "say", "list", "go", "see", "come", "use", "where", "late", "early"}
)
_TITLES = frozenset(
    {"actor", "actress", "ai", "apr", "april", "aug", "august", "award", "best", "ceo", "championship"}
    | {"company", "conference", "cup", "dec", "december", "democrat", "democratic", "director", "division"}
    | {"east", "et", "feb", "february", "friday", "game", "governor", "grand", "group", "house", "how", "jan"}
    | {"january", "jul", "july", "jun", "june", "jury", "league", "mar", "march", "match", "may", "mayor"}
    | {"mayoral", "men", "minister", "monday", "no", "nominee", "north", "nov", "november", "o", "oct", "october"}
    | {"open", "over", "party", "picture", "president", "presidential", "prime", "q1", "q2", "q3", "q4"}
    | {"republican", "round", "saturday", "season", "senate", "sep", "sept", "september", "series", "south"}
    | {"stage", "sunday", "thursday", "tuesday", "u", "under", "vs", "wednesday", "week", "west", "what", "who"}
    | {"will", "women", "yes", "usd", "my", "we", "he", "she", "they", "their", "his", "her", "our"}
)
_OF_EVERY_QUESTION = frozenset(stem(word) for word in _GENERIC | _TITLES)
_PRICES = frozenset(
    stem(word) for word in ("price", "above", "below", "drop", "rise", "fall", "dip", "reach", "hit", "up", "down")
)
_TICKER = re.compile(r"\([A-Z0-9.$]{1,6}\)")


@dataclass(frozen=True, slots=True)
class Name:
    """Somebody or something that the vocabulary does not have. `key` are the words that cannot be left out.

    `is_rare` says that no dictionary has them, so that they mean nobody else.
    """

    text: str
    stems: tuple[str, ...]
    key: frozenset[str]
    is_rare: bool


@dataclass(frozen=True, slots=True)
class Question:
    """What a market asks, taken apart: `words` are the stems that are neither names nor of every question.

    `of_a_price` says that nothing but an asset's price is asked.
    """

    subjects: tuple[Concept, ...]
    names: tuple[Name, ...]
    competitions: tuple[str, ...]
    topics: frozenset[str]
    words: frozenset[str]
    years: frozenset[str]
    figures: tuple[float, ...]
    of_a_price: bool


def question_of(question: str, *, group_title: str = "", event_title: str = "") -> Question:
    """Take a question apart. What only the event's title names belongs to the context."""
    subjects: list[Concept] = []
    competitions: list[str] = []
    topics: set[str] = set()
    words: set[str] = set()
    names: list[Name] = []
    for part, is_title in ((question, False), (group_title, False), (event_title, True)):
        tokens = tokens_of(_TICKER.sub(" ", part))
        taken = [False] * len(tokens)
        for start, end, concept in concepts_in(tokens):
            taken[start:end] = [True] * (end - start)
            _sort_concept(concept, subjects, competitions, topics, is_title=is_title)
        if not is_title:
            names += [name for name in _names(tokens, taken) if name not in names]
        for token, is_taken in zip(tokens, taken, strict=True):
            if not is_taken and token.stem not in _OF_EVERY_QUESTION and not token.text[0].isdigit():
                words.add(token.stem)
    named = {each for name in names for each in name.stems}
    asked = {token.stem for token in tokens_of(question)}
    has_asset = any(each.kind == "asset" for each in subjects)
    return Question(
        subjects=tuple(dict.fromkeys(subjects)),
        names=tuple(names),
        competitions=tuple(dict.fromkeys(competitions)),
        topics=frozenset(topics),
        words=frozenset(words - named),
        years=frozenset(YEAR.findall(question)),
        figures=figures_in(question),
        of_a_price=has_asset and bool(asked & _PRICES or figures_in(question)),
    )


def _sort_concept(
    concept: Concept, subjects: list[Concept], competitions: list[str], topics: set[str], *, is_title: bool
) -> None:
    if concept.kind == "competition":
        competitions.append(concept.name)
    elif concept.kind == "topic":
        topics.add(concept.name)
    elif concept.kind in _SUBJECTS and not is_title:
        subjects.append(concept)
    elif concept.kind == "member" and not is_title:
        subjects.append(Concept("bank", concept.name))


def _names(tokens: Sequence[Token], taken: Sequence[bool]) -> list[Name]:
    """Runs of capitals that are no titles of office, months or words that only begin the question."""
    runs: list[list[Token]] = [[]]
    lower = sum(token.text.islower() and len(token.text) > 3 for token in tokens)
    title_case = lower == 0 and len(tokens) > 3
    for index, token in enumerate(tokens):
        plain = token.text.casefold()
        begins = index == 0 and is_ordinary(token.text)
        named = token.is_capital and not taken[index] and plain not in _TITLES and plain not in _GENERIC and not begins
        if title_case and is_ordinary(token.text):
            named = False
        if token.text[0].isdigit() or len(token.text) == 1 or not named:
            runs.append([])
        else:
            runs[-1].append(token)
    return [_name(run) for run in runs if run]


def _name(run: Sequence[Token]) -> Name:
    """A name, and which of its words single it out: the last of a person's, those that no dictionary has."""
    rare = [token.stem for token in run if not is_ordinary(token.text)]
    key = {run[-1].stem} if run[-1].stem in rare or not rare else {rare[-1]}
    if not rare:
        key = {token.stem for token in run}
    return Name(" ".join(token.text for token in run), tuple(token.stem for token in run), frozenset(key), bool(rare))
