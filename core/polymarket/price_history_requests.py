"""Prices over time as request specifications: windows of at most 15 days, up to 20 tokens together, candles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from ..clock import unix_ms
from ..errors import InputRejected
from ..identifiers import TokenId
from ..models import Candle, PriceHistory, PricePoint
from .request import HISTORY_TTL_S, RequestSpec, params_of
from .wire.market_data import parse_price_history
from .wire.price_series import parse_candles, parse_price_histories

Interval = Literal["1h", "6h", "1d", "1w", "1m", "max", "all"]
CandleSize = Literal["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"]

TOKENS_PER_HISTORY = 20
CANDLES_PER_REQUEST = 1000
LONGEST_WINDOW = timedelta(days=15)

_FINEST_FIDELITY_MIN = {"1w": 5, "1m": 10, "max": 10, "all": 10}
"""The finest buckets, in minutes, that the venue gives for an interval; 1m is a month."""


@dataclass(frozen=True, slots=True)
class Span:
    """What part of a history to ask for: an `interval` back from now, or from `start` to `end` or now."""

    interval: Interval | None
    start: datetime | None
    end: datetime | None
    fidelity_min: int | None

    @property
    def filters(self) -> dict[str, object]:
        """Unix seconds and minutes, by their names in the query of one token's history."""
        return {
            "interval": self.interval,
            "startTs": None if self.start is None else unix_ms(self.start) // 1000,
            "endTs": None if self.end is None else unix_ms(self.end) // 1000,
            "fidelity": self.fidelity_min or _FINEST_FIDELITY_MIN.get(self.interval or ""),
        }

    def kept(self, history: PriceHistory) -> PriceHistory:
        """Only what was asked for.

        The venue appends a point stamped now, even to windows in the past. It lies after such a window, and less
        than one bucket after the last regular point of a window that reaches to now.
        """
        if self.start is None:
            return history
        start, end = self.start, self.end
        points = [point for point in history.points if start <= point.at and (end is None or point.at <= end)]
        bucket = timedelta(minutes=self.fidelity_min or 1)
        if len(points) > 1 and points[-1].at - points[-2].at < bucket and history.fetched_at - points[-1].at < bucket:
            points.pop()
        return PriceHistory(history.token_id, tuple(points), history.fetched_at)


def spans_of(
    *,
    interval: Interval | None,
    start: datetime | None,
    end: datetime | None,
    fidelity_min: int | None,
    now: datetime,
) -> tuple[Span, ...]:
    """The requests that together cover what was asked for, oldest first; neighbours share their boundary.

    Raises InputRejected for a window that makes no sense.
    """
    if (interval is None) == (start is None):
        raise InputRejected("a price history needs an interval or a start, not both", code="window")
    if end is not None and start is None:
        raise InputRejected("an end needs a start", code="window")
    if start is None:
        return (Span(interval, None, None, fidelity_min),)
    if end is not None and end <= start:
        raise InputRejected("the window ends before it starts", code="window", fix="swap start and end")
    if (end or now) - start <= LONGEST_WINDOW:
        return (Span(None, start, end, fidelity_min),)
    return tuple(Span(None, begin, finish, fidelity_min) for begin, finish in _windows(start, end or now))


def joined(token_id: TokenId, parts: Sequence[PriceHistory]) -> PriceHistory:
    """One history from its windows; a point on the boundary of two counts once."""
    points: dict[datetime, PricePoint] = {point.at: point for part in parts for point in part.points}
    return PriceHistory(token_id, tuple(points[at] for at in sorted(points)), max(part.fetched_at for part in parts))


def price_history_spec(token_id: TokenId, span: Span) -> RequestSpec[PriceHistory]:
    def parse(payload: Any, fetched_at: datetime) -> PriceHistory:
        return span.kept(parse_price_history(payload, fetched_at, token_id=token_id))

    return RequestSpec(
        service="clob",
        method="GET",
        path="/prices-history",
        params=params_of({"market": token_id, **span.filters}),
        parse=parse,
        cache_ttl_s=HISTORY_TTL_S,
    )


def price_histories_spec(token_ids: Sequence[TokenId], span: Span) -> RequestSpec[dict[TokenId, PriceHistory]]:
    def parse(payload: Any, fetched_at: datetime) -> dict[TokenId, PriceHistory]:
        found = parse_price_histories(payload, fetched_at, token_ids=token_ids)
        return {token_id: span.kept(history) for token_id, history in found.items()}

    names = {"startTs": "start_ts", "endTs": "end_ts"}
    filters = {names.get(name, name): value for name, value in span.filters.items() if value is not None}
    return RequestSpec(
        service="clob",
        method="POST",
        path="/batch-prices-history",
        body={"markets": list(token_ids), **filters},
        parse=parse,
        cache_ttl_s=HISTORY_TTL_S,
    )


def candles_spec(
    token_id: TokenId, *, size: CandleSize, start: datetime, limit: int
) -> RequestSpec[tuple[Candle, ...]]:
    """Raises InputRejected for more candles than one answer holds."""
    if not 1 <= limit <= CANDLES_PER_REQUEST:
        raise InputRejected(f"limit {limit} is out of range", code="limit", fix=f"from 1 to {CANDLES_PER_REQUEST}")
    return RequestSpec(
        service="clob",
        method="GET",
        path="/ohlc",
        params=params_of({"asset_id": token_id, "startTs": unix_ms(start) // 1000, "fidelity": size, "limit": limit}),
        parse=parse_candles,
        cache_ttl_s=HISTORY_TTL_S,
    )


def _windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        finish = min(start + LONGEST_WINDOW, end)
        yield start, finish
        start = finish
