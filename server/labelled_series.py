"""Series of prices of markets whose outcome is known, read at a few times before their end."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from ..core.table_files import moment_of, truth_of
from .labelled_columns import cell, is_exclusive, number
from .labelled_price import LabelledPrice

_LEADS_H = (24 * 28, 24 * 14, 24 * 7, 24 * 3, 24, 12, 6, 3, 1)
"""Hours before the end at which a series is read."""

_STALE = timedelta(hours=13)
"""A price may be this old when a series is read: the coarsest recordings have one every 12 hours."""

_DECIDED = 0.001


def from_series(markets: Iterable[Mapping[str, Any]], prices: Iterable[Mapping[str, Any]]) -> Iterator[LabelledPrice]:
    """Markets with an outcome, and their prices in rows of another table."""
    wanted: dict[str, Mapping[str, Any]] = {}
    for row in markets:
        if truth_of(cell(row, "outcome")) is not None:
            wanted[str(row.get("market_id") or row.get("condition_id"))] = row
    points: defaultdict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for row in prices:
        market = str(row.get("market_id") or row.get("condition_id"))
        at, price = moment_of(row.get("t") or row.get("timestamp")), number(cell(row, "price"))
        if market in wanted and str(row.get("token_index", 0)) == "0" and at is not None and price is not None:
            points[market].append((at, price))
    for market, row in wanted.items():
        series = sorted(points[market])
        came_true = truth_of(cell(row, "outcome"))
        if not series or came_true is None:
            continue
        ends_at = moment_of(cell(row, "ends_at"))
        end = min(ends_at or series[-1][0], series[-1][0])
        question = str(cell(row, "question") or "")
        yield from _read_at(
            series,
            end,
            LabelledPrice(
                event=str(cell(row, "event") or "") or market,
                market=market,
                venue="",
                category=str(cell(row, "category") or ""),
                question=question,
                at=None,
                ends_at=ends_at,
                decided_at=moment_of(cell(row, "decided_at")) or series[-1][0],
                price=0.5,
                came_true=came_true,
                first_is_yes=True,
                exclusive=is_exclusive(row),
            ),
        )


def from_histories(rows: Iterable[Mapping[str, Any]]) -> Iterator[LabelledPrice]:
    """The venue's price histories that end at 0 or 1, one outcome of each market."""
    seen: set[str] = set()
    for row in rows:
        market = str(row.get("market_id"))
        points = row["history"] if isinstance(row["history"], list) else []
        series = [
            (at, price)
            for point in points
            if isinstance(point, Mapping)
            and (at := moment_of(point.get("t"))) is not None
            and (price := number(point.get("p"))) is not None
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
