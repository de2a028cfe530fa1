"""The tool that says what one outcome is worth, how sure that is, and what holding it could do."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from ..core.errors import PolymarketAPIError
from ..core.market_data.directory import choose_outcome
from ..core.models import NewsItem
from .analysis_answer import analysis_answer
from .analysis_fields import AnalysisAnswer
from .arguments import AsMoment, Detail, Exact, MarketRef, OutcomeRef, number_schema
from .context import Desk
from .toolspec import Toolset, ToolSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core.forecasting.analysis import MarketAnalysis, NewsReader
    from ..core.models import Market, Outcome


_MOST_STORED = 10


class NewsInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(max_length=500)]
    text: Annotated[str, Field(max_length=20_000)] = ""
    source: Annotated[str, Field(max_length=200)] = ""
    published: Annotated[datetime, AsMoment, WithJsonSchema({"type": "string"})] | None = None
    url: Annotated[str, Field(max_length=2000)] = ""
    stance: Annotated[
        Literal["supports", "opposes", "neutral"] | None,
        Field(description="Your view: does it make the outcome likelier"),
    ] = None
    strength: (
        Annotated[Decimal, Exact, Field(ge=0, le=1), number_schema("Of your stance", minimum=0, maximum=1)] | None
    ) = None


async def analyze_market(
    desk: Desk,
    market_id: MarketRef,
    outcome: OutcomeRef | None = None,
    news: Annotated[
        list[NewsInput] | None,
        Field(max_length=20, description="News you found; without any, what match_news kept about the market"),
    ] = None,
    my_probability: Annotated[
        Decimal,
        Exact,
        Field(gt=0, lt=1),
        number_schema("Your own probability of the outcome, e.g. 0.62", exclusiveMinimum=0, exclusiveMaximum=1),
    ]
    | None = None,
    amount_usd: Annotated[
        Decimal,
        Exact,
        Field(gt=0),
        number_schema("Dollars you think of spending, e.g. 50", exclusiveMinimum=0),
    ]
    | None = None,
    detail: Detail = "concise",
) -> AnalysisAnswer:
    """Analyse one outcome: price, depth, cost, movement, news, fair value, edge after fees, size, risk, resolution.

    The fair value is the corrected market price or my_probability; your stance on news moves it, a model's only where
    measured good. Sentiment is not stance. verdict no_edge means: do not trade.
    """
    reference = await desk.directory.find(market_id)
    chosen = choose_outcome(reference, outcome if outcome is not None or reference.outcome else 0)
    if news is None:
        items = await desk.newsroom.recent_about(reference.market, most=_MOST_STORED)
    else:
        items = [_item(each) for each in news]
    analysis = await analysed(
        desk, reference.market, chosen, news=items, believed=my_probability, amount_usd=amount_usd
    )
    return analysis_answer(desk, analysis, full=detail == "full", news_was_kept=news is None)


async def analysed(
    desk: Desk,
    market: Market,
    outcome: Outcome,
    *,
    news: Sequence[NewsItem],
    believed: Decimal | None = None,
    amount_usd: Decimal | None = None,
    read_news: NewsReader | None = None,
) -> MarketAnalysis:
    """The analysis of one outcome, written into the journal of forecasts. `read_news` is the desk's unless given."""
    from ..core.forecasting.analysis import analyse  # brings models of chance and language; listing tools needs none

    analysis = await analyse(
        market,
        outcome,
        quotes=desk.quotes,
        risk_model=desk.risk_model,
        read_news=read_news or desk.read_news,
        clock=desk.clock,
        bankroll=await _bankroll(desk),
        siblings=await _siblings(desk, market),
        news=news,
        believed=believed,
        amount_usd=amount_usd,
    )
    _keep(desk, analysis)
    return analysis


def _item(given: NewsInput) -> NewsItem:
    return NewsItem(
        title=given.title,
        text=given.text,
        source=given.source,
        published=given.published,
        url=given.url,
        stance=given.stance,
        strength=given.strength,
    )


def _keep(desk: Desk, analysis: MarketAnalysis) -> None:
    """Put the fair value into the journal of forecasts, apart from those made on purpose."""
    from ..core.forecasting.forecast import MODEL_AUTHOR

    market, fair = analysis.market, analysis.fair
    if fair is None or analysis.book is None or not market.tradable:
        return
    price = analysis.book.midpoint
    is_first = analysis.outcome.token_id == market.outcomes[0].token_id
    desk.forecasts.record(
        market,
        probability=fair.value if is_first else 1 - fair.value,
        market_price=price if is_first or price is None else 1 - price,
        author=desk.caller if fair.basis == "caller" else MODEL_AUTHOR,
        deliberate=False,
        now=analysis.as_of,
        sources=fair.news.sources if fair.news else (),
    )


async def _siblings(desk: Desk, market: Market) -> Sequence[Market]:
    """The markets of which at most one comes true with this one; none where the catalogue does not answer."""
    if not market.neg_risk or not market.event_slug or market.closed:
        return ()
    try:
        return (await desk.directory.find_event(market.event_slug)).markets
    except PolymarketAPIError:
        return ()  # what they would correct is left out


async def _bankroll(desk: Desk) -> Decimal:
    """Free cash of the account, or the configured bankroll where there is no account to ask."""
    if desk.account is None:
        return desk.default_bankroll
    try:
        return (await desk.portfolio.snapshot()).free
    except PolymarketAPIError:
        return desk.default_bankroll


TOOLS = (ToolSpec("polymarket_analyze_market", Toolset.RESEARCH, "Analyse a market", analyze_market),)
