"""Reads what the recorder wrote: its rows become the moments they were, integer for integer."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import cast

from ...recording.rows import BOOK, CARRIED, GAP, LEVEL, MARKET, RESOLVED, TICK, TRADE, Row, read_rows
from ..book import Side
from .files import Unreadable
from .moments import BlindStretch, BookMoment, LevelMoment, ResolutionMoment, TickMoment, TradeMoment
from .payloads import NotRecognised, Recorded, take

_NO_MOMENTS = frozenset({CARRIED, GAP, MARKET})
_SAME_MESSAGE = attrgetter("kind", "group", "market", "at_ms")


def take_rows(path: Path, into: Recorded) -> None:
    """Take every row of a file. Raises Unreadable.

    A book that a file carries over counts only where the files before do not have it; it is then as old as the first
    thing that the file tells, since what changed before is in none of them.
    """
    from pyarrow import ArrowInvalid

    try:
        rows = list(read_rows(path))
        begins = min((row.at_ms for row in rows if row.kind not in _NO_MOMENTS), default=0)
        for (kind, *_), group in itertools.groupby(rows, _SAME_MESSAGE):
            _TAKE.get(kind, _nothing)(list(group), into, begins)
    except (OSError, ArrowInvalid) as error:
        raise Unreadable(path, f"not a recording: {error}") from error
    except (NotRecognised, KeyError, TypeError, ValueError) as error:
        raise Unreadable(path, f"a row cannot be read: {error!r}") from error


def _market(rows: Sequence[Row], into: Recorded, begins: int) -> None:
    for row in rows:
        described = json.loads(row.text or "")
        if described["conditionId"] not in into.gamma:
            take(described, into)


def _book(rows: Sequence[Row], into: Recorded, begins: int) -> None:
    head = rows[0]
    market, token = str(head.market), str(head.token)
    sides: dict[str | None, dict[int, int]] = {"BUY": {}, "SELL": {}}
    for _, _, _, _, _, _, side, price, size, _ in rows[1:]:
        sides[side][cast(int, price)] = cast(int, size)
    at_ms = max(head.at_ms, begins) if head.kind == CARRIED else head.at_ms
    into.see_token(market, token)
    into.whole.add(market)
    into.moments.append(BookMoment(at_ms, market, token, sides["BUY"], sides["SELL"]))


def _carried(rows: Sequence[Row], into: Recorded, begins: int) -> None:
    if rows[0].market not in into.whole:
        _book(rows, into, begins)


def _levels(rows: Sequence[Row], into: Recorded, begins: int) -> None:
    changed = tuple(
        (cast(str, token), cast(Side, side), cast(int, price), cast(int, size))
        for _, _, _, _, _, token, side, price, size, _ in rows
    )
    into.moments.append(LevelMoment(rows[0].at_ms, str(rows[0].market), changed))


def _trade(rows: Sequence[Row], into: Recorded, begins: int) -> None:
    for row in rows:
        market, token = str(row.market), str(row.token)
        price, size = cast(int, row.price), cast(int, row.size)
        into.see_token(market, token)
        into.moments.append(
            TradeMoment(row.at_ms, market, token, cast(Side, row.side), price, size, str(row.text or ""))
        )


def _tick(rows: Sequence[Row], into: Recorded, begins: int) -> None:
    into.moments += [TickMoment(row.at_ms, str(row.market), cast(int, row.price)) for row in rows]


def _resolved(rows: Sequence[Row], into: Recorded, begins: int) -> None:
    into.moments += [ResolutionMoment(row.at_ms, str(row.market), row.token) for row in rows]


def _gap(rows: Sequence[Row], into: Recorded, begins: int) -> None:
    for row in rows:
        into.whole.discard(str(row.market))
        into.blind.append(BlindStretch(str(row.market), row.at_ms, None, str(row.text or "")))


def _nothing(rows: Sequence[Row], into: Recorded, begins: int) -> None:
    """Best prices are the book's, and news is no matter of the exchange."""


_TAKE: dict[str, Callable[[Sequence[Row], Recorded, int], None]] = {
    MARKET: _market,
    BOOK: _book,
    CARRIED: _carried,
    LEVEL: _levels,
    TRADE: _trade,
    TICK: _tick,
    RESOLVED: _resolved,
    GAP: _gap,
}
