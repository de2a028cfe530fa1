"""Order book snapshots in Parquet: a row per market, second and side, with the best levels in arrays.

Columns: `market_id` (condition id), `ts` (unix milliseconds), `side` (UP or YES for the first outcome, DOWN or NO for
the second), `bid_px`, `bid_sz`, `ask_px`, `ask_sz`. A table `markets.csv` or `markets.csv.gz` beside it may name slug,
question, outcomes, `end_ts` and payouts. Tokens are not recorded; stand-ins are made from the condition id.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...money import MICRO
from ..units import UNIT
from .files import Unreadable
from .moments import BookMoment, ResolutionMoment, TickMoment
from .payloads import Recorded

_COLUMNS = ("market_id", "ts", "side", "bid_px", "bid_sz", "ask_px", "ask_sz")
_OUTCOMES = {"UP": 0, "YES": 0, "DOWN": 1, "NO": 1}
_COARSE, _FINE = UNIT // 100, UNIT // 1000


def stand_in_token(condition_id: str, outcome: int) -> str:
    """A token id for an outcome whose own was not recorded: the same one each time."""
    return str(int(hashlib.sha256(f"{condition_id} {outcome}".encode()).hexdigest(), 16))


def take_table(path: Path, into: Recorded) -> None:
    """Take every snapshot of a file, and what the table of markets beside it says. Raises Unreadable."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ConfigurationError(f"{path}: reading Parquet needs pyarrow: pip install 'polydesk[data]'") from error
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            missing = [name for name in _COLUMNS if name not in file.schema_arrow.names]
            if missing:
                raise Unreadable(path, f"the columns {', '.join(missing)} are missing")
            rows = [row for batch in file.iter_batches(columns=list(_COLUMNS)) for row in batch.to_pylist()]
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise Unreadable(path, f"not a Parquet file: {error}") from error
    latest: dict[str, int] = {}
    ticks: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        try:
            moment = _moment(row)
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable(path, f"row {number} cannot be read: {error}") from error
        condition_id = moment.condition_id
        if condition_id not in latest:
            into.tokens[condition_id] = [stand_in_token(condition_id, outcome) for outcome in (0, 1)]
            into.clob.setdefault(condition_id, {"mts": _COARSE / UNIT})
        latest[condition_id] = max(latest.get(condition_id, 0), moment.at_ms)
        tick = _FINE if any(price % _COARSE for side in (moment.bids, moment.asks) for price in side) else _COARSE
        if tick == _FINE and ticks.get(condition_id, _COARSE) == _COARSE:
            into.moments.append(TickMoment(moment.at_ms, condition_id, tick))
            ticks[condition_id] = tick
        into.moments.append(moment)
    for market in _markets_beside(path):
        if market["market_id"] in latest:
            _take_market(market, into, ended_ms=latest[market["market_id"]])


def _moment(row: Mapping[str, Any]) -> BookMoment:
    condition_id = row["market_id"]
    outcome = _OUTCOMES[row["side"]]
    return BookMoment(
        int(row["ts"]),
        condition_id,
        stand_in_token(condition_id, outcome),
        _levels(row["bid_px"], row["bid_sz"]),
        _levels(row["ask_px"], row["ask_sz"]),
    )


def _levels(prices: Sequence[float], sizes: Sequence[float]) -> dict[int, int]:
    """The table holds binary fractions; the nearest whole units are what was sent."""
    if len(prices) != len(sizes):
        raise ValueError(f"{len(prices)} prices and {len(sizes)} sizes")
    levels = {}
    for price, size in zip(prices, sizes, strict=True):
        units = round(price * UNIT)
        if not 0 <= units <= UNIT or abs(price * UNIT - units) > 1e-6:
            raise ValueError(f"{price} is not a price")
        shares = round(size * MICRO)
        if shares:
            levels[units] = shares
    return levels


def _markets_beside(path: Path) -> list[dict[str, str]]:
    for name in ("markets.csv.gz", "markets.csv"):
        table = path.with_name(name)
        if table.is_file():
            try:
                content = table.read_bytes()
                text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
            except (OSError, EOFError, UnicodeDecodeError) as error:
                raise Unreadable(table, f"cannot be read: {error}") from error
            rows = list(csv.DictReader(text.splitlines()))
            if rows and "market_id" not in rows[0]:
                raise Unreadable(table, "the column market_id is missing", line=1)
            return rows
    return []


def _take_market(market: Mapping[str, str], into: Recorded, *, ended_ms: int) -> None:
    """What the table says of a market, in the catalogue's terms; its payouts decide it when its recording ends."""
    condition_id = market["market_id"]
    tokens = into.tokens[condition_id]
    labels = [market.get("outcome_up") or "Up", market.get("outcome_down") or "Down"]
    gamma: dict[str, Any] = {
        "conditionId": condition_id,
        "clobTokenIds": json.dumps(tokens),
        "outcomes": json.dumps(labels),
    }
    for name, column in (("slug", "slug"), ("question", "question")):
        if market.get(column):
            gamma[name] = market[column]
    if market.get("end_ts"):
        gamma["endDate"] = datetime.fromtimestamp(int(market["end_ts"]) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ended_ms = max(ended_ms, int(market["end_ts"]))
    into.gamma.setdefault(condition_id, gamma)
    payouts = [market.get("payout_up"), market.get("payout_down")]
    if all(payouts):
        paid = [float(payout or 0) for payout in payouts]
        winner = None if paid[0] == paid[1] else tokens[paid.index(max(paid))]
        into.moments.append(ResolutionMoment(ended_ms + 1000, condition_id, winner))
