"""Everything the desk can say about one outcome of one market, gathered at one moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from ..clock import Clock
from ..identifiers import TokenId
from ..market_data.fill_estimate import FillEstimate, estimate_fill
from ..market_data.price_statistics import PriceStatistics, price_statistics
from ..models import Market, NewsItem, OrderBook, OrderSide, Outcome, PriceHistory
from ..news.stance import NewsReadings
from ..risk.computing import ComputeUnavailable
from ..risk.market_simulation import MarketRisk
from .edge import Edge
from .fair_value import FairValue, fair_value
from .suggestion import REFERENCE_AMOUNT_USD, Suggestion, suggest, two_sides

_SMALLEST = Decimal("0.0001")


class Quotes(Protocol):
    """The reads an analysis needs."""

    async def book(self, token_id: TokenId) -> OrderBook | None: ...

    async def history(self, token_id: TokenId) -> PriceHistory: ...


class RiskModel(Protocol):
    """Simulates holding one outcome to resolution."""

    async def __call__(
        self, *, probability: Decimal, price: Decimal, shares: Decimal, fee: Decimal, days_to_resolution: float | None
    ) -> MarketRisk: ...


class NewsReader(Protocol):
    """Says how items bear on an outcome; never raises for workers that do not answer."""

    async def __call__(self, items: Sequence[NewsItem], market: Market, outcome: Outcome) -> NewsReadings: ...


@dataclass(frozen=True, slots=True)
class MarketAnalysis:
    """`costs` are what buying for the given dollar amounts would get; the edges are at the size that is meant: the
    caller's amount, else the suggestion's, else the reference amount.

    `book` is None for a market that no longer trades; then there is no fair value, edge or risk either. `risk` is
    that of holding the shares of an edge: the suggested outcome's, or that of the one asked about when nothing is
    suggested.
    """

    market: Market
    outcome: Outcome
    book: OrderBook | None
    statistics: PriceStatistics
    history_fetched_at: datetime
    costs: tuple[tuple[Decimal, FillEstimate], ...]
    news: NewsReadings
    fair: FairValue | None
    edge: Edge | None
    opposite_edge: Edge | None
    suggestion: Suggestion | None
    risk: MarketRisk | None
    risk_problem: str | None
    as_of: datetime


async def analyse(
    market: Market,
    outcome: Outcome,
    *,
    quotes: Quotes,
    risk_model: RiskModel,
    read_news: NewsReader,
    clock: Clock,
    bankroll: Decimal,
    siblings: Sequence[Market] = (),
    news: Sequence[NewsItem] = (),
    believed: Decimal | None = None,
    amount_usd: Decimal | None = None,
) -> MarketAnalysis:
    """Read book and history once and derive the rest.

    `siblings` are the markets of a neg-risk event, `believed` is the caller's own probability of `outcome`.
    """
    book, history, readings = await asyncio.gather(
        quotes.book(outcome.token_id), quotes.history(outcome.token_id), read_news(news, market, outcome)
    )
    now = clock.now()
    middle = book.midpoint if book else None
    statistics = price_statistics(history, now=now, current=middle)
    amounts = [amount_usd] if amount_usd is not None else [Decimal(25), REFERENCE_AMOUNT_USD, Decimal(500)]
    costs = tuple(
        (amount, estimate_fill(book, OrderSide.BUY, market.fees, dollars=amount)) for amount in amounts if book
    )
    fair = edge = opposite = suggestion = None
    if book is not None:
        fair = fair_value(
            market,
            outcome,
            book,
            now=now,
            daily_volatility=statistics.daily_volatility,
            history=history,
            siblings=siblings,
            readings=readings.readings,
            believed=believed,
        )
    if book is not None and fair is not None:
        sides = two_sides(market, outcome, fair, book)
        suggestion = suggest(sides, bankroll=bankroll, amount_usd=amount_usd)
        edges = [side.edge(_dollars_meant(side.outcome, suggestion, amount_usd)) for side in sides]
        edge, opposite = edges[0], edges[1] if len(edges) > 1 else None
    risk, risk_problem = None, None
    held_edge, held_fair = edge, fair
    if suggestion and fair and suggestion.outcome != outcome:
        held_edge, held_fair = opposite, fair.complement()
    if held_fair and held_edge and held_edge.shares:
        days = (market.end_date - now).total_seconds() / 86_400 if market.end_date else None
        try:
            risk = await risk_model(
                probability=min(max(held_fair.value, _SMALLEST), 1 - _SMALLEST),
                price=held_edge.price,
                shares=held_edge.shares,
                fee=held_edge.fee * held_edge.shares,
                days_to_resolution=days if days and days > 0 else None,
            )
        except ComputeUnavailable as error:
            risk_problem = error.message  # the rest of the analysis stands without the simulation
    return MarketAnalysis(
        market=market,
        outcome=outcome,
        book=book,
        statistics=statistics,
        history_fetched_at=history.fetched_at,
        costs=costs,
        news=readings,
        fair=fair,
        edge=edge,
        opposite_edge=opposite,
        suggestion=suggestion,
        risk=risk,
        risk_problem=risk_problem,
        as_of=now,
    )


def _dollars_meant(outcome: Outcome, suggestion: Suggestion, amount_usd: Decimal | None) -> Decimal:
    """The caller's amount, else the suggested one, else the reference amount."""
    suggested = suggestion.dollars if suggestion.outcome == outcome else Decimal(0)
    return amount_usd or suggested or REFERENCE_AMOUNT_USD
