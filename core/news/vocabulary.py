"""Finds in a text what it is about: banks, countries, assets, competitions and topics by any of their names."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from .duplicates import without_accents

_TOKEN = re.compile(r"[A-Z]{2}-\d{1,2}\b|[^\W_]+(?:[.,](?=\d)\d+|['’.&][^\W_]+)*\.?")
_POSSESSIVE = re.compile(r"['’]s?$")
_UNCUT = frozenset({"meeting", "meetings"})
"""A central bank's meeting is none where people meet."""

_VOWELS = frozenset("aeiouy")


@dataclass(frozen=True, slots=True)
class Concept:
    """`kind` is one of bank, asset, country, place, person, competition, topic, sport and decisive."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Token:
    """A word as it stands, its stem, and whether it begins with a capital."""

    text: str
    stem: str

    @property
    def is_capital(self) -> bool:
        return self.text[:1].isupper()


def tokens_of(text: str) -> list[Token]:
    """The words of a text. Hyphens part words, save in names of districts such as NY-12."""
    found = []
    for match in _TOKEN.finditer(without_accents(text)):
        word = _POSSESSIVE.sub("", match.group()).rstrip(".")
        if word:
            found.append(Token(word, stem(word)))
    return found


@functools.lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """A word without its inflection: rates, rated and rating are one."""
    lowered = word.casefold().replace("’", "'")
    if lowered in _UNCUT:
        return lowered.removesuffix("s")
    if not lowered.isalpha():
        if lowered[:1].isdigit():
            return lowered
        return re.sub(r"-0?", "", lowered).replace(".", "")  # NY-08 is NY-8, U.S is us
    for ending in ("ing", "ies", "ed", "es", "s"):
        if lowered.endswith(ending) and len(lowered) - len(ending) >= 3 and not lowered.endswith("ss"):
            cut = lowered[: -len(ending)]
            if not _VOWELS & set(cut):
                break
            lowered = cut + "y" if ending == "ies" else cut
            if ending in ("ing", "ed") and len(lowered) > 3 and lowered[-1] == lowered[-2] and lowered[-1] not in "sl":
                lowered = lowered[:-1]
            break
    return lowered[:-1] if lowered.endswith("e") and len(lowered) > 3 else lowered


@dataclass(frozen=True, slots=True)
class _Spelling:
    stems: tuple[str, ...]
    concept: Concept | None
    capitals: str
    """`all` where only the word in capitals means the concept, `first` where it must begin with one; else empty."""

    def stands(self, tokens: Sequence[Token], index: int) -> bool:
        """Whether the words from here on are this spelling."""
        end = index + len(self.stems)
        if end > len(tokens) or any(tokens[at].stem != each for at, each in enumerate(self.stems, start=index)):
            return False
        text = tokens[index].text
        return text.isupper() if self.capitals == "all" else not self.capitals or text[0].isupper()


def concepts_in(tokens: Sequence[Token]) -> Iterator[tuple[int, int, Concept]]:
    """What is named, with the first word and the one after the last, the longest spelling at each place."""
    spellings = _spellings()
    index = 0
    while index < len(tokens):
        standing = [each for each in spellings.get(tokens[index].stem, ()) if each.stands(tokens, index)]
        length = len(standing[0].stems) if standing else 1
        for spelling in standing:
            # One spelling may name two things: a Fed meeting is both the bank and its meeting.
            if len(spelling.stems) == length and spelling.concept is not None:
                yield index, index + length, spelling.concept
        index += length


@functools.cache
def _spellings() -> Mapping[str, tuple[_Spelling, ...]]:
    """Spellings by their first stem, the longest first."""
    table = resources.files(__package__).joinpath("concepts.tsv").read_text(encoding="utf-8")
    found: defaultdict[str, list[_Spelling]] = defaultdict(list)
    for line in table.splitlines():
        if not line or line.startswith("#"):
            continue
        kind, name, spellings = line.split("\t")
        concept = None if kind == "longer" else Concept(kind, name)
        for spelling in spellings.split("|"):
            words = tokens_of(spelling)
            capitals = "all" if spelling.isupper() else "first" if spelling[0].isupper() else ""
            found[words[0].stem].append(_Spelling(tuple(word.stem for word in words), concept, capitals))
    return {first: tuple(sorted(each, key=lambda spelling: -len(spelling.stems))) for first, each in found.items()}


@functools.lru_cache(maxsize=65_536)
def is_ordinary(word: str) -> bool:
    """Whether the dictionary has a word, in any form: names of people and teams are rarely in it."""
    from lemminflect import getAllLemmas

    return bool(getAllLemmas(word.casefold()))
