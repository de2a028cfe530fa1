"""The same story twice: under another address of the same page, or in nearly the same words."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

SAME_STORY = 0.75
"""Share of two titles' words that are in both, from which on they tell one story."""

_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|msclkid|mc_[ce]id|igshid|cmpid?|ref|ref_src|source|smid|ns_\w+|at_\w+|sr_share|amp",
    re.I,
)
_PUBLISHER = re.compile(r"\s+[-–—|]\s+[^-–—|]{2,40}$")
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d[\d.,]*%?")
_TURNING = frozenset({"not", "no", "never", "won't", "denies", "fails", "unchanged", "without"})


def canonical_url(address: str) -> str:
    """An address without what leads to the same page: scheme, www and m, tracking, fragment, trailing slash.

    Empty for what is no web address.
    """
    try:
        parts = urlsplit(address.strip())
        host = (parts.hostname or "").lower()
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not host:
        return ""
    host = re.sub(r"^(?:www|m|amp)\.", "", host)
    if port not in (None, 80, 443):
        host = f"{host}:{port}"
    kept = sorted((name, value) for name, value in parse_qsl(parts.query) if not _TRACKING.fullmatch(name))
    path = re.sub(r"/(?:amp/?|index\.html?)?$", "", re.sub(r"/{2,}", "/", parts.path))
    return urlunsplit(("https", host, path, urlencode(kept), ""))


_WHOLE_LETTERS = str.maketrans({"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ß": "ss", "đ": "d", "æ": "ae", "ı": "i"})


class StoryIndex:
    """Titles that were told, by their words. Two with different figures, or one of them negated, are two stories."""

    def __init__(self) -> None:
        self._told: dict[int, tuple[frozenset[str], frozenset[str]]] = {}
        self._by_word: defaultdict[str, set[int]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._told)

    def first_of(self, title: str) -> int | None:
        """The number of the earliest title that tells this story."""
        words, marks = _signature(title)
        if len(words) < 3:
            return None  # "Markets live" is every day's
        # With this much in common at least one of the rarest words is shared.
        rarest = sorted(words, key=lambda word: len(self._by_word.get(word, ())))[: len(words) // 4 + 2]
        candidates = {number for word in rarest for number in self._by_word.get(word, ())}
        for number in sorted(candidates):
            told, told_marks = self._told[number]
            if marks == told_marks and len(words & told) >= SAME_STORY * len(words | told):
                return number
        return None

    def add(self, number: int, title: str) -> None:
        words, marks = _signature(title)
        self._told[number] = (words, marks)
        for word in words:
            self._by_word[word].add(number)


def _signature(title: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words of a title, and what must be equal: its figures and its negations."""
    lowered = without_accents(_PUBLISHER.sub("", title)).casefold()
    words = frozenset(_WORD.findall(lowered))
    return words, frozenset(_NUMBER.findall(lowered)) | (words & _TURNING)


def without_accents(text: str) -> str:
    """Letters without their marks: what one newsroom writes Mbappé is Mbappe in another."""
    if text.isascii():
        return text
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return plain.translate(_WHOLE_LETTERS)
