"""Prices of markets whose outcome is known, read from files of many layouts.

A file is a CSV or TSV table, JSON lines or Parquet, gzipped or not, with at least a price and an outcome in each row.
Columns are known by their usual names (labelled_columns.py). Series of prices come as a folder with `markets.*` and
`prices.*`, or as JSON lines of the venue's own answers with a `history`; they are read at a few times before the end.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..core.errors import ConfigurationError
from ..core.table_files import TABLE_SUFFIXES, TRUE, UNREADABLE, moment_of, records, stem_of, suffix_of, truth_of
from .labelled_columns import cell, half_spread_of, is_exclusive, number, plain
from .labelled_price import LabelledPrice
from .labelled_series import from_histories, from_series


def read_labelled_prices(path: Path) -> list[LabelledPrice]:
    """All usable rows of a file or folder; rows without a decided outcome or a price inside (0, 1) are passed over.

    Raises ConfigurationError where nothing can be read, or none of it has an outcome.
    """
    try:
        rows = list(_read(path))
    except UNREADABLE as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    if not rows:
        raise ConfigurationError(
            f"{path} has no row with a price between 0 and 1 and an outcome; docs/forecasts.md tells the columns"
        )
    return rows


def _read(path: Path) -> Iterator[LabelledPrice]:
    if not path.is_dir():
        joined = _named(path.parent, "markets")
        if joined is not None and stem_of(path) in ("markets", "prices"):
            path = path.parent
    if path.is_dir():
        markets, prices = _named(path, "markets"), _named(path, "prices")
        if markets is not None and prices is not None:
            yield from from_series(_rows(markets), _rows(prices))
            return
        for inner in sorted(each for each in path.iterdir() if each.is_dir() or suffix_of(each) in TABLE_SUFFIXES):
            yield from _read(inner)
        return
    yield from _table(_rows(path), name=stem_of(path))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file that are objects, with the names of columns in lower case."""
    return (plain(row) for row in records(path) if isinstance(row, Mapping))


def _table(found: Iterator[Mapping[str, Any]], *, name: str) -> Iterator[LabelledPrice]:
    first = next(found, None)
    if first is None:
        return
    rows = itertools.chain((first,), found)
    if "history" in first:
        yield from from_histories(rows)
        return
    for row in rows:
        labelled = _row(row, name=name)
        if labelled is not None:
            yield labelled


def _row(row: Mapping[str, Any], *, name: str) -> LabelledPrice | None:
    if str(row.get("resolved", "true")).lower() not in TRUE or str(row.get("closed", "")).lower() in TRUE:
        return None  # undecided, or a price of after the decision
    price, came_true = number(cell(row, "price")), truth_of(cell(row, "outcome"))
    if price is None or not 0 < price < 1 or came_true is None:
        return None
    if str(row.get("side", "")).upper() == "NO":
        price, came_true = 1 - price, not came_true
    team = str(row.get("team") or "")
    market = " ".join(part for part in (str(cell(row, "market") or ""), team) if part)
    question = str(cell(row, "question") or "")
    ends_at, decided_at = moment_of(cell(row, "ends_at")), moment_of(cell(row, "decided_at"))
    venue = str(row.get("source") or "") if "freeze_price" in row else ""
    two_named = "pricea" in row or "Up or Down" in question
    return LabelledPrice(
        event=str(cell(row, "event") or "") or _event_of(row, question, team, ends_at) or market,
        market=market,
        venue="" if venue == "polymarket" else venue,
        category=str(cell(row, "category") or "") or name.replace("_", " "),
        question=f"{question} {team}".strip(),
        at=moment_of(cell(row, "at")),
        ends_at=ends_at,
        decided_at=decided_at,
        price=price,
        came_true=came_true,
        first_is_yes=not two_named,
        exclusive=is_exclusive(row),
        half_spread=half_spread_of(row),
    )


def _event_of(row: Mapping[str, Any], question: str, team: str, ends_at: datetime | None) -> str:
    """Rows that are decided together: those that ask of one window, one competition, or alike and end together."""
    if "Up or Down" in question:
        return f"up or down, {ends_at}"
    if team:
        # One team wins outright; of others several may win their group or advance.
        return str(row.get("group") or team) if str(row.get("market")) != "outright" else "outright"
    words = re.findall(r"\w+", question.lower())
    return f"{' '.join(words[-4:])}, {ends_at}" if words and ends_at else ""


def _named(folder: Path, stem: str) -> Path | None:
    return next((each for each in sorted(folder.iterdir()) if each.is_file() and stem_of(each) == stem), None)
