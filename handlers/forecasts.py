"""Tools that keep forecasts honest: write one down before the market is decided, and see later how good they were."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from ..core.errors import InputRejected, PolymarketAPIError
from ..core.market_data.directory import choose_outcome
from ..core.untrusted_text import quoted
from .answer import AccountAnswer, Answer, Num, When, rounded
from .arguments import Detail, Exact, MarketRef, OutcomeRef, number_schema
from .context import Desk
from .toolspec import Toolset, ToolSpec

if TYPE_CHECKING:
    from ..core.forecasting.forecast import Forecast
    from ..core.forecasting.scoring import CalibrationBin, Score, ScoredMarket
    from ..core.models import Market

_LOOKED_UP = 60
"""Undecided markets that one call asks the catalogue about."""

_AT_ONCE = 6
_GROUPS_SHOWN = 12
_LONGEST_REASONS = 2000

Author = Annotated[str | None, Field(max_length=80, description="polydesk is the desk's own fair value")]


class ForecastAnswer(AccountAnswer):
    forecast_id: str
    author: str
    market: str
    outcome: str
    probability: Num
    market_price: Num | None = None
    is_first: bool
    at: When


class CalibrationLine(Answer):
    said: Num
    came_true: Num
    markets: int


class ScoreLine(Answer):
    """`skill` above 0 is better than the market's price at the same moments; the interval is 95 %."""

    author: str
    kind: str
    group: str | None = None
    verdict: str
    events: int
    markets: int
    forecasts: int | None = None
    undecided: int | None = None
    brier: Num | None = None
    market_brier: Num | None = None
    skill: Num | None = None
    skill_low: Num | None = None
    skill_high: Num | None = None
    events_needed: int | None = None
    log_loss: Num | None = None
    market_log_loss: Num | None = None
    brier_over_time: Num | None = None
    market_brier_over_time: Num | None = None
    calibration: list[CalibrationLine] | None = None
    calibration_plot: list[str] | None = None


class ScoresAnswer(AccountAnswer):
    as_of: When
    scores: list[ScoreLine]
    note: str


async def record_forecast(
    desk: Desk,
    market_id: MarketRef,
    probability: Annotated[
        Decimal,
        Exact,
        Field(ge=Decimal("0.001"), le=Decimal("0.999")),
        number_schema("Of the outcome, e.g. 0.62", minimum=0.001, maximum=0.999),
    ],
    outcome: OutcomeRef | None = None,
    reasons: Annotated[str, Field(max_length=_LONGEST_REASONS, description="Why")] = "",
) -> ForecastAnswer:
    """Record your probability of an outcome, beside the market's price. It cannot be changed; the first is scored."""
    reference = await desk.directory.find(market_id)
    market, chosen = reference.market, choose_outcome(reference, 0 if outcome is None else outcome)
    now = desk.clock.now()
    if market.closed or market.resolution.winner is not None or not market.active:
        raise InputRejected(
            f"{market.slug} is closed: a forecast of what is known already would prove nothing.",
            code="market_closed",
            fix="choose a market that is still open",
            next_tool="polymarket_search_markets",
        )
    first = market.outcomes[0]
    is_first_outcome = chosen.token_id == first.token_id
    book = await desk.quotes.book(first.token_id)
    price = book.midpoint if book is not None else None
    forecast = desk.forecasts.record(
        market,
        probability=probability if is_first_outcome else 1 - probability,
        market_price=price,
        author=desk.caller,
        deliberate=True,
        now=now,
        reasons=reasons,
    )
    price_of_chosen = price if price is None or is_first_outcome else 1 - price
    return ForecastAnswer(
        **desk.heading,
        forecast_id=forecast.forecast_id,
        author=forecast.author,
        market=market.slug,
        outcome=quoted(chosen.label, 60),
        probability=probability,
        market_price=rounded(price_of_chosen),
        is_first=desk.forecasts.is_first(forecast),
        at=forecast.at,
    )


async def score_forecasts(
    desk: Desk,
    author: Author = None,
    by: Annotated[Literal["author", "category", "horizon", "source"], Field(description="Split scores")] = "author",
    detail: Detail = "concise",
) -> ScoresAnswer:
    """Score forecasts of resolved markets against the market's price of then; those of analyses apart.

    detail=full adds log loss, scores over time and calibration.
    """
    lines = [
        _line(
            each.author,
            "with analyses" if each.analysed else "deliberate",
            each.group,
            each.score,
            forecasts=each.forecasts if each.group is None else None,
            undecided=each.undecided if each.group is None else None,
            full=detail == "full",
        )
        for each in await _scored(desk, author, by)
    ]
    return ScoresAnswer(**desk.heading, as_of=desk.clock.now(), scores=lines[:_GROUPS_SHOWN], note=_note(len(lines)))


async def calibrations_of(desk: Desk) -> dict[str, Sequence[CalibrationBin]]:
    """What each author said of resolved markets and how often it came true, by the author's name."""
    scored = [each for each in await _scored(desk, None, "author") if each.score is not None]
    return {
        f"{quoted(each.author, 80)}{' with analyses' if each.analysed else ''}": each.score.calibration
        for each in scored[:_GROUPS_SHOWN]
        if each.score is not None
    }


