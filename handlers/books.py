"""Tools that read an outcome's order book and the history of its price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from ..core.errors import InputRejected
from ..core.market_data.directory import choose_outcome
from ..core.models import Candle
from .answer import Answer, Num, When, rounded
from .arguments import AsMoment, MarketRef, OutcomeRef, moment_schema
from .context import Desk
from .markets import state_of
from .toolspec import Toolset, ToolSpec

_LONGEST_HISTORY = timedelta(days=366)
_NO_HISTORY = "The venue has no history for this outcome and period."
_MOST_CANDLES = 1000
INTERVALS = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "1w": timedelta(weeks=1),
    "1m": timedelta(days=30),
    "max": _LONGEST_HISTORY,
}
Interval = Annotated[Literal["1h", "6h", "1d", "1w", "1m", "max"], Field(description="How far back")]
CandleSize = Literal["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"]
_CANDLE_SIZES: dict[CandleSize, timedelta] = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
    "1w": timedelta(weeks=1),
}


class Level(Answer):
    price: Num
    size: Num


class BookAnswer(Answer):
    as_of: When
    age_s: Num
    source: str
    recorded_on: str | None = None
    market: str
    outcome: str
    bids: list[Level]
    asks: list[Level]
    mid: Num | None = None
    spread: Num | None = None
    micro_price: Num | None = None
    last_trade: Num | None = None
    bid_depth_5c: Num
    ask_depth_5c: Num
    tick: Num
    min_size: Num
    hidden_levels: int


class HistoryPoint(Answer):
    at: When
    price: Num


class CandleLine(Answer):
    at: When
    open: Num
    high: Num
    low: Num
    close: Num


class HistoryAnswer(Answer):
    as_of: When
    source: str
    recorded_on: str | None = None
    market: str
    outcome: str
    points: list[HistoryPoint] | None = None
    candles: list[CandleLine] | None = None
    first: Num | None = None
    last: Num | None = None
    low: Num | None = None
    high: Num | None = None
    change: Num | None = None
    thinned_from: int | None = None
    note: str | None = None


async def get_order_book(
    desk: Desk,
    market_id: MarketRef,
    outcome: OutcomeRef | None = None,
    depth: Annotated[int, Field(ge=1, le=50, description="Levels per side")] = 10,
) -> BookAnswer:
    """Read the order book of one outcome, best prices first, with depth within 5 cents of the best."""
    reference = await desk.directory.find(market_id)
    chosen = choose_outcome(reference, outcome if outcome is not None or reference.outcome else 0)
    book = await desk.quotes.book(chosen.token_id)
    if book is None:
        raise InputRejected(
            f"{reference.market.slug} has no order book; it is {state_of(reference.market)}.",
            code="market_closed",
            fix="choose an open market",
            next_tool="polymarket_search_markets",
        )
    now = desk.clock.now()
    five_cents = Decimal("0.05")
    return BookAnswer(
        as_of=book.timestamp,
        age_s=rounded(max((now - book.received_at).total_seconds(), 0), 1) or Decimal(0),
        source=desk.source,
        recorded_on=desk.recorded,
        market=reference.market.slug,
        outcome=chosen.label,
        bids=[Level(price=level.price, size=level.size) for level in book.bids[:depth]],
        asks=[Level(price=level.price, size=level.size) for level in book.asks[:depth]],
        mid=book.midpoint,
        spread=book.spread,
        micro_price=rounded(book.micro_price, 5),
        last_trade=book.last_trade_price,
        bid_depth_5c=book.depth(book.bids, five_cents),
        ask_depth_5c=book.depth(book.asks, five_cents),
        tick=book.tick,
        min_size=book.min_size,
        hidden_levels=max(len(book.bids) - depth, 0) + max(len(book.asks) - depth, 0),
    )


async def get_price_history(
    desk: Desk,
    market_id: MarketRef,
    outcome: OutcomeRef | None = None,
    interval: Interval = "1w",
    start: Annotated[datetime, AsMoment, moment_schema("Instead of interval: from, e.g. 2026-05-01T00:00:00Z")]
    | None = None,
    end: Annotated[datetime, AsMoment, moment_schema("With start: until")] | None = None,
    candles: Annotated[CandleSize, Field(description="Candles of this length instead")] | None = None,
    max_points: Annotated[int, Field(ge=2, le=90, description="Points; more are thinned evenly")] = 24,
) -> HistoryAnswer:
    """Read how an outcome's midpoint moved, oldest point first; of candles, the latest."""
    if end is not None and start is None:
        raise InputRejected("end needs start.", code="invalid_arguments", fix="add start, or use interval")
    length = None if start is None else (end or desk.clock.now()) - start
    if length is not None and length > _LONGEST_HISTORY:
        raise InputRejected(
            f"A history of {length.days} days is too long.",
            code="window",
            fix="ask for at most a year, or interval=max",
        )
    reference = await desk.directory.find(market_id)
    chosen = choose_outcome(reference, outcome if outcome is not None or reference.outcome else 0)
    if candles is not None:
        begin = start or desk.clock.now() - INTERVALS[interval]
        until = end or desk.clock.now()
        count = _candles_between(candles, begin, until)
        found = await desk.quotes.candles(chosen.token_id, size=candles, start=begin, limit=count)
        within = [each for each in found if each.at <= until]
        return _candle_answer(desk, reference.market.slug, chosen.label, within, most=max_points)
    fidelity = {"1w": 5, "1m": 10, "max": 10}.get(interval, 1) if length is None else _bucket_min(length)
    history = await desk.quotes.history(chosen.token_id, interval=interval, start=start, end=end, fidelity_min=fidelity)
    points = history.points
    prices = [point.price for point in points]
    kept = thin(len(points), max_points)
    return HistoryAnswer(
        as_of=history.fetched_at,
        source=desk.source,
        recorded_on=desk.recorded,
        market=reference.market.slug,
        outcome=chosen.label,
        points=[HistoryPoint(at=points[index].at, price=points[index].price) for index in kept],
        first=prices[0] if prices else None,
        last=prices[-1] if prices else None,
        low=min(prices, default=None),
        high=max(prices, default=None),
        change=prices[-1] - prices[0] if prices else None,
        thinned_from=len(points) if len(kept) < len(points) else None,
        note=None if points else _NO_HISTORY,
    )


