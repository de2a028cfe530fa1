"""Prices of markets whose outcome is known, read from files of many layouts.

A file is a CSV or TSV table, JSON lines or Parquet, gzipped or not, with at least a price and an outcome in each row.
Columns are known by their usual names (`_COLUMNS`). Series of prices come as a folder with `markets.*` and `prices.*`,
or as JSON lines of the venue's own answers with a `history`; they are read at a few times before the end.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..core.errors import ConfigurationError
from ..core.table_files import TABLE_SUFFIXES, records, stem_of, suffix_of

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "price": (
        "price",
        "market_price",
        "freeze_price",
        "entry_price",
        "precio_yes_mercado",
        "priceA",
        "yes",
        "mid",
        "p",
    ),
    "outcome": (
        "outcome",
        "came_true",
        "resolved_to",
        "won",
        "yes_won",
        "A_won",
        "outcome_real",
        "yes_won_inferred",
        "resolvedOutcome",
        "resolved_outcome",
        "label",
    ),
    "at": ("at", "freeze_datetime", "prediction_timestamp", "game_start", "ts_utc", "timestamp", "t"),
    "ends_at": ("ends_at", "market_end_date", "end_date", "endDate", "close", "game_start"),
    "decided_at": ("decided_at", "resolution_timestamp", "resolution_date", "resolved_ts", "closed_time", "closedTime"),
    "market": ("market_id", "condition_id", "conditionId", "id", "token_id", "slug", "question"),
    "event": ("event", "event_slug", "eventTitle"),
    "category": ("category", "subtype", "tags"),
    "question": ("question", "title", "slug", "market_slug", "market"),
}
_TRUE = frozenset({"yes", "true", "1", "1.0", "up", "won"})
_FALSE = frozenset({"no", "false", "0", "0.0", "down", "lost"})
_EPOCH_MS = 10_000_000_000
_LEADS_H = (24 * 28, 24 * 14, 24 * 7, 24 * 3, 24, 12, 6, 3, 1)
"""Hours before the end at which a series is read."""

_STALE = timedelta(hours=13)
"""A price may be this old when a series is read: the coarsest recordings have one every 12 hours."""

_DECIDED = 0.001


@dataclass(frozen=True, slots=True)
class LabelledPrice:
    """A price of a market's first outcome and whether that came true.

    `ends_at` is when the market was said to end, `decided_at` when it did; `at` is when the price stood. Any may be
    unknown (None). At most some of one `event`'s rows are independent, so it is resampled as a whole. `venue` is empty
    for Polymarket. `first_is_yes` says whether the outcome is a Yes, not one of two names. Of the `exclusive` rows of
    one event and moment one at most comes true; `half_spread` is None where no quotes were recorded.
    """

    event: str
    market: str
    venue: str
    category: str
    question: str
    at: datetime | None
    ends_at: datetime | None
    decided_at: datetime | None
    price: float
    came_true: bool
    first_is_yes: bool
    exclusive: bool = False
    half_spread: float | None = None

    @property
    def days_ahead(self) -> float | None:
        """From the price to the end that was announced."""
        if self.at is None or self.ends_at is None:
            return None
        days = (self.ends_at - self.at).total_seconds() / 86_400
        return days if days > 0 else None

    @property
    def last_moment(self) -> datetime | None:
        """When its outcome was known at the latest, as far as told; files are split into earlier and later by it.

        Some recorders look for outcomes days after a market has ended.
        """
        ends = [moment for moment in (self.decided_at, self.ends_at) if moment is not None]
        return min(ends, default=self.at)


def read_labelled_prices(path: Path) -> list[LabelledPrice]:
    """All usable rows of a file or folder; rows without a decided outcome or a price inside (0, 1) are passed over.

    Raises ConfigurationError where nothing can be read, or none of it has an outcome.
    """
    try:
        rows = list(_read(path))
    except (OSError, ValueError, UnicodeDecodeError) as error:
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
            yield from _series(markets, prices)
            return
        for inner in sorted(each for each in path.iterdir() if each.is_dir() or suffix_of(each) in TABLE_SUFFIXES):
            yield from _read(inner)
        return
    yield from _table(records(path), name=stem_of(path))


def _table(found: Iterator[Mapping[str, Any]], *, name: str) -> Iterator[LabelledPrice]:
    first = next(found, None)
    if first is None:
        return
    rows = itertools.chain((first,), found)
    if "history" in first:
        yield from _histories(rows)
        return
    for row in rows:
        labelled = _row(row, name=name)
        if labelled is not None:
            yield labelled


def _row(row: Mapping[str, Any], *, name: str) -> LabelledPrice | None:
    if str(row.get("resolved", "true")).lower() not in _TRUE or str(row.get("closed", "")).lower() in _TRUE:
        return None  # undecided, or a price of after the decision
    price, came_true = _number(_first(row, "price")), _truth(_first(row, "outcome"))
    if price is None or not 0 < price < 1 or came_true is None:
        return None
    if str(row.get("side", "")).upper() == "NO":
        price, came_true = 1 - price, not came_true
    team = str(row.get("team") or "")
    market = " ".join(part for part in (str(_first(row, "market") or ""), team) if part)
    question = str(_first(row, "question") or "")
    ends_at, decided_at = _moment(_first(row, "ends_at")), _moment(_first(row, "decided_at"))
    venue = str(row.get("source") or "") if "freeze_price" in row else ""
    two_named = "priceA" in row or "Up or Down" in question
    return LabelledPrice(
        event=str(_first(row, "event") or "") or _event_of(row, question, team, ends_at) or market,
        market=market,
        venue="" if venue == "polymarket" else venue,
        category=str(_first(row, "category") or "") or name.replace("_", " "),
        question=f"{question} {team}".strip(),
        at=_moment(_first(row, "at")),
        ends_at=ends_at,
        decided_at=decided_at,
        price=price,
        came_true=came_true,
        first_is_yes=not two_named,
        exclusive=_is_exclusive(row),
        half_spread=_half_spread(row),
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


def _is_exclusive(row: Mapping[str, Any]) -> bool:
    """Whether a row says, or its bands or its competition show, that it is one of several of which one comes true."""
    stated = str(row.get("neg_risk") or row.get("negRisk") or "").lower() in _TRUE
    return stated or ("lower_price" in row and "upper_price" in row) or row.get("market") == "outright"


def _half_spread(row: Mapping[str, Any]) -> float | None:
    bid, ask = _number(row.get("bid")), _number(row.get("ask"))
    return None if bid is None or ask is None or not 0 < bid < ask < 1 else (ask - bid) / 2


def _series(markets: Path, prices: Path) -> Iterator[LabelledPrice]:
    """Markets with an outcome, read at times before their end in a file of prices."""
    wanted: dict[str, Mapping[str, Any]] = {}
    for row in records(markets):
        if _truth(_first(row, "outcome")) is not None:
            wanted[str(row.get("market_id") or row.get("condition_id"))] = row
    points: defaultdict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for row in records(prices):
        market = str(row.get("market_id") or row.get("condition_id"))
        at, price = _moment(row.get("t") or row.get("timestamp")), _number(_first(row, "price"))
        if market in wanted and str(row.get("token_index", 0)) == "0" and at is not None and price is not None:
            points[market].append((at, price))
    for market, row in wanted.items():
        series = sorted(points[market])
        came_true = _truth(_first(row, "outcome"))
        if not series or came_true is None:
            continue
        ends_at = _moment(_first(row, "ends_at"))
        end = min(ends_at or series[-1][0], series[-1][0])
        question = str(_first(row, "question") or "")
        yield from _read_at(
            series,
            end,
            LabelledPrice(
                event=str(_first(row, "event") or "") or market,
                market=market,
                venue="",
                category=str(_first(row, "category") or ""),
                question=question,
                at=None,
                ends_at=ends_at,
                decided_at=_moment(_first(row, "decided_at")) or series[-1][0],
                price=0.5,
                came_true=came_true,
                first_is_yes=True,
                exclusive=_is_exclusive(row),
            ),
        )


def _histories(rows: Iterable[Mapping[str, Any]]) -> Iterator[LabelledPrice]:
    """Histories that end at 0 or 1, one outcome of each market."""
    seen: set[str] = set()
    for row in rows:
        market = str(row.get("market_id"))
        series = [
            (at, float(point["p"]))
            for point in row["history"]
            if (at := _moment(point.get("t"))) is not None and point.get("p") is not None
        ]
        if market in seen or not series:
            continue
        seen.add(market)
        last = series[-1][1]
        if not (last <= _DECIDED or last >= 1 - _DECIDED):
            continue
        question = str(row.get("question") or "")
        unpriced = LabelledPrice(
            event=market,
            market=market,
            venue="",
            category=str(row.get("category") or "politics"),
            question=question,
            at=None,
            ends_at=None,
            decided_at=series[-1][0],
            price=0.5,
            came_true=last > 0.5,
            first_is_yes=True,
        )
        yield from _read_at(series, series[-1][0], unpriced)


def _read_at(series: list[tuple[datetime, float]], end: datetime, unpriced: LabelledPrice) -> Iterator[LabelledPrice]:
    for hours in _LEADS_H:
        moment = end - timedelta(hours=hours)
        known = [point for point in series if moment - _STALE <= point[0] <= moment]
        if known and 0 < known[-1][1] < 1:
            yield dataclasses.replace(unpriced, at=moment, price=known[-1][1])


def _named(folder: Path, stem: str) -> Path | None:
    return next((each for each in sorted(folder.iterdir()) if each.is_file() and stem_of(each) == stem), None)


def _first(row: Mapping[str, Any], meaning: str) -> Any:
    return next((row[name] for name in _COLUMNS[meaning] if row.get(name) not in (None, "")), None)


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def _truth(value: Any) -> bool | None:
    word = str(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _moment(value: Any) -> datetime | None:
    """A moment in seconds or milliseconds since 1970 or in ISO 8601; without a zone it is UTC."""
    if value is None or value == "":
        return None
    number = _number(value)
    if number is not None:
        return datetime.fromtimestamp(number / 1000 if number > _EPOCH_MS else number, UTC)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
