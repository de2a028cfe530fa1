"""How strategies and forecasters have done, from what their runs and the journal have written down."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ...core.backtest.returns import daily_changes, sharpe_ratio
from ...core.trading.run_notes import RunNotes, notes_from_text
from ...core.trading.strategy_plan import plan_from_text
from ...core.trading.strategy_runs import KIND
from .samples import Samples

if TYPE_CHECKING:
    from ...core.trading.run_book import Run
    from ...handlers.context import Desk

_LOOKED_THROUGH, _ENDED, _AUTHORS, _CODES = 40, 10, 20, 12


class _Figures(NamedTuple):
    strategy: str
    notes: RunNotes
    sharpe: float | None


def add_strategies(samples: Samples, desk: Desk) -> None:
    """The runs that go on and the last ten that have ended; of forecasters the twenty with most decided events."""
    book = desk.strategies.book
    going = book.going_on(KIND)
    for status in ("running", "awaiting_person"):
        samples.add("strategy_runs", sum(run.status.value == status for run in going), status=status)
    ended = [run for run in book.latest(_LOOKED_THROUGH) if run.kind == KIND and not run.goes_on]
    for run in (*going, *ended[:_ENDED]):
        _add_run(samples, run, desk.clock.now())
    scores = sorted(desk.forecasts.brier_scores().items(), key=lambda each: -each[1].events)
    for author, score in scores[:_AUTHORS]:
        samples.add("forecast_brier_score", score.own, author=author)
        samples.add("forecast_market_brier_score", score.market, author=author)
        samples.add("forecast_events", score.events, author=author)


def _add_run(samples: Samples, run: Run, now: datetime) -> None:
    figures = _figures(run)
    notes = figures.notes
    labels = {"run": run.run_id, "strategy": figures.strategy}
    samples.add("strategy_profit_dollars", notes.profit_usd, **labels)
    samples.add("strategy_worst_dollars", notes.worst_usd, **labels)
    samples.add("strategy_sharpe_ratio", figures.sharpe, **labels)
    if notes.markets_traded:
        samples.add("strategy_hit_ratio", notes.markets_earned / notes.markets_traded, **labels)
    if run.goes_on and notes.last_look is not None:
        samples.add("strategy_last_look_age_seconds", (now - notes.last_look).total_seconds(), **labels)
    samples.add("strategy_looks", notes.looks, **labels)
    samples.add("strategy_signals", notes.signals, **labels)
    samples.add("strategy_orders", notes.placed, **labels)
    for code, count in sorted(notes.refused.items(), key=lambda each: -each[1])[:_CODES]:
        samples.add("strategy_refusals", count, **labels, code=code)


@lru_cache(maxsize=128)  # a run changes with its looks, which are seconds apart
def _figures(run: Run) -> _Figures:
    plan, notes = plan_from_text(run.document), notes_from_text(run.progress)
    staked = plan.max_exposure_usd
    curve = [(datetime.fromisoformat(day), staked + profit) for day, profit in sorted(notes.by_day.items())]
    sharpe = sharpe_ratio(daily_changes(curve)) if staked > Decimal(0) else None
    return _Figures(plan.strategy, notes, sharpe if sharpe is None or math.isfinite(sharpe) else None)
