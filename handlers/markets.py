"""Tools that find markets and read what is known of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ..core.errors import InputRejected, PolymarketAPIError
from ..core.identifiers import ConditionId, TokenId
from ..core.models import Market, OrderBook
from ..core.untrusted_text import quoted
from .answer import Answer, Num, When, rounded
from .arguments import Cursor, Detail, Limit, MarketRef, offset_of
from .context import Desk
from .toolspec import Toolset, ToolSpec

if TYPE_CHECKING:
    from ..core.market_data.market_statistics import MarketStatistics

_HOLDERS = 3
"""Largest holders shown of each outcome."""

_RULES_LENGTH = 1200
_PAGE = {"concise": 8, "full": 5}
"""Markets per answer, so that it stays within what a model should have to read."""


class OutcomePrice(Answer):
    label: str
    price: Num | None = None
    bid: Num | None = None
    ask: Num | None = None
    token_id: str | None = None


class MarketLine(Answer):
    """One market in a list. Prices are dollars per share, the implied probability."""

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


class HolderLine(Answer):
    outcome: str
    wallet: str
    shares: Num


class Rewards(Answer):
    """What resting orders of at least `min_size` within `max_spread_cents` of the midpoint share every day."""

    usd_per_day: Num | None = None
    min_size: Num
    max_spread_cents: Num
    our_share_pct: Num | None = None


class MarketDetail(MarketLine):
    """`tick` in dollars, `min_size` in shares; the taker's fee is fee_rate x shares x price x (1 - price)."""

    spread: Num | None = None
    tick: Num
    min_size: Num
    fee_rate: Num
    condition_id: str | None = None
    volume: Num | None = None
    liquidity: Num | None = None
    open_interest: Num | None = None
    largest_holders: list[HolderLine] | None = None
    rewards: Rewards | None = None
    neg_risk: bool | None = None
    resolution: str | None = None
    rules_by_strangers: str | None = None
    tags: list[str] | None = None


class MarketsAnswer(Answer):
    as_of: When
    source: str
    recorded_on: str | None = None
    event: str | None = None
    probabilities_sum: Num | None = None
    markets: list[MarketDetail]
    statistics_problem: str | None = None
    next_cursor: str | None = None


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
        recorded_on=desk.recorded,
        markets=[_line(market) for market in markets],
        next_cursor=next_cursor,
        more=more,
    )


async def get_market(
    desk: Desk,
    markets: Annotated[list[MarketRef] | None, Field(max_length=20, description="1-20 markets")] = None,
    event: Annotated[str | None, Field(max_length=400, description="All markets of one event, by slug or URL")] = None,
    detail: Detail = "concise",
    cursor: Cursor | None = None,
) -> MarketsAnswer:
    """Read markets with current prices, order rules and fees.

    detail=full adds ids, rules, resolution, volume, open interest, holders and rewards.
    """
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
    skip, page = offset_of(cursor), _PAGE[detail]
    shown = found[skip : skip + page]
    books = await desk.quotes.books([each.token_id for market in shown for each in market.outcomes if market.tradable])
    statistics: Mapping[ConditionId, MarketStatistics] = {}
    problem = None
    if detail == "full":
        try:
            statistics = await desk.records.statistics(shown, holders=_HOLDERS)
        except PolymarketAPIError as error:  # the markets themselves are known
            problem = quoted(error.message, 200)
    details = [_detail(market, books, statistics.get(market.condition_id), full=detail == "full") for market in shown]
    total = None
    if event is not None and len(found) > 1 and all(market.neg_risk for market in found):
        total = sum((market.outcomes[0].price or Decimal(0) for market in found if not market.closed), Decimal(0))
    return MarketsAnswer(
        as_of=desk.clock.now(),
        source=desk.source,
        recorded_on=desk.recorded,
        event=title,
        probabilities_sum=rounded(total),
        markets=details,
        statistics_problem=problem,
        next_cursor=str(skip + page) if skip + page < len(found) else None,
    )


async def _search(
    desk: Desk, query: str, status: Literal["active", "closed"], limit: int, cursor: str | None
) -> tuple[list[Market], str | None]:
    """Markets of matching events. The cursor is `page:skip`: the venue pages by event, answers page by market."""
    page_text, _, skip_text = (cursor or "1:0").partition(":")
    page, skip = max(offset_of(page_text), 1), offset_of(skip_text)
    found = await desk.directory.search(query, limit=limit, page=page, status=status)
    wanted_closed = status == "closed"
    markets = [market for event in found.events for market in event.markets if market.closed == wanted_closed]
    shown = markets[skip : skip + limit]
    if skip + limit < len(markets):
        return shown, f"{page}:{skip + limit}"
    return shown, f"{page + 1}:0" if found.has_more else None


def state_of(market: Market) -> str:
    """In one word or two: open, resolved and how, closed, or not taking orders."""
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
        state=state_of(market),
        ends=market.end_date,
        volume_24h=rounded(market.volume_24h, 0),
        event=market.event_slug or None,
    )


def _detail(
    market: Market, books: dict[TokenId, OrderBook], statistics: MarketStatistics | None, *, full: bool
) -> MarketDetail:
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
        spread=spread,
        tick=market.tick,
        min_size=market.min_size,
        fee_rate=market.fees.rate,
        condition_id=market.condition_id if full else None,
        volume=rounded(market.volume, 0) if full else None,
        liquidity=rounded(market.liquidity, 0) if full else None,
        open_interest=rounded(statistics.open_interest, 0) if statistics else None,
        largest_holders=_holders(market, statistics) or None if statistics else None,
        rewards=_rewards(statistics) if statistics else None,
        neg_risk=market.neg_risk if full else None,
        resolution=decided if full else None,
        rules_by_strangers=quoted(market.description, _RULES_LENGTH) if full else None,
        tags=[quoted(tag, 40) for tag in market.tags[:8]] or None if full else None,
    )


def _holders(market: Market, statistics: MarketStatistics) -> list[HolderLine]:
    return [
        HolderLine(outcome=outcome.label, wallet=holder.user, shares=rounded(holder.shares, 0))
        for outcome in market.outcomes
        for holder in statistics.holders.get(outcome.token_id, ())
    ]


def _rewards(statistics: MarketStatistics) -> Rewards | None:
    programme = statistics.rewards
    if programme is None:
        return None
    return Rewards(
        usd_per_day=programme.rate_per_day if programme.rates else None,
        min_size=programme.min_size_shares,
        max_spread_cents=programme.max_spread_cents,
        our_share_pct=rounded(statistics.reward_share, 2),
    )


TOOLS = (
    ToolSpec("polymarket_search_markets", Toolset.MARKETS, "Search markets", search_markets),
    ToolSpec("polymarket_get_market", Toolset.MARKETS, "Read markets", get_market),
)
