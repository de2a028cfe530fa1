"""Tools that find markets and read their prices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from ..core.errors import InputRejected
from ..core.identifiers import TokenId
from ..core.market_data.directory import choose_outcome
from ..core.models import Market, OrderBook
from .answer import Answer, Num, When, rounded
from .arguments import Cursor, Detail, Limit, MarketRef, Moment, OutcomeRef
from .context import Desk
from .toolspec import Toolset, ToolSpec
from .untrusted_text import quoted

_RULES_LENGTH = 1500


class OutcomePrice(Answer):
    label: str
    price: Num | None = None
    bid: Num | None = None
    ask: Num | None = None
    token_id: str | None = None


class MarketLine(Answer):
    """One market in a list. Prices are dollars per share, which is the implied probability."""

    market: str
    id: str
    question: str
    outcomes: list[OutcomePrice]
    state: str
    ends: When | None = None
    volume_24h: Num | None = None
    event: str | None = None


class MarketsPage(Answer):
    as_of: When
    source: str
    recorded_on: str | None = None
    markets: list[MarketLine]
    next_cursor: str | None = None
    more: str | None = None


class MarketDetail(MarketLine):
    condition_id: str
    spread: Num | None = None
    volume: Num
    liquidity: Num
    tick: Num
    min_size: Num
    fee_rate: Num
    neg_risk: bool
    rules_by_strangers: str | None = None
    resolution: str
    tags: list[str] | None = None


class MarketsAnswer(Answer):
    as_of: When
    source: str
    recorded_on: str | None = None
    event: str | None = None
    probabilities_sum: Num | None = None
    markets: list[MarketDetail]
    not_shown: int | None = None


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


class HistoryAnswer(Answer):
    as_of: When
    source: str
    recorded_on: str | None = None
    market: str
    outcome: str
    points: list[HistoryPoint]
    first: Num | None = None
    last: Num | None = None
    low: Num | None = None
    high: Num | None = None
    change: Num | None = None
    thinned_from: int | None = None
    note: str | None = None


async def search_markets(
    desk: Desk,
    query: Annotated[str, Field(max_length=200, description="Words of the question, e.g. fed june. Empty: all")] = "",
    status: Annotated[Literal["active", "closed"], Field(description="Open or resolved markets")] = "active",
    sort: Annotated[Literal["volume", "ending"], Field(description="Order without a query")] = "volume",
    limit: Limit = 10,
    cursor: Cursor | None = None,
) -> MarketsPage:
    """Find prediction markets by words of their question, or list the most traded ones.

    Use the returned `market` slug in every other tool. Prices are dollars per share = implied probability.
    """
    if query.strip():
        markets, next_cursor = await _search(desk, query.strip(), status, limit, cursor)
    else:
        page = await desk.directory.listing(
            limit=limit,
            after_cursor=cursor,
            closed=status == "closed",
            order="volume24hr" if sort == "volume" else "endDate",
            ascending=sort == "ending",
        )
        markets, next_cursor = list(page.markets), page.next_cursor
    more = None
    if not markets:
        more = "Nothing matched; try fewer or other words, or status=closed."
    return MarketsPage(
        as_of=desk.clock.now(),
        source=desk.source,
        recorded_on=_recorded(desk),
        markets=[_line(market) for market in markets],
        next_cursor=next_cursor,
        more=more,
    )


async def get_market(
    desk: Desk,
    markets: Annotated[
        list[MarketRef] | None, Field(max_length=20, description="1-20 markets, each by slug, id or URL")
    ] = None,
    event: Annotated[str | None, Field(max_length=400, description="All markets of one event, by slug or URL")] = None,
    detail: Detail = "concise",
) -> MarketsAnswer:
    """Read markets with current prices, rules for orders, fees and how they are resolved."""
    if bool(markets) == bool(event):
        raise InputRejected("Give either markets or event.", code="invalid_arguments", fix="keep one of them")
    if event is not None:
        found_event = await desk.directory.find_event(event)
        found: Sequence[Market] = found_event.markets
        title = quoted(found_event.title)
    else:
        assert markets is not None
        references = await asyncio.gather(*(desk.directory.find(each) for each in markets))
        found, title = [reference.market for reference in references], None
    shown = found[:20] if detail == "concise" else found[:6]
    books = await desk.quotes.books([each.token_id for market in shown for each in market.outcomes if market.tradable])
    details = [_detail(market, books, full=detail == "full") for market in shown]
    total = None
    if event is not None and len(found) > 1 and all(market.neg_risk for market in found):
        total = sum((each.outcomes[0].price or Decimal(0) for each in details), Decimal(0))
    return MarketsAnswer(
        as_of=desk.clock.now(),
        source=desk.source,
        recorded_on=_recorded(desk),
        event=title,
        probabilities_sum=rounded(total),
        markets=details,
        not_shown=len(found) - len(shown) or None,
    )


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
            f"{reference.market.slug} has no order book; it is {_state(reference.market)}.",
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
        recorded_on=_recorded(desk),
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
    interval: Annotated[Literal["1h", "6h", "1d", "1w", "1m", "max"], Field(description="How far back")] = "1w",
    start: Annotated[Moment | None, Field(description="Instead of interval: from, e.g. 2026-05-01T00:00:00Z")] = None,
    end: Annotated[Moment | None, Field(description="With start: until; at most 15 days after it")] = None,
    max_points: Annotated[int, Field(ge=2, le=100, description="Points to return; more are thinned evenly")] = 24,
) -> HistoryAnswer:
    """Read how an outcome's midpoint moved, oldest point first."""
    if end is not None and start is None:
        raise InputRejected("end needs start.", code="invalid_arguments", fix="add start, or use interval")
    reference = await desk.directory.find(market_id)
    chosen = choose_outcome(reference, outcome if outcome is not None or reference.outcome else 0)
    fidelity = {"1w": 5, "1m": 10, "max": 10}.get(interval, 1) if start is None else 10
    history = await desk.quotes.history(chosen.token_id, interval=interval, start=start, end=end, fidelity_min=fidelity)
    points = history.points
    prices = [point.price for point in points]
    kept = thin(len(points), max_points)
    return HistoryAnswer(
        as_of=history.fetched_at,
        source=desk.source,
        recorded_on=_recorded(desk),
        market=reference.market.slug,
        outcome=chosen.label,
        points=[HistoryPoint(at=points[index].at, price=points[index].price) for index in kept],
        first=prices[0] if prices else None,
        last=prices[-1] if prices else None,
        low=min(prices, default=None),
        high=max(prices, default=None),
        change=prices[-1] - prices[0] if prices else None,
        thinned_from=len(points) if len(kept) < len(points) else None,
        note=None if points else "The venue has no history for this outcome and period.",
    )


