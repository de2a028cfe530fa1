"""Recorded prices of markets: tables with a price (and perhaps quotes) in each row, read into one series a market.

Read are a table whose rows name their market, rows with a whole history each (`history`: times and prices), and a
folder with `markets.*` (one row a market) and `prices.*`; CSV, JSON lines or Parquet, gzipped or not. Columns are known
by their usual names, see `COLUMNS`; a candle's close is none of them, because it is known only when the candle ends,
and its time is mostly when that began. What tells how a market ended is kept apart from the prices, so that nothing
that trades on these can see it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..exchange.replay.flat_rows import is_flat
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
    "label": ("outcome",),
    "token": ("token_id", "asset_id"),
    "history": ("history",),
}

Rows = Sequence[Mapping[str, Any]]
"""Rows of a table that are at hand, by the names of its columns."""

_TEXT_TABLES = frozenset({".csv", ".tsv"})
_ASSUMED = "assumed to be UTC: the times name no zone"

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


@dataclass(slots=True)
class Tally:
    """What became of the rows of a table. `dropped` counts by reason; `columns` are those of the first row."""

    rows: int = 0
    used: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    columns: tuple[str, ...] = ()
    time_zone: str = ""


def read_price_series(source: Path | Rows) -> list[PriceSeries]:
    """The series of a table, a folder or rows. Raises ConfigurationError that names what is wrong with it."""
    return tallied_series(source)[0]


def tallied_series(source: Path | Rows) -> tuple[list[PriceSeries], Tally]:
    """As `read_price_series`, with what became of the rows."""
    tally = Tally()
    name = str(source) if isinstance(source, Path) else "the rows"
    try:
        found = _of_rows(name, *_tables(source), tally)
    except UNREADABLE as error:
        raise ConfigurationError(f"{name} cannot be read as a table of prices: {error}") from error
    series = [each for each in found if each.rows]
    if not series:
        raise ConfigurationError(f"{name} holds no prices: no row has a time, a market and a price{_told(tally)}")
    for each in series:
        each.rows.sort(key=lambda row: row.at_ms)
    return series, tally


def columns_by_meaning(columns: Iterable[str]) -> dict[str, str]:
    """Which column is taken for what."""
    given = set(columns)
    found = {meaning: next((name for name in names if name in given), None) for meaning, names in COLUMNS.items()}
    return {meaning: name for meaning, name in found.items() if name is not None}


def is_price_table(path: Path) -> bool:
    """Whether a path is read as a table of prices: a table, a folder with `prices` or with a single table, or rows of
    price histories."""
    if path.is_dir():
        tables = _tables_in(path)
        return any(stem_of(each) == "prices" for each in tables) or (
            len(tables) == 1 and suffix_of(tables[0]) in _TEXT_TABLES | {".jsonl"} and is_price_table(tables[0])
        )
    if suffix_of(path) in _TEXT_TABLES:
        return not is_flat(path)
    if suffix_of(path) not in (".jsonl", ".ndjson", ".parquet"):
        return False
    try:
        first = next(iter(records(path)), {})
    except UNREADABLE:
        return False
    meanings = columns_by_meaning(first) if isinstance(first, Mapping) else {}
    return ("history" in meanings or {"at", "price"} <= meanings.keys()) and "event_type" not in first


def _told(tally: Tally) -> str:
    """What a table lacks, and what it has."""
    meanings = columns_by_meaning(tally.columns)
    missing = [f"{each} ({', '.join(COLUMNS[each])})" for each in ("at", "market", "price") if each not in meanings]
    lacks = f"; no column is known as {', nor as '.join(missing)}" if missing else ""
    return f"{lacks}; it has {', '.join(tally.columns[:20])}" if tally.columns else "; it has no rows"


def _tables_in(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.iterdir()) if suffix_of(each) in TABLE_SUFFIXES]


def _tables(source: Path | Rows) -> tuple[Iterable[Mapping[str, Any]], Mapping[str, Mapping[str, Any]]]:
    """The rows with prices, and what is known of markets by their keys."""
    if not isinstance(source, Path):
        return source, {}
    if not source.is_dir():
        return records(source), {}
    tables = _tables_in(source)
    prices = next((each for each in tables if stem_of(each) == "prices"), None)
    markets = next((each for each in tables if stem_of(each) == "markets"), None)
    if len(tables) == 1:
        return records(tables[0]), {}
    if prices is None or markets is None:
        names = ", ".join(each.name for each in tables[:8]) or "no table"
        raise ConfigurationError(
            f"{source}: a folder of prices has a table `prices` and a table `markets`, or a single table; "
            f"this one has {names}"
        )
    return records(prices), {_key(row): row for row in records(markets)}


def _of_rows(
    name: str, rows: Iterable[Mapping[str, Any]], about: Mapping[str, Mapping[str, Any]], tally: Tally
) -> list[PriceSeries]:
    found: dict[str, PriceSeries] = {}
    results: dict[str, set[bool]] = defaultdict(set)
    firsts: dict[str, str] = {}
    for row in _points(rows):
        if not isinstance(row, Mapping):
            raise ValueError("a row is no object with named columns")
        tally.rows += 1
        tally.columns = tally.columns or tuple(dict.fromkeys([*row, *next(iter(about.values()), ())]))
        key = _key(row)
        if not _is_first(row, key, firsts):
            tally.dropped["of the second outcome, whose price is the first one's complement"] += 1
            continue
        price, at = _decimal(_get(row, "price")), _moment(_get(row, "at"))
        if not key or price is None or at is None:
            tally.dropped["without a time, a market or a price"] += 1
            continue
        tally.time_zone = tally.time_zone or _zone(_get(row, "at"))
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
            tally.dropped["of a closed market, whose 0 and 1 are no prices"] += 1
            continue
        if not 0 <= price <= 1:
            raise ValueError(f"{price} of {key} is no price of an outcome: those are between 0 and 1")
        tally.used += 1
        series.rows.append(
            PriceRow(int(at.timestamp() * 1000), price, _decimal(_get(row, "bid")), _decimal(_get(row, "ask")))
        )
    for key, said in results.items():
        if len(said) > 1:
            raise ConfigurationError(f"{name}: rows of {key} say both that it came true and that it did not")
        found[key].first_won = said.pop()
    return list(found.values())


def _points(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Rows, those with a whole history point by point."""
    for row in rows:
        history = row.get("history") if isinstance(row, Mapping) else None
        if not isinstance(history, list):
            yield row
            continue
        head = {name: value for name, value in row.items() if name != "history"}
        for point in history:
            if not isinstance(point, Mapping):
                raise ValueError("a point of a history is no object with a time and a price")
            yield {**head, **point}


def _is_first(row: Mapping[str, Any], key: str, firsts: dict[str, str]) -> bool:
    """Whether a row is of its market's first outcome: number 0, a word for it, or else the token that comes first."""
    number = _get(row, "outcome")
    if number not in (None, ""):
        return str(number) in ("0", "0.0")
    told = truth_of(_get(row, "label"))
    if told is not None:
        return told
    named = _get(row, "token") or _get(row, "label")
    return named in (None, "") or firsts.setdefault(key, str(named)) == str(named)


def _zone(value: Any) -> str:
    """How the first time of a table tells its zone."""
    if isinstance(value, datetime):
        return "told by the file" if value.tzinfo else _ASSUMED
    try:
        float(value)
    except (TypeError, ValueError):
        return "told by the file" if datetime.fromisoformat(str(value)).tzinfo else _ASSUMED
    return "unix time, which is UTC"


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
