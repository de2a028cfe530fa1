"""Frames of the market stream that somebody flattened into a table: a row per level, with the frame's fields in each.

Columns: `event_type` (book, price_change or last_trade_price), `asset_id`, `price`, `side` (bid or BUY, ask or SELL),
`size`, `timestamp`, and one that names the market (`market`, `condition_id`, `market_slug` or `market_id`); `hash`
keeps books of one millisecond apart.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from ...money import MICRO, to_micro
from ...table_files import UNREADABLE, records, suffix_of
from ..book import Side
from ..units import price_units
from .files import Unreadable
from .level2 import stand_in_token
from .moments import BookMoment, LevelMoment, TradeMoment
from .payloads import Recorded

_NEEDED = frozenset({"event_type", "asset_id", "price", "side", "size", "timestamp"})
_MARKETS = ("market", "condition_id", "market_slug", "market_id")
_SIDES: Mapping[str, Side] = {"BID": "BUY", "BUY": "BUY", "ASK": "SELL", "SELL": "SELL"}
_SECONDS_END = 10**11


def is_flat(path: Path) -> bool:
    """Whether a CSV or TSV table has the columns of flattened frames."""
    if suffix_of(path) not in (".csv", ".tsv"):
        return False
    try:
        first = next(records(path), {})
    except UNREADABLE:
        return False
    return first.keys() >= _NEEDED


def take_flat_rows(path: Path, into: Recorded) -> None:
    """Take every frame of a table. Raises Unreadable."""
    try:
        for frame in _frames(records(path)):
            _take(frame, into)
    except UNREADABLE as error:
        raise Unreadable(path, f"cannot be read: {error}") from error
    except (KeyError, ArithmeticError) as error:
        raise Unreadable(path, f"a row cannot be read: {error!r}") from error


def _frames(rows: Iterator[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Rows of one frame follow one another: a book is of one token, changes may be of both."""

    def frame(row: Mapping[str, Any]) -> tuple[Any, ...]:
        is_book = row["event_type"] == "book"
        return row["event_type"], row["timestamp"], _name(row), *((row["asset_id"], row.get("hash")) if is_book else ())

    for _, group in itertools.groupby(rows, frame):
        yield list(group)


def _take(frame: Sequence[Mapping[str, Any]], into: Recorded) -> None:
    head = frame[0]
    at_ms, kind = int(head["timestamp"]), head["event_type"]
    at_ms = at_ms * 1000 if at_ms < _SECONDS_END else at_ms
    market = _market(_name(head), into)
    rows = []
    for row in frame:
        token = str(row["asset_id"])
        if token not in into.tokens.setdefault(market, []):
            into.see_token(market, token)
            seen = into.tokens[market]
            if len(seen) > 2:
                raise ValueError(f"{_name(head)} has more than two tokens")
            others = [stand_in_token(market, outcome) for outcome in range(len(seen), 2)]
            into.gamma[market]["clobTokenIds"] = json.dumps([*seen, *others])
        rows.append((token, _SIDES[row["side"].upper()], price_units(Decimal(row["price"])), _size(row["size"])))
    if kind == "book":
        levels: dict[Side, dict[int, int]] = {"BUY": {}, "SELL": {}}
        for _, side, price, size in rows:
            if size:
                levels[side][price] = size
        into.moments.append(BookMoment(at_ms, market, rows[0][0], levels["BUY"], levels["SELL"]))
    elif kind == "price_change":
        into.moments.append(LevelMoment(at_ms, market, tuple(rows)))
    elif kind == "last_trade_price":
        for token, side, price, size in rows:
            into.moments.append(TradeMoment(at_ms, market, token, side, price, size, str(head.get("hash") or "")))


def _market(name: str, into: Recorded) -> str:
    """The condition id that stands for a market, which is described as far as its name does."""
    condition_id = name if name.startswith("0x") else "0x" + hashlib.sha256(name.encode()).hexdigest()
    words = name.replace("-", " ").replace("_", " ")
    into.gamma.setdefault(
        condition_id,
        {"conditionId": condition_id, "slug": name, "question": f"{words[:1].upper()}{words[1:]}?"},
    )
    return condition_id


def _name(row: Mapping[str, Any]) -> str:
    return next(str(row[column]) for column in _MARKETS if row.get(column))


def _size(value: Any) -> int:
    """Binary fractions of a table are nearest to the whole millionths that were sent."""
    return to_micro(round(Decimal(str(value)), len(str(MICRO)) - 1))
