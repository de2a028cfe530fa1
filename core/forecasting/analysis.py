"""Everything the desk can say about one outcome of one market, gathered at one moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

from ..clock import Clock
from ..identifiers import TokenId
from ..market_data.fill_estimate import FillEstimate, estimate_fill
from ..market_data.price_statistics import PriceStatistics, price_statistics
from ..models import Market, NewsItem, OrderBook, OrderSide, Outcome, PriceHistory
from ..money import round_down
from ..news.stance import NewsReadings
from ..risk.computing import ComputeUnavailable
from ..risk.market_simulation import MarketRisk
from .fair_value import Edge, FairValue, buying_edge, fair_value, kelly_fraction
from .news_shift import NewsShift, moved, news_shift

KELLY_SHARE = Decimal("0.25")
"""The part of the Kelly bet that is suggested: probabilities are estimates, and full Kelly is unforgiving."""

LARGEST_SHARE_OF_BANKROLL = Decimal("0.05")
REFERENCE_AMOUNT_USD = Decimal(100)
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
class Suggestion:
    """`shares` is 0 with verdict no_edge. `bankroll` and `fraction` say what the size was computed from."""

    verdict: Literal["buy", "no_edge"]
    outcome: Outcome
    shares: Decimal
    dollars: Decimal
    bankroll: Decimal
    fraction: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class MarketAnalysis:
    """`costs` are what buying for the given dollar amounts would get; the edges compare fair value with the asks.

    `book` is None for a market that no longer trades; then there is no fair value, edge or risk either. `risk` is
    that of holding the suggested outcome, or the one asked about when nothing is suggested.
    """

    market: Market
    outcome: Outcome
    book: OrderBook | None
    statistics: PriceStatistics
    history_fetched_at: datetime
    costs: tuple[tuple[Decimal, FillEstimate], ...]
    news: NewsReadings
    shift: NewsShift
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
    news: Sequence[NewsItem] = (),
    believed: Decimal | None = None,
    amount_usd: Decimal | None = None,
) -> MarketAnalysis:
    """Read book and history once and derive the rest. `believed` is the caller's own probability of `outcome`."""
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
    fair = fair_value(book, statistics.daily_volatility, believed=believed) if book else None
    shift = news_shift(readings.readings)
    if fair and believed is None:
        fair = moved(fair, shift)
    edge = opposite = None
    if book and fair:
        if book.best_ask:
            edge = buying_edge(fair, book.best_ask.price, market.fees)
        if book.best_bid:
            # Buying the other outcome at 1 - bid is the same trade as selling this one at the bid.
            opposite = buying_edge(fair.complement(), 1 - book.best_bid.price, market.fees)
    suggestion = _suggest(market, outcome, fair, edge, opposite, bankroll) if fair else None
    risk, risk_problem = None, None
    held_edge, held_fair = edge, fair
    if suggestion and fair and suggestion.outcome != outcome:
        held_edge, held_fair = opposite, fair.complement()
    if held_fair and held_edge:
        shares = _shares_at_risk(suggestion, held_edge, amount_usd)
        days = (market.end_date - now).total_seconds() / 86_400 if market.end_date else None
        try:
            risk = await risk_model(
                probability=min(max(held_fair.value, _SMALLEST), 1 - _SMALLEST),
                price=held_edge.price,
                shares=shares,
                fee=held_edge.fee * shares,
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
        shift=shift,
        fair=fair,
        edge=edge,
        opposite_edge=opposite,
        suggestion=suggestion,
        risk=risk,
        risk_problem=risk_problem,
        as_of=now,
    )


def _suggest(
    market: Market,
    outcome: Outcome,
    fair: FairValue,
    edge: Edge | None,
    opposite: Edge | None,
    bankroll: Decimal,
) -> Suggestion:
    candidates = [(outcome, edge, fair), (market.complement_of(outcome.token_id), opposite, fair.complement())]
    for candidate, its_edge, its_fair in candidates:
        if candidate is None or its_edge is None or not its_edge.worth_taking:
            continue
        fraction = min(kelly_fraction(its_fair.value, its_edge.cost) * KELLY_SHARE, LARGEST_SHARE_OF_BANKROLL)
        dollars = round_down(bankroll * fraction, 2)
        shares = round_down(dollars / its_edge.cost, 2)
        if shares <= 0:
            continue
        return Suggestion(
            verdict="buy",
            outcome=candidate,
            shares=shares,
            dollars=dollars,
            bankroll=bankroll,
            fraction=fraction,
            reason="even the low end of the interval is worth more than the price and the fee",
        )
    reason = "the interval of the fair value covers the price after costs"
    if bankroll <= 0 and any(each is not None and each.worth_taking for each in (edge, opposite)):
        reason = "there is an edge, but the account has no free cash"
    return Suggestion(
        verdict="no_edge",
        outcome=outcome,
        shares=Decimal(0),
        dollars=Decimal(0),
        bankroll=bankroll,
        fraction=Decimal(0),
        reason=reason,
    )


def _shares_at_risk(suggestion: Suggestion | None, edge: Edge, amount_usd: Decimal | None) -> Decimal:
    """What the simulation holds: the suggestion, else what the caller's amount or the reference amount buys."""
    if suggestion is not None and suggestion.shares > 0 and amount_usd is None:
        return suggestion.shares
    return round_down((amount_usd or REFERENCE_AMOUNT_USD) / edge.cost, 2)