def thin(count: int, most: int) -> list[int]:
    """Indices of at most `most` of `count` points, evenly spread, always with the first and the last."""
    if count <= most:
        return list(range(count))
    return [round(index * (count - 1) / (most - 1)) for index in range(most)]


def _recorded(desk: Desk) -> str | None:
    return desk.recorded_on.isoformat() if desk.recorded_on else None


async def _search(
    desk: Desk, query: str, status: str, limit: int, cursor: str | None
) -> tuple[list[Market], str | None]:
    """Markets of matching events. The cursor is `page:skip`: the venue pages by event, answers page by market."""
    page_text, _, skip_text = (cursor or "1:0").partition(":")
    if not (page_text.isdigit() and skip_text.isdigit()):
        raise InputRejected("This cursor is not one of a search.", code="invalid_cursor", fix="start without a cursor")
    page, skip = int(page_text), int(skip_text)
    found = await desk.directory.search(query, limit=limit, page=page, status=status)
    wanted_closed = status == "closed"
    markets = [market for event in found.events for market in event.markets if market.closed == wanted_closed]
    shown = markets[skip : skip + limit]
    if skip + limit < len(markets):
        return shown, f"{page}:{skip + limit}"
    return shown, f"{page + 1}:0" if found.has_more else None


def _state(market: Market) -> str:
    if market.closed:
        return f"resolved {market.resolution.winner}" if market.resolution.winner else "closed"
    return "open" if market.tradable else "not taking orders"


def _line(market: Market) -> MarketLine:
    first = market.outcomes[0]
    prices = [OutcomePrice(label=each.label, price=each.price) for each in market.outcomes]
    if market.best_bid is not None or market.best_ask is not None:
        prices[0] = OutcomePrice(label=first.label, price=first.price, bid=market.best_bid, ask=market.best_ask)
    return MarketLine(
        market=market.slug,
        id=market.id,
        question=quoted(market.question),
        outcomes=prices,
        state=_state(market),
        ends=market.end_date,
        volume_24h=rounded(market.volume_24h, 0),
        event=market.event_slug or None,
    )


def _detail(market: Market, books: dict[TokenId, OrderBook], *, full: bool) -> MarketDetail:
    prices = []
    spread = None
    for outcome in market.outcomes:
        book = books.get(outcome.token_id)
        bid = book.best_bid.price if book and book.best_bid else None
        ask = book.best_ask.price if book and book.best_ask else None
        middle = book.midpoint if book else None
        spread = spread if spread is not None or book is None else book.spread
        prices.append(
            OutcomePrice(
                label=outcome.label,
                price=middle if middle is not None else outcome.price,
                bid=bid,
                ask=ask,
                token_id=outcome.token_id if full else None,
            )
        )
    resolution = market.resolution
    decided = f"oracle status {resolution.status or 'not proposed'}"
    if resolution.winner:
        decided = f"resolved {resolution.winner}, {decided}"
    if resolution.source:
        decided += f"; source named by the market: {quoted(resolution.source, 100)}"
    return MarketDetail(
        **_line(market).model_dump(exclude={"outcomes"}),
        outcomes=prices,
        condition_id=market.condition_id,
        spread=spread,
        volume=rounded(market.volume, 0) or Decimal(0),
        liquidity=rounded(market.liquidity, 0) or Decimal(0),
        tick=market.tick,
        min_size=market.min_size,
        fee_rate=market.fees.rate,
        neg_risk=market.neg_risk,
        rules_by_strangers=quoted(market.description, _RULES_LENGTH) if full else None,
        resolution=decided,
        tags=[quoted(tag, 40) for tag in market.tags[:8]] or None if full else None,
    )


TOOLS = (
    ToolSpec("polymarket_search_markets", Toolset.MARKETS, "Search markets", search_markets),
    ToolSpec("polymarket_get_market", Toolset.MARKETS, "Read markets", get_market),
    ToolSpec("polymarket_get_order_book", Toolset.MARKETS, "Read an order book", get_order_book),
    ToolSpec("polymarket_get_price_history", Toolset.MARKETS, "Read price history", get_price_history),
)
