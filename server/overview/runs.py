"""What works by itself on the desk: runs and their signals, and what waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from ...core.models import OrderStatus
from ...core.trading.run_book import RunStatus
from ...core.untrusted_text import quoted
from ...handlers.run_lines import RunLine, backtest_line, sliced_line, strategy_line
from .shapes import SignalLine, WaitingLine

if TYPE_CHECKING:
    from ...core.models import Trade
    from ...core.trading.run_book import Run
    from ...handlers.context import Desk

_LOOKED_THROUGH = 60
_ENDED = 4
_ENDED_WITHIN = timedelta(days=1)
_RUNS, _SIGNALS = 16, 20


def shown_runs(desk: Desk) -> list[Run]:
    """The runs that go on, then the last few that ended within a day, newest first."""
    latest = desk.slices.book.latest(_LOOKED_THROUGH)
    since = desk.clock.now() - _ENDED_WITHIN
    going = [run for run in latest if run.goes_on]
    ended = [run for run in latest if not run.goes_on and run.updated_at >= since]
    return (going + ended[:_ENDED])[:_RUNS]


async def run_line(desk: Desk, run: Run, trades: Sequence[Trade]) -> RunLine:
    """How a run stands, by the account's `trades`; of a strategy also why it did what it did last."""
    if run.kind == "strategy":
        return strategy_line(await desk.strategies.progress(run, trades=trades), full=run.goes_on)
    if run.kind == "backtest":
        return backtest_line(desk.backtests.progress(run), full=False)
    return sliced_line(await desk.slices.progress(run), full=False)


def signal_lines(runs: Sequence[RunLine]) -> list[SignalLine]:
    """The last signals of the strategies that run, newest first."""
    lines = [
        SignalLine(
            run_id=run.run_id,
            strategy=run.strategy.name,
            at=each.at,
            market=each.market,
            verdict=each.verdict,
            outcome=each.outcome,
            price=each.price,
            size=each.size,
            why=each.why,
        )
        for run in runs
        if run.strategy is not None
        for each in run.strategy.explain or ()
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:_SIGNALS]


def waiting_lines(desk: Desk, runs: Sequence[RunLine]) -> list[WaitingLine]:
    """Orders and runs that wait for somebody's yes."""
    orders = [
        WaitingLine(
            code=record.approval.code,
            what=f"{record.intent.side.value} {quoted(record.intent.outcome.label, 60)}: "
            f"{quoted(record.intent.market.question, 120)}",
            since=record.created_at,
            expires=record.approval.expires_at,
        )
        for record in desk.trading.journal.in_state(OrderStatus.AWAITING_PERSON)
        if record.approval
    ]
    return orders + [
        WaitingLine(
            code=run.approval_code,
            what=f"the strategy {run.strategy.name} on {run.strategy.markets} markets",
            since=run.started,
        )
        for run in runs
        if run.approval_code and run.strategy is not None and run.status == RunStatus.AWAITING_PERSON.value
    ]
