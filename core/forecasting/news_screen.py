"""Markets that recent news makes worth more, or less, than they cost."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from ..clock import Clock
from ..errors import PolymarketAPIError
from ..identifiers import ConditionId, TokenId
from ..market_data.price_statistics import price_statistics
from ..models import Market, NewsItem, OrderBook, PriceHistory
from ..news.market_index import MarketIndex
from ..news.stance import NewsReadings, Question
from .fair_value import FairValue, fair_value
from .screens import Hit
from .suggestion import REFERENCE_AMOUNT_USD, two_sides

RECENT_NEWS = timedelta(hours=48)
_MOST_ITEMS = 300
_MARKETS_AN_ITEM = 5
_ITEMS_A_MARKET = 5
_MOST_MARKETS = 25
_REQUESTS_A_MARKET = 2


class Quotes(Protocol):
    """What the edge of one market is worked out from."""

    async def book(self, token_id: TokenId) -> OrderBook | None: ...

    async def history(self, token_id: TokenId) -> PriceHistory: ...


RecentNews = Callable[[datetime, datetime, int], Sequence[NewsItem]]
"""The newest items first seen between two moments, so many at most."""

ReadMany = Callable[[Sequence[Question]], Awaitable[Sequence[NewsReadings]]]
"""Judges the items of many markets in one call to the workers."""


class NewsScreen:
    """Matches what is kept of recent news to markets, judges it, and prices the markets whose value it moves."""

    def __init__(self, recent: RecentNews, read_many: ReadMany, quotes: Quotes, clock: Clock) -> None:
        self._recent = recent
        self._read_many = read_many
        self._quotes = quotes
        self._clock = clock

    async def __call__(
        self, markets: Sequence[Market], *, events: Mapping[str, Sequence[Market]], budget: int
    ) -> tuple[list[Hit], int]:
        """Hits, and the requests they took: a book and a history for each market that news moves, `budget` at most.

        A hit is a market where buying one side for the reference amount is expected to earn something after costs;
        those rank first whose low end earns most. `events` are the markets of each event by its slug: what the others
        of a neg-risk event are quoted at corrects the value. A market whose quotes cannot be read is passed over.
        """
        now = self._clock.now()
        items = self._recent(now - RECENT_NEWS, now, _MOST_ITEMS)
        if not items or not markets or budget < _REQUESTS_A_MARKET:
            return [], 0
        questions = await asyncio.to_thread(_questions, items, markets)  # seconds for ten thousand markets
        readings = await self._read_many(questions)
        moving = [
            (question, read)
            for question, read in zip(questions, readings, strict=True)
            if any(each.stance.moves and each.stance.score for each in read.readings)
        ][: budget // _REQUESTS_A_MARKET]
        found = await asyncio.gather(*(self._priced(question, read, events, now) for question, read in moving))
        return [hit for hit in found if hit is not None], _REQUESTS_A_MARKET * len(moving)

    async def _priced(
        self, question: Question, read: NewsReadings, events: Mapping[str, Sequence[Market]], now: datetime
    ) -> Hit | None:
        market, outcome = question.market, question.outcome
        try:
            book, history = await asyncio.gather(
                self._quotes.book(outcome.token_id), self._quotes.history(outcome.token_id)
            )
        except PolymarketAPIError:
            return None  # one market that cannot be read takes nothing from the others
        if book is None:
            return None
        volatility = price_statistics(history, now=now, current=book.midpoint).daily_volatility
        fair = fair_value(
            market,
            outcome,
            book,
            now=now,
            daily_volatility=volatility,
            history=history,
            siblings=events.get(market.event_slug, ()),
            readings=read.readings,
        )
        if fair is None or fair.news is None or not fair.news.items:
            return None
        edges = [
            (edge, side)
            for side in two_sides(market, outcome, fair, book)
            if (edge := side.edge(REFERENCE_AMOUNT_USD)) is not None and edge.expected > 0
        ]
        if not edges:
            return None
        edge, side = max(edges, key=lambda each: each[0].expected)
        why = (
            f"{side.outcome.label} {side.fair.value:.3f} by {_told(fair)}, costs {edge.cost:.3f}: "
            f"{edge.expected:+.3f} expected, {edge.sure:+.3f} at the low end"
        )
        return Hit("news_edge", market, float(edge.sure), why)


def _questions(items: Sequence[NewsItem], markets: Sequence[Market]) -> list[Question]:
    """The markets that most items are closest to, with their items."""
    index = MarketIndex(markets)
    by_market: defaultdict[ConditionId, list[tuple[float, NewsItem]]] = defaultdict(list)
    known = {market.condition_id: market for market in markets}
    for item in items:
        for market, matched in index.matches(item, most=_MARKETS_AN_ITEM):
            by_market[market.condition_id].append((matched.score, item))
    closest = sorted(by_market.items(), key=lambda each: -sum(score for score, _ in each[1]))[:_MOST_MARKETS]
    return [
        Question(
            tuple(item for _, item in sorted(found, key=lambda each: -each[0])[:_ITEMS_A_MARKET]),
            known[condition],
            known[condition].outcomes[0],
        )
        for condition, found in closest
    ]


def _told(fair: FairValue) -> str:
    """How far news moved the value. Titles are strangers' words and stay out of it."""
    assert fair.news is not None
    count = len(fair.news.items)
    return f"{count} item{'s' if count > 1 else ''} of news ({fair.news.log_odds:+.2f} log-odds)"
