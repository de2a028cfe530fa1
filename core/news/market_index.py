"""Markets by what they are about, so that an item is held only against those it could be about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable

from ..models import Market, NewsItem
from .matching import Match, concerns, match, stands_for
from .questions import Question, question_of
from .reading import read_item
from .vocabulary import Concept


class MarketIndex:
    """Questions by the names in them; those of one subject, such as the dates of a ceasefire, are looked at as one."""

    def __init__(self, markets: Iterable[Market]) -> None:
        self._markets: list[Market] = []
        self._questions: list[Question] = []
        self._groups: dict[Hashable, list[int]] = {}
        self._by_concept: defaultdict[Concept, dict[Hashable, None]] = defaultdict(dict)
        self._by_word: defaultdict[str, dict[Hashable, None]] = defaultdict(dict)
        for market in markets:
            question = question_of(market.question, group_title=market.group_title, event_title=market.event_title)
            named = question.subjects or question.names or question.competitions or question.topics
            group = (question.subjects, question.names, question.competitions, question.topics)
            key = group if named else (question.words,)
            self._groups.setdefault(key, []).append(len(self._markets))
            self._markets.append(market)
            self._questions.append(question)
            self._file(key, question)

    def __len__(self) -> int:
        return len(self._markets)

    def matches(self, item: NewsItem, *, most: int) -> list[tuple[Market, Match]]:
        """The markets an item is about, the closest first."""
        reading = read_item(item)
        groups: dict[Hashable, None] = {}
        for concept in stands_for(reading):
            groups.update(self._by_concept.get(concept, {}))
        for word in reading.stems:
            groups.update(self._by_word.get(word, {}))
        found = []
        for group in groups:
            members = self._groups[group]
            if not concerns(self._questions[members[0]], reading):
                continue
            for number in members:
                matched = match(self._questions[number], reading)
                if matched.counts:
                    found.append((matched.score, number, matched))
        found.sort(key=lambda each: (-each[0], each[1]))
        return [(self._markets[number], matched) for _, number, matched in found[:most]]

    def _file(self, key: Hashable, question: Question) -> None:
        """Put a group under everything by which an item can come to be about it."""
        for concept in question.subjects:
            self._by_concept[concept][key] = None
        for name in question.names:
            self._by_word[min(name.key)][key] = None
        for competition in question.competitions:
            self._by_concept[Concept("competition", competition)][key] = None
        if question.subjects or question.names or question.competitions:
            return
        for topic in question.topics:
            self._by_concept[Concept("topic", topic)][key] = None
        for word in question.words if not question.topics else ():
            self._by_word[word][key] = None


def items_about(items: Iterable[NewsItem], market: Market) -> list[NewsItem]:
    """The items that are about one market, in their order."""
    question = question_of(market.question, group_title=market.group_title, event_title=market.event_title)
    return [item for item in items if match(question, read_item(item)).counts]