class _Scored(NamedTuple):
    """One author's forecasts, all of them or (`group`) some; `score` is None where none of their markets is decided."""

    author: str
    analysed: bool
    group: str | None
    forecasts: int
    undecided: int
    score: Score | None


async def _scored(desk: Desk, author: str | None, by: str) -> list[_Scored]:
    from ..core.forecasting.scoring import score, scored_markets

    await _look_up(desk)
    decided = desk.forecasts.decided()
    by_author: defaultdict[tuple[bool, str], list[Forecast]] = defaultdict(list)
    for forecast in desk.forecasts.all(author=author):
        by_author[not forecast.deliberate, forecast.author].append(forecast)
    return [
        _Scored(
            author=name,
            analysed=analysed,
            group=group,
            forecasts=len(theirs),
            undecided=len({each.condition_id for each in theirs} - decided.keys()),
            score=score(some, Random(desk.seed)) if some else None,
        )
        for (analysed, name), theirs in sorted(by_author.items())
        for group, some in _groups(scored_markets(theirs, decided), by)
    ]


def _note(lines: int) -> str:
    if not lines:
        return "No forecast is on record; polymarket_record_forecast writes one down."
    said = "Each author's first forecast per market counts; markets that exclude each other are one event."
    if lines > _GROUPS_SHOWN:
        said += f" {lines - _GROUPS_SHOWN} more lines are not shown; name an author."
    return said


async def _look_up(desk: Desk) -> None:
    """Learn which forecast markets have been decided, of some of them with each call."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def look(reference: str) -> None:
        async with turn:
            try:
                market = (await desk.directory.find(reference)).market
            except PolymarketAPIError:
                return  # asked again by a later call
        if market.closed and (market.resolution.winner is not None or _is_split(market)):
            desk.forecasts.decide(market, now=desk.clock.now())

    await asyncio.gather(*(look(condition_id) for condition_id in desk.forecasts.undecided(_LOOKED_UP)))


def _is_split(market: Market) -> bool:
    """Whether every outcome was paid the same: prices that only lag behind their winner are not."""
    prices = {outcome.price for outcome in market.outcomes}
    return market.resolution.status in ("resolved", "settled") and len(prices) == 1 and None not in prices


def _groups(markets: Sequence[ScoredMarket], by: str) -> list[tuple[str | None, list[ScoredMarket]]]:
    if by == "author" or not markets:
        return [(None, list(markets))]
    names: Mapping[str, Callable[[ScoredMarket], Sequence[str]]] = {
        "horizon": lambda each: [_horizon(each)],
        "category": lambda each: [each.category or "none"],
        "source": lambda each: each.sources or ["no news"],  # one that several told counts with each of them
    }
    groups: defaultdict[str, list[ScoredMarket]] = defaultdict(list)
    for market in markets:
        for name in names[by](market):
            groups[name].append(market)
    return sorted(groups.items(), key=lambda each: -len(each[1]))


def _horizon(market: ScoredMarket) -> str:
    for days, name in ((1, "within a day"), (7, "within a week"), (30, "within a month")):
        if market.days_ahead <= days:
            return name
    return "longer than a month"


def _line(
    author: str,
    kind: str,
    group: str | None,
    scored: Score | None,
    *,
    forecasts: int | None,
    undecided: int | None,
    full: bool,
) -> ScoreLine:
    if scored is None:
        return ScoreLine(
            author=quoted(author, 80),
            kind=kind,
            verdict="too few to say: none of these markets has resolved",
            events=0,
            markets=0,
            forecasts=forecasts,
            undecided=undecided,
        )
    interval = scored.skill_interval
    line = ScoreLine(
        author=quoted(author, 80),
        kind=kind,
        group=None if group is None else quoted(group, 60),
        verdict=scored.verdict,
        events=scored.events,
        markets=scored.markets,
        forecasts=forecasts,
        undecided=undecided,
        brier=rounded(scored.brier),
        market_brier=rounded(scored.market_brier),
        skill=rounded(scored.skill, 3),
        skill_low=rounded(interval.low, 3) if interval else None,
        skill_high=rounded(interval.high, 3) if interval else None,
        events_needed=scored.events_needed,
    )
    if not full:
        return line
    from ..core.forecasting.calibration_plot import text_plot

    return line.model_copy(
        update={
            "log_loss": rounded(scored.log_loss),
            "market_log_loss": rounded(scored.market_log_loss),
            "brier_over_time": rounded(scored.series_brier),
            "market_brier_over_time": rounded(scored.market_series_brier),
            "calibration": [
                CalibrationLine(said=rounded(each.said, 3), came_true=rounded(each.came_true, 3), markets=each.markets)
                for each in scored.calibration
            ],
            "calibration_plot": text_plot(scored.calibration),
        }
    )


TOOLS = (
    ToolSpec(
        "polymarket_record_forecast",
        Toolset.RESEARCH,
        "Record a forecast ({MODE})",
        record_forecast,
        changes=True,
        idempotent=False,
        open_world=False,
    ),
    ToolSpec("polymarket_score_forecasts", Toolset.RESEARCH, "Score forecasts", score_forecasts),
)
