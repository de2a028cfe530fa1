"""The tool that finds past price windows like the latest one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..core.errors import InputRejected, PolymarketAPIError
from ..core.untrusted_text import quoted
from .answer import Answer, Num, When, rounded
from .arguments import MarketRef, OutcomeRef
from .context import Desk
from .progress import Progress
from .risk_answer import Figure
from .toolspec import Toolset, ToolSpec

if TYPE_CHECKING:
    from ..core.forecasting.patterns import ChangeDistribution, PatternOutlook, PatternSeries
    from ..core.market_data.directory import Reference
    from ..core.risk.figures import Estimate

_SHOWN = 5
_MOST_FOUND = 20


class ChangeLine(Answer):
    """Change of the price over the horizon, in dollars."""

    windows: int
    mean: Figure
    share_of_rises: Figure
    in_90_percent: list[Num]


class MatchLine(Answer):
    market: str
    ended: When
    correlation: Num
    then: Num


class PatternsAnswer(Answer):
    """`after_matches` against `base_rate` (any window); p_value: chance of as large a difference by luck."""

    as_of: When
    source: str
    recorded_on: str | None = None
    market: str
    outcome: str
    window_began: When
    window_ended: When
    flat: bool
    best_matches: list[MatchLine] | None = None
    after_matches: ChangeLine | None = None
    base_rate: ChangeLine | None = None
    p_value: Num | None = None
    reading: str
    method: str
    not_read: list[str] | None = None


async def find_patterns(
    desk: Desk,
    progress: Progress,
    market_id: MarketRef,
    outcome: OutcomeRef | None = None,
    bars: Annotated[int, Field(ge=4, le=500, description="Length of the window")] = 24,
    bar_minutes: Annotated[int, Field(ge=1, le=1440, description="Length of a bar")] = 60,
    horizon_bars: Annotated[int, Field(ge=1, le=500, description="How far to look at what followed")] = 12,
    markets: Annotated[list[str], Field(max_length=50, description="Other markets to search, their first outcome")]
    | None = None,
    search: Annotated[str, Field(max_length=200, description="Or find them by these words")] | None = None,
    matches: Annotated[int, Field(ge=5, le=200, description="How many windows to take")] = 20,
) -> PatternsAnswer:
    """Find past price windows shaped like the latest one of an outcome, and what followed them, against the base rate.

    Only what had ended before the window began is used. Shape is z-normalised log-odds; small p_value, many windows:
    weigh it; else it is chance.
    """
    from ..core.forecasting import patterns as pattern_search  # brings the simulations; listing tools needs none
    from ..core.market_data.directory import choose_outcome

    reference = await desk.directory.find(market_id)
    chosen = choose_outcome(reference, outcome if outcome is not None or reference.outcome else 0)
    named = [*(markets or []), *(await _found(desk, search) if search else [])]
    read = await asyncio.gather(*(_series(desk, each, bar_minutes) for each in dict.fromkeys(named)))
    others = [each for each in read if not isinstance(each, str)]
    latest = pattern_search.PatternSeries(
        name=reference.market.slug,
        group=reference.market.event_slug or reference.market.condition_id,
        history=await desk.quotes.history(chosen.token_id, fidelity_min=bar_minutes),
    )
    outlook = await pattern_search.find_patterns(
        desk.executor,
        latest=latest,
        others=[each for each in others if each.name != latest.name],
        step=timedelta(minutes=bar_minutes),
        length=bars,
        horizon=horizon_bars,
        tick=reference.market.tick,
        count=matches,
        seed=desk.seed,
        progress=progress,
    )
    return PatternsAnswer(
        as_of=desk.clock.now(),
        source=desk.source,
        recorded_on=desk.recorded,
        market=reference.market.slug,
        outcome=quoted(chosen.label, 60),
        window_began=outlook.began,
        window_ended=outlook.ended,
        flat=outlook.flat,
        best_matches=[
            MatchLine(
                market=each.name, ended=each.ended, correlation=rounded(each.correlation), then=rounded(each.followed)
            )
            for each in outlook.matches[:_SHOWN]
        ]
        or None,
        after_matches=_changes(outlook.outcome),
        base_rate=_changes(outlook.base),
        p_value=rounded(outlook.p_value),
        reading=_reading(outlook),
        method=f"nearest of {outlook.windows} windows, {outlook.shuffles} shuffles, seed {outlook.seed}, "
        f"engine {outlook.engine}",
        not_read=[quoted(each, 80) for each in read if isinstance(each, str)] or None,
    )


async def _found(desk: Desk, words: str) -> list[str]:
    page = await desk.directory.search(words, limit=_MOST_FOUND, page=1, status="active")
    return [str(market.slug) for event in page.events for market in event.markets][:_MOST_FOUND]


async def _series(desk: Desk, market_id: str, bar_minutes: int) -> PatternSeries | str:
    """A market's first outcome, or the name of one that could not be read."""
    from ..core.forecasting.patterns import PatternSeries

    try:
        reference: Reference = await desk.directory.find(market_id)
        outcome = reference.outcome or reference.market.outcomes[0]
        history = await desk.quotes.history(outcome.token_id, fidelity_min=bar_minutes)
    except (InputRejected, PolymarketAPIError):
        return market_id
    market = reference.market
    return PatternSeries(market.slug, market.event_slug or market.condition_id, history)


def _changes(found: ChangeDistribution | None) -> ChangeLine | None:
    if found is None:
        return None
    by_level = {each.level: each.value for each in found.quantiles}
    return ChangeLine(
        windows=found.count,
        mean=_figure(found.mean),
        share_of_rises=_figure(found.rises),
        in_90_percent=[rounded(by_level[Decimal(level)]) for level in ("0.05", "0.95")],
    )


def _figure(estimate: Estimate) -> Figure:
    return Figure(value=rounded(estimate.value, 5), standard_error=rounded(estimate.standard_error, 5))


def _reading(outlook: PatternOutlook) -> str:
    if outlook.flat:
        return "no pattern: the price hardly moved"
    if outlook.p_value is None:
        return "no earlier window to compare with; name more markets"
    if outlook.p_value > Decimal("0.05"):
        return "no more than chance: what followed is like what follows any window"
    return "unlikely by chance alone, before counting how many patterns were tried"


TOOLS = (ToolSpec("polymarket_find_patterns", Toolset.RISK, "Find price patterns", find_patterns),)
