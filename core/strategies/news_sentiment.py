"""Trades on news: where judged items make an outcome worth more than it costs, even at the interval's low end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Self

from ..clock import Clock
from ..errors import ConfigurationError
from ..forecasting.edge import worst_price
from ..forecasting.fair_value import FairValue, fair_value
from ..forecasting.suggestion import REFERENCE_AMOUNT_USD, Side, Suggestion, suggest, two_sides
from ..identifiers import ConditionId
from ..market_data.price_statistics import price_statistics
from ..models import Market, NewsItem, OrderBook, OrderSide, TradingSignal
from ..news.market_index import MarketIndex
from ..news.news_source import NewsSource
from ..news.stance import NewsReadings, Question
from .declaration import Declaration, Need, Parameter, Parameters, largest_order
from .signals import nothing
from .strategy import PolymarketStrategy
from .surroundings import Execution, Holdings, Quotes, ReadNews, Siblings, StrategyAccount, Surroundings

_NOTHING = Decimal(0)
_LEAST_ORDER_USD = Decimal(1)
_MARKETS_OF_AN_ITEM = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsParameters:
    """Bounds of the strategy. `most_items` of a market are judged, the newest; older ones than `oldest` are left out.

    An order is worth at most `largest_order_usd`, and `least_edge` dollars a share must be left after costs at the low
    end of the interval.
    """

    largest_order_usd: Decimal = Decimal(50)
    most_items: int = 10
    oldest: timedelta = timedelta(days=2)
    least_edge: Decimal = Decimal("0.005")


class NewsSentimentStrategy(PolymarketStrategy):
    """Buys the outcome that news makes worth more than its price, a part of the Kelly bet at a time.

    News moves an estimate by its stance towards the question, not by its mood; what an engine says whose direction was
    not measured good moves nothing. Without news that moves the estimate there is no signal, whatever else is known.
    """

    declaration: ClassVar[Declaration] = Declaration(
        name="news_sentiment",
        summary=(
            "Buys the outcome that recent news makes worth more than it costs, a quarter of the Kelly bet at a time, "
            "less where the estimate is unsure, and holds it to the end. Only stances of an engine whose direction was "
            "measured move an estimate; without news about a market there is no signal."
        ),
        needs=frozenset({Need.BOOKS, Need.HISTORY, Need.NEWS, Need.EVENTS}),
        parameters=(
            largest_order(50),
            Parameter(
                name="most_items",
                meaning="newest items of a market that are judged",
                default=Decimal(10),
                low=Decimal(1),
                high=Decimal(50),
                whole=True,
            ),
            Parameter(
                name="oldest_hours",
                meaning="items older than this are left out",
                default=Decimal(48),
                low=Decimal(1),
                high=Decimal(720),
                unit="hours",
            ),
            Parameter(
                name="least_edge",
                meaning="what a share must be worth more than it costs, at the low end of the interval",
                default=Decimal("0.005"),
                low=Decimal(0),
                high=Decimal("0.5"),
                unit="dollars a share",
            ),
        ),
        every=timedelta(minutes=5),
        fitted=True,
    )

    @classmethod
    def of(cls, surroundings: Surroundings, parameters: Parameters) -> Self:
        if surroundings.news is None or surroundings.read_news is None:
            raise ConfigurationError("The news strategy needs a source of news and somebody to judge it.")
        return cls(
            surroundings.news,
            read_news=surroundings.read_news,
            quotes=surroundings.quotes,
            siblings=surroundings.siblings,
            account=surroundings.account,
            execution=surroundings.execution,
            clock=surroundings.clock,
            parameters=NewsParameters(
                largest_order_usd=parameters["largest_order_usd"],
                most_items=int(parameters["most_items"]),
                oldest=timedelta(hours=float(parameters["oldest_hours"])),
                least_edge=parameters["least_edge"],
            ),
        )

    def __init__(
        self,
        news_source: NewsSource,
        *,
        read_news: ReadNews,
        quotes: Quotes,
        siblings: Siblings,
        account: StrategyAccount,
        execution: Execution,
        clock: Clock,
        parameters: NewsParameters | None = None,
    ) -> None:
        super().__init__(execution)
        self._news_source = news_source
        self._read_news = read_news
        self._quotes = quotes
        self._siblings = siblings
        self._account = account
        self._clock = clock
        self._parameters = parameters or NewsParameters()
        self._index: tuple[tuple[ConditionId, ...], MarketIndex] = ((), MarketIndex(()))

    async def analyze_market(self, market: Market, related_news: Sequence[NewsItem] | None = None) -> TradingSignal:
        """The signal of a market's first outcome or of its complement.

        `related_news` are taken as they are; without them the source's items that match the market are. Raises what
        the source and the quotes raise.
        """
        (signal,) = await self.analyze_markets([market], related_news=related_news)
        return signal

    async def analyze_markets(
        self, markets: Sequence[Market], related_news: Sequence[NewsItem] | None = None
    ) -> list[TradingSignal]:
        """Signals of many markets, in their order, with all news judged in one call to the workers."""
        about: Mapping[ConditionId, Sequence[NewsItem]]
        if related_news is None:
            about = await asyncio.to_thread(self._matched, await self._news_source.latest(), markets)
        else:
            about = {market.condition_id: related_news for market in markets}
        questions = [
            Question(tuple(about.get(market.condition_id, ())), market, market.outcomes[0]) for market in markets
        ]
        readings = await self._read_news([question for question in questions if question.items])
        holdings = await self._account.holdings()
        answers = iter(readings)
        return await asyncio.gather(
            *(self._signal(each, next(answers) if each.items else None, holdings) for each in questions)
        )

    def _matched(self, items: Sequence[NewsItem], markets: Sequence[Market]) -> dict[ConditionId, list[NewsItem]]:
        """The newest items about each market, of those that are known by now and not too old."""
        now = self._clock.now()
        dated = [(item.first_seen or item.published or now, item) for item in items]
        recent = [(at, item) for at, item in dated if now - self._parameters.oldest <= at <= now]
        recent.sort(key=lambda each: each[0], reverse=True)
        listed = tuple(market.condition_id for market in markets)
        if self._index[0] != listed:
            self._index = (listed, MarketIndex(markets))
        found: dict[ConditionId, list[NewsItem]] = {}
        for _, item in recent:
            for market, _ in self._index[1].matches(item, most=_MARKETS_OF_AN_ITEM):
                about = found.setdefault(market.condition_id, [])
                if len(about) < self._parameters.most_items:
                    about.append(item)
        return found

    async def _signal(self, question: Question, readings: NewsReadings | None, holdings: Holdings) -> TradingSignal:
        now, market = self._clock.now(), question.market
        if readings is None:
            return nothing(question.market, question.outcome, "no recent news is about this market", now=now)
        token = question.outcome.token_id
        book, history, siblings = await asyncio.gather(
            self._quotes.book(token), self._quotes.history(token), self._siblings(market)
        )
        fair = None
        if book is not None:
            fair = fair_value(
                market,
                question.outcome,
                book,
                now=now,
                daily_volatility=price_statistics(history, now=now, current=book.midpoint).daily_volatility,
                history=history,
                siblings=siblings,
                readings=readings.readings,
            )
        if book is None or fair is None:
            return nothing(question.market, question.outcome, "the book has only one side, or none", now=now)
        if fair.news is None or not fair.news.items:
            reason = readings.problem or "no item's stance is known well enough to move the estimate"
            return nothing(question.market, question.outcome, reason, now=now, fair=fair)
        sides = two_sides(market, question.outcome, fair, book)
        found = suggest(sides, bankroll=holdings.cash)
        side = next(each for each in sides if each.outcome == found.outcome)
        return self._judged(question, side, found, book, holdings, now=now)

    def _judged(
        self,
        question: Question,
        side: Side,
        found: Suggestion,
        book: OrderBook,
        holdings: Holdings,
        *,
        now: datetime,
    ) -> TradingSignal:
        # The same news is told again at every look: what it bought already is part of what it may buy.
        missing = max(found.dollars - holdings.of(side.outcome.token_id).cost, _NOTHING)
        wanted = min(missing, self._parameters.largest_order_usd)
        edge = side.edge(wanted or found.dollars or REFERENCE_AMOUNT_USD)
        news = side.fair.news
        assert news is not None  # without news there is no suggestion
        verdict, size, reason = found.verdict, edge.shares if edge else _NOTHING, found.reason
        if verdict == "no_edge":
            size = _NOTHING
        elif wanted < _LEAST_ORDER_USD:
            verdict, size, reason = "no_edge", _NOTHING, "what is held already is as much as the edge is worth"
        elif edge is not None and edge.sure < self._parameters.least_edge:
            verdict, size = "no_edge", _NOTHING
            reason = f"less than {self._parameters.least_edge} dollars a share would be left"
        return TradingSignal(
            market_id=question.market.condition_id,
            token_id=side.outcome.token_id,
            outcome=side.outcome.label,
            side=OrderSide.BUY,
            verdict=verdict,
            fair_value=side.fair.value,
            low=side.fair.low,
            high=side.fair.high,
            price=edge.price if edge else _NOTHING,
            limit_price=worst_price(side.fair, question.market.fees, book.tick),
            edge=edge.expected if edge else _NOTHING,
            size=size,
            reason=f"{reason}; {_told(side.fair)}",
            as_of=now,
        )


def _told(fair: FairValue) -> str:
    """How the news moved the estimate, in words: no titles, and names of sources quoted, for both are strangers'."""
    assert fair.news is not None
    sources = fair.news.sources[:3]
    named = f" ({', '.join(sources)})" if sources else ""
    moved = next((each.log_odds for each in fair.contributions if each.part == "news"), 0.0)
    return f"{len(fair.news.items)} news items{named} move the log-odds by {moved:+.2f} to {fair.value}"
