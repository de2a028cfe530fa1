"""Recorded prices of markets: tables with a price (and perhaps quotes) in each row, read into one series a market.

Read are a table whose rows name their market, and a folder with `markets.*` (one row a market) and `prices.*`; CSV,
JSON lines or Parquet, gzipped or not. Columns are known by their usual names, see `COLUMNS`; a candle's close is none
of them, because it is known only when the candle ends, and its time is mostly when that began. What tells how a market
ended is kept apart from the prices, so that nothing that trades on these can see it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..table_files import TABLE_SUFFIXES, UNREADABLE, moment_of, records, stem_of, suffix_of, truth_of

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "at": ("at", "t", "ts_utc", "timestamp", "time"),
    "price": ("price", "yes", "mid", "p"),
    "bid": ("bid", "best_bid"),
    "ask": ("ask", "best_ask"),
    "market": ("market_id", "condition_id", "market_slug", "slug", "market"),
    "name": ("team", "candidate", "outcome_name"),
    "question": ("question", "title"),
    "event": ("event_slug", "event"),
    "ends": ("market_end_date", "end_date", "ends_at"),
    "result": ("yes_won", "yes_won_inferred", "came_true", "resolved_to"),
    "closed": ("closed",),
    "outcome": ("token_index", "outcome_index"),
}

_QUESTIONS = {
    "outright": "Will {name} win the 2026 FIFA World Cup?",
    "advance": "Will {name} advance to the knockout stage of the 2026 FIFA World Cup?",
}
"""What the markets of a table by team ask, where its rows only name the kind of market."""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """The first outcome's price at a moment (unix milliseconds), with the quotes where they were recorded."""

    at_ms: int
    price: Decimal
    bid: Decimal | None = None
    ask: Decimal | None = None


@dataclass(slots=True)
class PriceSeries:
    """One market's prices, oldest first. `first_won` is None where the outcome is not known."""

    key: str
    question: str
    event: str
    ends_at: datetime | None
    first_won: bool | None
    rows: list[PriceRow] = field(default_factory=list)


def read_price_series(path: Path) -> list[PriceSeries]:
    """The series of a table or a folder. Raises ConfigurationError that names the file and what is wrong with it."""
    try:
        found = _of_folder(path) if path.is_dir() else _of_rows(path, records(path), {})
    except UNREADABLE as error:
        raise ConfigurationError(f"{path} cannot be read as a table of prices: {error}") from error
    series = [each for each in found if each.rows]
    if not series:
        raise ConfigurationError(f"{path} holds no prices: no row has a time, a market and a price")
    for each in series:
        each.rows.sort(key=lambda row: row.at_ms)
    return series


def _of_folder(folder: Path) -> list[PriceSeries]:
    tables = [each for each in sorted(folder.iterdir()) if suffix_of(each) in TABLE_SUFFIXES]
    prices = next((each for each in tables if stem_of(each) == "prices"), None)
    markets = next((each for each in tables if stem_of(each) == "markets"), None)
    if prices is None or markets is None:
        raise ConfigurationError(f"{folder}: a folder of prices has a table `prices` and a table `markets`")
    about = {_key(row): row for row in records(markets)}
    return _of_rows(prices, records(prices), about)


def _of_rows(
    path: Path, rows: Iterable[Mapping[str, Any]], about: Mapping[str, Mapping[str, Any]]
) -> list[PriceSeries]:
    found: dict[str, PriceSeries] = {}
    results: dict[str, set[bool]] = defaultdict(set)
    for row in rows:
        if _get(row, "outcome") not in (None, "", 0, "0"):
            continue  # the second outcome's price is the first one's complement
        key, price, at = _key(row), _decimal(_get(row, "price")), _moment(_get(row, "at"))
        if not key or price is None or at is None:
            continue
        whole = {**about.get(key, {}), **row}
        series = found.get(key)
        if series is None:
            series = found[key] = PriceSeries(
                key, _question(whole, key), str(_get(whole, "event") or key), _moment(_get(whole, "ends")), None
            )
        result = truth_of(_get(whole, "result"))
        if result is not None:
            results[key].add(result)
        if truth_of(_get(row, "closed")):
            continue  # a closed market's 0 and 1 are its outcome, not prices
        if not 0 <= price <= 1:
            raise ValueError(f"{price} of {key} is no price of an outcome: those are between 0 and 1")
        series.rows.append(
            PriceRow(int(at.timestamp() * 1000), price, _decimal(_get(row, "bid")), _decimal(_get(row, "ask")))
        )
    for key, said in results.items():
        if len(said) > 1:
            raise ConfigurationError(f"{path}: rows of {key} say both that it came true and that it did not")
        found[key].first_won = said.pop()
    return list(found.values())


def _key(row: Mapping[str, Any]) -> str:
    market, name = _get(row, "market"), _get(row, "name")
    return ": ".join(str(part) for part in (market, name) if part not in (None, ""))


def _question(row: Mapping[str, Any], key: str) -> str:
    if said := _get(row, "question"):
        return str(said)
    template = _QUESTIONS.get(str(_get(row, "market")))
    if template is not None and (name := _get(row, "name")):
        return template.format(name=name)
    words = re.sub(r"[-_]+", " ", key).strip()
    return f"{words[:1].upper()}{words[1:]}?"


def _get(row: Mapping[str, Any], column: str) -> Any:
    return next((row[name] for name in COLUMNS[column] if name in row), None)


def _decimal(value: Any) -> Decimal | None:
    """A number rounded to the finest tick there is; binary fractions of files are nearest to what was recorded."""
    if value in (None, ""):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is no number") from error
    return round(number, 4) if number.is_finite() else None


def _moment(value: Any) -> datetime | None:
    moment = moment_of(value)
    if moment is None and value not in (None, ""):
        raise ValueError(f"{value!r} is no time")
    return moment


def span(series: Sequence[PriceSeries]) -> tuple[datetime, datetime]:
    """The first and the last moment that any of them has a price of."""
    first = min(each.rows[0].at_ms for each in series)
    last = max(each.rows[-1].at_ms for each in series)
    return datetime.fromtimestamp(first / 1000, UTC), datetime.fromtimestamp(last / 1000, UTC)