def _candle_answer(desk: Desk, market: str, outcome: str, candles: Sequence[Candle], *, most: int) -> HistoryAnswer:
    shown = candles[-most:]
    return HistoryAnswer(
        as_of=desk.clock.now(),
        source=desk.source,
        recorded_on=desk.recorded,
        market=market,
        outcome=outcome,
        candles=[
            CandleLine(at=each.at, open=each.open, high=each.high, low=each.low, close=each.close) for each in shown
        ],
        first=candles[0].open if candles else None,
        last=candles[-1].close if candles else None,
        low=min((each.low for each in candles), default=None),
        high=max((each.high for each in candles), default=None),
        change=candles[-1].close - candles[0].open if candles else None,
        thinned_from=len(candles) if len(shown) < len(candles) else None,
        note=None if candles else _NO_HISTORY,
    )


def _candles_between(size: CandleSize, start: datetime, end: datetime) -> int:
    """How many candles fill a window. Raises InputRejected when the venue would not send them all at once."""
    count = int((end - start) / _CANDLE_SIZES[size]) + 1
    if not 1 <= count <= _MOST_CANDLES:
        raise InputRejected(
            f"{max(count, 0)} candles of {size} are between {start:%Y-%m-%dT%H:%MZ} and {end:%Y-%m-%dT%H:%MZ}.",
            code="window",
            fix=f"choose a window of 1 to {_MOST_CANDLES} candles, by another length or other times",
        )
    return count


def _bucket_min(length: timedelta) -> int:
    """Minutes per point, so that a long window stays a few thousand points."""
    return 10 if length <= timedelta(days=15) else 60


def thin(count: int, most: int) -> list[int]:
    """Indices of at most `most` of `count` points, evenly spread, always with the first and the last."""
    if count <= most:
        return list(range(count))
    return [round(index * (count - 1) / (most - 1)) for index in range(most)]


TOOLS = (
    ToolSpec("polymarket_get_order_book", Toolset.MARKETS, "Read an order book", get_order_book),
    ToolSpec("polymarket_get_price_history", Toolset.MARKETS, "Read price history", get_price_history),
)
