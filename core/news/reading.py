"""An item of news taken apart: what it mentions, in its title or only in its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..models import NewsItem
from .figures import YEAR, figures_in
from .vocabulary import Concept, Token, concepts_in, is_ordinary, tokens_of

_TEXT_WEIGHT = 0.6
"""What only the text says, beside what the title says."""

_TEXT_READ = 2000


@dataclass(frozen=True, slots=True)
class Reading:
    """What an item mentions, each with 1 where the title does and less where only the text does.

    `capitals` are the stems of words that stood with a capital somewhere.
    """

    concepts: Mapping[Concept, float]
    stems: Mapping[str, float]
    capitals: frozenset[str]
    topics: Mapping[str, float]
    countries: frozenset[str]
    banks: Mapping[str, float]
    sport: frozenset[str]
    years: frozenset[str]
    figures: tuple[float, ...]


def read_item(item: NewsItem) -> Reading:
    """What an item mentions. Only the beginning of a long text is read."""
    concepts: dict[Concept, float] = {}
    stems: dict[str, float] = {}
    capitals: set[str] = set()
    for part, weight in ((item.title[:500], 1.0), (item.text[:_TEXT_READ], _TEXT_WEIGHT)):
        tokens = tokens_of(part)
        for token in tokens:
            stems.setdefault(token.stem, weight)
            if token.is_capital:
                capitals.add(token.stem)
        for start, _, concept in concepts_in(tokens):
            if concept.kind == "asset" and _is_part_of_a_name(tokens, start):
                continue
            if concept.kind == "member":
                concept = Concept("bank", concept.name)
            concepts.setdefault(concept, weight)
    return Reading(
        concepts=concepts,
        stems=stems,
        capitals=frozenset(capitals),
        topics={each.name: weight for each, weight in concepts.items() if each.kind == "topic"},
        countries=frozenset(each.name for each in concepts if each.kind == "country"),
        banks={each.name: weight for each, weight in concepts.items() if each.kind == "bank"},
        sport=frozenset(each.name for each in concepts if each.kind in ("sport", "decisive")),
        years=frozenset(YEAR.findall(item.title)),
        figures=figures_in(item.title),
    )


def _is_part_of_a_name(tokens: Sequence[Token], index: int) -> bool:
    """Whether an asset's name is the second word of somebody else's, such as a firm's."""
    if index == 0:
        return False
    before = tokens[index - 1].text
    return before[0].isupper() and before.isalpha() and len(before) > 3 and not is_ordinary(before)
