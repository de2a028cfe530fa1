"""A part of a recording: what happened from one moment to another, beginning with the books as they stood then."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime

from ..errors import ConfigurationError
from ..exchange.replay.moments import BookMoment, LevelMoment, Moment, ResolutionMoment, TickMoment
from ..exchange.replay.recording import Recording
from ..exchange.units import UNIT

_Levels = dict[int, int]


def span_of(recording: Recording) -> tuple[int, int]:
    """The times of the first and the last moment, in unix milliseconds. Raises ConfigurationError without any."""
    if not recording.moments:
        raise ConfigurationError("Nothing happens in this recording.")
    return recording.moments[0].at_ms, recording.moments[-1].at_ms


def windows(first_ms: int, last_ms: int, count: int) -> list[tuple[int, int]]:
    """So many stretches of equal length, each [begin, end) in unix milliseconds; the last one holds the last moment."""
    edges = [first_ms + (last_ms + 1 - first_ms) * number // count for number in range(count + 1)]
    return list(itertools.pairwise(edges))


def between(recording: Recording, begin_ms: int, end_ms: int) -> Recording:
    """What happened in [begin, end), with the books and ticks of the beginning; markets that were decided before it are
    left out. Raises ConfigurationError where nothing happened."""
    decided = {each.condition_id for each in recording.moments if _ends(each) and each.at_ms < begin_ms}
    inside = [
        each for each in recording.moments if begin_ms <= each.at_ms < end_ms and each.condition_id not in decided
    ]
    opening = [each for each in _state(recording, begin_ms) if each.condition_id not in decided]
    if not inside:
        raise ConfigurationError(f"Nothing happened from {_day(begin_ms)} to {_day(end_ms)}.")
    catalogue = dataclasses.replace(
        recording.catalogue,
        starts_at=datetime.fromtimestamp(begin_ms / 1000, UTC),
        markets=tuple(each for each in recording.catalogue.markets if str(each.gamma["conditionId"]) not in decided),
    )
    return dataclasses.replace(recording, catalogue=catalogue, moments=(*opening, *inside))


def _state(recording: Recording, at_ms: int) -> Sequence[Moment]:
    """The last tick and the book of each market before a moment, as if they happened at it."""
    books: dict[str, tuple[str, _Levels, _Levels]] = {}
    ticks: dict[str, TickMoment] = {}
    for moment in recording.moments:
        if moment.at_ms >= at_ms:
            break
        if isinstance(moment, TickMoment):
            ticks[moment.condition_id] = TickMoment(at_ms, moment.condition_id, moment.tick)
        elif isinstance(moment, BookMoment) and moment.token_id in recording.source_tokens:
            books[moment.condition_id] = (moment.token_id, dict(moment.bids), dict(moment.asks))
        elif isinstance(moment, LevelMoment) and moment.condition_id in books:
            _change(books[moment.condition_id], moment)
    return [
        *ticks.values(),
        *(BookMoment(at_ms, market, token, bids, asks) for market, (token, bids, asks) in books.items()),
    ]


def _change(book: tuple[str, _Levels, _Levels], moment: LevelMoment) -> None:
    """The followed token's rows, or, where there are none, the other's as they are mirrored."""
    token, bids, asks = book
    own = [row for row in moment.rows if row[0] == token]
    for _, side, price, size in own or moment.rows:
        levels = bids if (side == "BUY") == bool(own) else asks
        at = price if own else UNIT - price
        if size:
            levels[at] = size
        else:
            levels.pop(at, None)


def _ends(moment: Moment) -> bool:
    return isinstance(moment, ResolutionMoment)


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"
