"""A recording as integers in the order of time, so that nothing is computed twice while it is played.

Whole books become the levels in which they differ from what was there before. Levels are those of the first outcome,
whichever token was recorded.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping
from dataclasses import dataclass

from ..book import LevelKey, level_key
from ..units import UNIT
from .moments import BookMoment, LevelMoment, ResolutionMoment, TickMoment, TradeMoment
from .recording import Recording

_Levels = dict[LevelKey, int]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Steps by number: `times_ms` when each is due, `markets` its condition id by index into `condition_ids`.

    `keys` and `sizes` (millionths) of the changed levels lie behind one another; those of step n end at `ends[n]`. A
    step of `whole_books` told of every level. What is no change of levels is in `others`.
    """

    condition_ids: tuple[str, ...]
    times_ms: array[int]
    markets: array[int]
    ends: array[int]
    keys: array[int]
    sizes: array[int]
    whole_books: frozenset[int]
    others: Mapping[int, TradeMoment | TickMoment | ResolutionMoment]

    def __len__(self) -> int:
        return len(self.times_ms)

    def events_before(self, step: int) -> int:
        """Changes of levels and trades of the steps before one."""
        trades = sum(number < step for number, each in self.others.items() if isinstance(each, TradeMoment))
        return (self.ends[step - 1] if step else 0) + trades

    def changes(self, step: int) -> list[tuple[LevelKey, int]]:
        """The levels that a step changes, with their new sizes."""
        begin, end = self.ends[step - 1] if step else 0, self.ends[step]
        return list(zip(self.keys[begin:end], self.sizes[begin:end], strict=True))


def timeline_of(recording: Recording) -> Timeline:
    """The steps of a recording, without moments of unknown markets and of books that are not followed."""
    tokens = {
        str(market.gamma["conditionId"]): [str(token) for token in json.loads(market.gamma["clobTokenIds"])]
        for market in recording.catalogue.markets
    }
    numbers = {condition_id: number for number, condition_id in enumerate(tokens)}
    books: dict[str, _Levels] = {condition_id: {} for condition_id in tokens}
    times, markets, ends, keys, sizes = array("q"), array("l"), array("q"), array("l"), array("q")
    whole_books: set[int] = set()
    others: dict[int, TradeMoment | TickMoment | ResolutionMoment] = {}
    for moment in recording.moments:
        book = books.get(moment.condition_id)
        if book is None:
            continue
        if isinstance(moment, BookMoment):
            if moment.token_id not in recording.source_tokens:
                continue
            whole_books.add(len(times))
            changed = _difference(book, _whole(moment, first=tokens[moment.condition_id][0] == moment.token_id))
        elif isinstance(moment, LevelMoment):
            changed = _levels(moment, recording.source_tokens, first=tokens[moment.condition_id][0])
        else:
            others[len(times)] = moment
            changed = {}
        _apply(book, changed)
        keys.extend(changed.keys())
        sizes.extend(changed.values())
        times.append(moment.at_ms)
        markets.append(numbers[moment.condition_id])
        ends.append(len(keys))
    return Timeline(tuple(tokens), times, markets, ends, keys, sizes, frozenset(whole_books), others)


def _whole(moment: BookMoment, *, first: bool) -> _Levels:
    bids, asks = (moment.bids, moment.asks) if first else (_mirrored(moment.asks), _mirrored(moment.bids))
    levels = {level_key(is_bid=True, price=price): size for price, size in bids.items()}
    levels.update({level_key(is_bid=False, price=price): size for price, size in asks.items()})
    return levels


def _mirrored(levels: Mapping[int, int]) -> dict[int, int]:
    return {UNIT - price: size for price, size in levels.items()}


def _difference(before: _Levels, after: _Levels) -> _Levels:
    gone = dict.fromkeys((key for key in before if key not in after), 0)
    return gone | {key: size for key, size in after.items() if before.get(key, 0) != size}


def _levels(moment: LevelMoment, followed: frozenset[str], *, first: str) -> _Levels:
    """Both tokens tell of every change, as mirror images: the followed one's rows, or the other's alone."""
    rows = [row for row in moment.rows if row[0] in followed] or moment.rows
    levels: _Levels = {}
    for token_id, side, price, size in rows:
        is_first = token_id == first
        levels[level_key(is_bid=(side == "BUY") == is_first, price=price if is_first else UNIT - price)] = size
    return levels


def _apply(book: _Levels, changed: _Levels) -> None:
    for key, size in changed.items():
        if size:
            book[key] = size
        else:
            book.pop(key, None)
