"""How far judged news moves a fair value, in log-odds, and how sure that is.

None of these weights could be fitted: nobody records headlines beside the prices that followed and whether they meant
the question. They are assumptions, chosen small, and the interval holds how wrong they may be.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from ..models import NewsItem, PriceHistory
from ..news.stance import NewsReading
from ..untrusted_text import quoted
from .calibration import log_odds_of

ONE_CLEAR_ITEM = 0.5
"""Log-odds for one fresh item of full strength from a reliable source: 12 points at even odds."""

MOST = 1.0
"""Log-odds that all items together may move a value by."""

HALF_LIFE = timedelta(hours=12)
"""After this long an item counts half, whether the price moved or not: others have read it too."""

UNKNOWN = 0.5
"""What counts of an item whose age, or the price at that time, is not known."""

SCALE_DEVIATION = 0.35
"""Relative standard deviation of ONE_CLEAR_ITEM itself, the same for all items."""

_SAME_STORY = 0.7
_WORD = re.compile(r"\w+")
_USUAL_SOURCE = 0.7
_NAMELESS_SOURCE = 0.5
_SOURCES: Mapping[float, str] = {
    1.0: r"reuters|associated press|apnews|\bap\b|bloomberg|\.gov\b|\.europa\.eu|bankofengland|\bboe\b|\becb\b|\bfed\b|"
    r"federal reserve|central bank|\bbis\b|official|court|commission",
    0.2: r"comment|polymarket|forum|\breddit\b|4chan|telegram|discord|\bblog",
    0.3: r"twitter|\bx\.com\b|truth social|facebook|tiktok|youtube|rumou?r",
}
_SOURCE_PATTERNS = {weight: re.compile(words, re.IGNORECASE) for weight, words in _SOURCES.items()}


@dataclass(frozen=True, slots=True)
class ItemShift:
    """What one item adds: `log_odds` is the product of the other figures, of ONE_CLEAR_ITEM and of the stance's score.

    `trust` is twice an engine's measured direction less 1, `fresh` what age leaves, `unpriced` what the price has not
    taken in since the item was first seen, all 0 to 1.
    """

    item: NewsItem
    log_odds: float
    trust: float
    source: float
    fresh: float
    unpriced: float


@dataclass(frozen=True, slots=True)
class NewsShift:
    """`log_odds` towards the outcome with their standard `deviation`, from the `items` that were counted.

    `by_caller` of them are the caller's own view; `repeated` told a story that was already counted.
    """

    log_odds: float
    deviation: float
    items: tuple[ItemShift, ...]
    by_caller: int
    repeated: int

    @property
    def sources(self) -> tuple[str, ...]:
        """Who told the items, by name or else by the host of the address."""
        named = {quoted(each.item.source or source_host(each.item), 60) for each in self.items}
        return tuple(sorted(named - {""}))


def news_shift(
    readings: Sequence[NewsReading], *, now: datetime, price: float | None, history: PriceHistory | None
) -> NewsShift:
    """Add up what may move a value; each story once, each engine by how much better than a coin it was measured.

    `price` and `history` are of the outcome that the stances are towards.
    """
    found: list[ItemShift] = []
    counted: list[frozenset[str]] = []
    by_caller = repeated = 0
    variance = 0.0
    for reading in readings:
        stance = reading.stance
        if not stance.moves or not stance.score:
            continue
        words = frozenset(_WORD.findall(reading.item.title.lower()))
        if any(_overlap(words, told) >= _SAME_STORY for told in counted):
            repeated += 1
            continue
        counted.append(words)
        trust = max(2 * stance.measured.direction - 1, 0.0) if stance.measured else 1.0
        source = 1.0 if stance.basis == "caller" else source_weight(reading.item)
        meant = ONE_CLEAR_ITEM * stance.score * source
        fresh = _freshness(reading.item, now)
        unpriced = _unpriced(reading.item, meant * trust, now=now, price=price, history=history)
        found.append(ItemShift(reading.item, meant * trust * fresh * unpriced, trust, source, fresh, unpriced))
        by_caller += stance.basis == "caller"
        # An engine that is right with chance d says +1 with mean 2d - 1 and this variance; items err independently.
        variance += (meant * fresh * unpriced) ** 2 * (1 - trust**2)
    total = math.fsum(each.log_odds for each in found)
    bounded = max(-MOST, min(total, MOST))
    # What is held back of the sum is held back of its error too, or more news would make an estimate less sure.
    held = bounded / total if total else 1.0
    deviation = held * math.sqrt(variance + (SCALE_DEVIATION * total) ** 2)
    return NewsShift(bounded, deviation, tuple(found), by_caller, repeated)


def source_weight(item: NewsItem) -> float:
    """How much a source is taken to be worth, by its name and the host of its address."""
    named = f"{item.source} {source_host(item)}".strip()
    if not named:
        return _NAMELESS_SOURCE
    return next((weight for weight, pattern in _SOURCE_PATTERNS.items() if pattern.search(named)), _USUAL_SOURCE)


def source_host(item: NewsItem) -> str:
    """The host of an item's address; empty without one."""
    try:
        return urlsplit(item.url).hostname or ""
    except ValueError:
        return ""


def _known_since(item: NewsItem, now: datetime) -> datetime | None:
    """When the item could first be read; a date in the future is none."""
    known = item.first_seen or item.published
    return known if known is not None and known <= now else None


def _freshness(item: NewsItem, now: datetime) -> float:
    since = _known_since(item, now)
    if since is None:
        return UNKNOWN
    return float(0.5 ** ((now - since) / HALF_LIFE))


def _unpriced(
    item: NewsItem, meant: float, *, now: datetime, price: float | None, history: PriceHistory | None
) -> float:
    """What is left of the move an item means, after the price's move in that direction since it was first seen."""
    since = _known_since(item, now)
    if since is None or not meant:
        return 1.0  # its unknown age is counted already
    before = None if history is None else history.price_at(since)
    if price is None or before is None:
        return UNKNOWN
    moved = log_odds_of(price) - log_odds_of(float(before))
    return 1 - min(max(moved / meant, 0.0), 1.0)


def _overlap(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / (len(first | second) or 1)
