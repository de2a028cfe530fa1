"""Puts an analysis into the words and figures of its answer."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ..core.untrusted_text import quoted
from .analysis_fields import (
    AnalysisAnswer,
    CostOfBuying,
    EdgeLine,
    FairValueLine,
    Freshness,
    Movement,
    NewsLine,
    PriceNow,
    Resolution,
    RiskLine,
    SizeLine,
)
from .answer import rounded

if TYPE_CHECKING:
    from ..core.forecasting.analysis import MarketAnalysis
    from ..core.forecasting.edge import Edge
    from ..core.forecasting.news_shift import ItemShift
    from ..core.news.stance import NewsReading, NewsStance
    from ..core.risk.market_simulation import MarketRisk
    from .context import Desk

_BASES = {
    "caller": "your probability",
    "market": "market price, corrected",
    "market_and_news": "market price, corrected, and news",
}
_CONCISE_NEWS = 4


def analysis_answer(desk: Desk, analysis: MarketAnalysis, *, full: bool, news_was_kept: bool = False) -> AnalysisAnswer:
    market, outcome, book = analysis.market, analysis.outcome, analysis.book
    five_cents = Decimal("0.05")
    readings = analysis.news.readings
    shown = readings if full else readings[:_CONCISE_NEWS]
    suggestion = analysis.suggestion
    verdict = suggestion.verdict if suggestion else "not_tradable" if book is None else "no_quote"
    days = (market.end_date - analysis.as_of).total_seconds() / 86_400 if market.end_date else None
    statistics = analysis.statistics
    return AnalysisAnswer(
        **desk.heading,
        as_of=analysis.as_of,
        market=market.slug,
        question=quoted(market.question),
        outcome=outcome.label,
        verdict=f"buy {suggestion.outcome.label}" if suggestion and suggestion.verdict == "buy" else verdict,
        price=PriceNow(
            bid=book.best_bid.price if book.best_bid else None,
            ask=book.best_ask.price if book.best_ask else None,
            mid=book.midpoint,
            spread=book.spread,
            last_trade=book.last_trade_price,
            bid_depth_5c=rounded(book.depth(book.bids, five_cents), 0),
            ask_depth_5c=rounded(book.depth(book.asks, five_cents), 0),
        )
        if book
        else None,
        cost_of_buying=[
            CostOfBuying(
                dollars=amount,
                shares=rounded(estimate.shares, 2),
                average_price=rounded(estimate.average_price, 5),
                fee=rounded(estimate.fee, 5),
                all_filled=estimate.complete,
            )
            for amount, estimate in analysis.costs
        ]
        or None,
        movement=Movement(
            changes={window: rounded(change) for window, change in statistics.changes.items()},
            daily_volatility=rounded(statistics.daily_volatility),
            low=statistics.low,
            high=statistics.high,
            points=statistics.points,
            since=statistics.since,
        ),
        news=[_news_line(reading, _shift_of(analysis, reading) if full else None) for reading in shown] or None,
        news_was_kept=(news_was_kept and bool(readings)) or None,
        news_not_shown=len(readings) - len(shown) or None,
        news_statement=quoted(analysis.news.statement.text, 300) if readings else None,
        news_problem=analysis.news.problem,
        fair_value=FairValueLine(
            value=analysis.fair.value,
            low=analysis.fair.low,
            high=analysis.fair.high,
            basis=_BASES[analysis.fair.basis],
            holds_news=analysis.fair.basis != "market",
            log_odds_parts=[f"{each.part} {each.log_odds:+.3f}: {each.why}" for each in analysis.fair.contributions],
            note=_fair_value_note(analysis),
        )
        if analysis.fair
        else None,
        edges=_edges(analysis) or None,
        size=SizeLine(
            outcome=suggestion.outcome.label,
            shares=suggestion.shares,
            dollars=suggestion.dollars,
            bankroll=rounded(suggestion.bankroll, 2),
            share_of_bankroll=rounded(suggestion.fraction),
            reason=suggestion.reason,
        )
        if suggestion
        else None,
        risk=_risk_line(analysis, analysis.risk) if analysis.risk else None,
        risk_problem=analysis.risk_problem,
        resolution=Resolution(
            ends=market.end_date,
            days_left=rounded(days, 1),
            state="open" if market.tradable else "closed" if market.closed else "not taking orders",
            oracle=market.resolution.status or "not proposed",
            neg_risk=market.neg_risk,
            rules_by_strangers=quoted(market.description, 2000 if full else 280),
        ),
        fresh_as_of=Freshness(
            book=book.timestamp if book else None, history=analysis.history_fetched_at, market=market.fetched_at
        ),
    )


def _edges(analysis: MarketAnalysis) -> list[EdgeLine]:
    other = analysis.market.complement_of(analysis.outcome.token_id)
    pairs: list[tuple[str, Edge | None]] = [(analysis.outcome.label, analysis.edge)]
    if other is not None:
        pairs.append((other.label, analysis.opposite_edge))
    return [
        EdgeLine(
            outcome=label,
            shares=edge.shares,
            price=rounded(edge.price, 5),
            slippage=rounded(edge.slippage, 5),
            fee=rounded(edge.fee, 5),
            expected=rounded(edge.expected, 5),
            sure=rounded(edge.sure, 5),
        )
        for label, edge in pairs
        if edge is not None
    ]


def _shift_of(analysis: MarketAnalysis, reading: NewsReading) -> ItemShift | None:
    """What an item added to the fair value, if it was counted."""
    counted = analysis.fair.news.items if analysis.fair and analysis.fair.news else ()
    return next((each for each in counted if each.item is reading.item), None)


def _news_line(reading: NewsReading, shift: ItemShift | None) -> NewsLine:
    item = reading.item
    moved_by = None
    if shift is not None:
        moved_by = (
            f"{shift.log_odds:+.3f} log-odds: trust {shift.trust:.2f}, source {shift.source:.2f}, "
            f"fresh {shift.fresh:.2f}, not in the price {shift.unpriced:.2f}"
        )
    return NewsLine(
        title_by_stranger=quoted(item.title, 120),
        source=quoted(item.source, 60) or None,
        published=item.published,
        relevance=rounded(reading.relevance.score, 2),
        shared_words=list(reading.relevance.shared[:4]) or None,
        stance=reading.stance.label,
        stance_score=rounded(reading.stance.score, 2),
        stance_basis="sentiment only" if reading.stance.basis == "sentiment" else reading.stance.basis,
        confidence=_confidence(reading.stance),
        engine=" ".join(part for part in (reading.stance.engine, reading.stance.model) if part),
        relatedness=rounded(reading.stance.relatedness, 2),
        moves_fair_value=reading.stance.moves,
        moved_by=moved_by,
        sentiment=reading.sentiment.label if reading.sentiment else None,
        sentiment_score=rounded(reading.sentiment.score, 2) if reading.sentiment else None,
        sentiment_engine=reading.sentiment.engine if reading.sentiment else None,
    )


def _confidence(stance: NewsStance) -> str:
    if stance.basis == "caller":
        return "yours"
    if stance.basis == "none":
        return "none: no engine answered"
    if stance.basis == "sentiment":
        return "low: a sentiment says little of the direction"
    if stance.measured is None:
        return "low: the engine's direction was not measured"
    return f"direction right in {stance.measured.direction:.0%} of {stance.measured.pairs} labelled pairs"


def _fair_value_note(analysis: MarketAnalysis) -> str:
    from ..core.forecasting.calibration import shipped_calibration

    if analysis.fair and analysis.fair.basis == "caller":
        return "interval of 0.03 to each side of the probability you gave"
    measured = shipped_calibration().measured
    found = f"Brier {measured.brier:.4f}, price {measured.market_brier:.4f}, {measured.events} events"
    if measured.better:
        return f"the correction beat the market price ({found})"
    return f"the correction did not beat the market price ({found}): alone it makes no edge"


def _risk_line(analysis: MarketAnalysis, risk: MarketRisk) -> RiskLine:
    suggestion = analysis.suggestion
    held = suggestion.outcome if suggestion else analysis.outcome
    cvar = next((tail.conditional_value_at_risk.value for tail in risk.tails if tail.level == Decimal("0.95")), None)
    halfway = next((each for each in risk.outlook if each.fraction == Decimal("0.5")), None)
    span = None
    if halfway is not None:
        by_level = {quantile.level: quantile.value for quantile in halfway.quantiles}
        when = f"in {halfway.days:.1f} days" if halfway.days is not None else "halfway to resolution"
        span = f"{by_level[Decimal('0.05')]:.3f} to {by_level[Decimal('0.95')]:.3f} {when}"
    return RiskLine(
        outcome=held.label,
        shares=rounded(risk.if_right - risk.if_wrong, 2),
        if_right=rounded(risk.if_right, 2),
        if_wrong=rounded(risk.if_wrong, 2),
        chance_of_loss=rounded(risk.loss_probability),
        expected=rounded(risk.expected, 3),
        simulated_expected=rounded(risk.simulated_mean.value, 3),
        simulated_standard_error=rounded(risk.simulated_mean.standard_error, 3),
        cvar_95=rounded(cvar, 2),
        price_in_90_percent=span,
        method=f"Monte Carlo, {risk.paths} paths, engine {risk.engine}, latent Brownian price",
    )
