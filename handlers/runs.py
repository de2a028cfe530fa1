"""Tools for work that goes on after the call: how far it has come, and how to end it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..core.untrusted_text import quoted
from .answer import AccountAnswer, When
from .context import Desk
from .run_lines import RunLine, backtest_line, sliced_line, strategy_line
from .toolspec import Toolset, ToolSpec

_SHOWN = 8

RunId = Annotated[str, Field(max_length=40, description="From the call that began it, or polymarket_get_runs")]


class RunsAnswer(AccountAnswer):
    as_of: When
    runs: list[RunLine]


class StoppedRunAnswer(AccountAnswer):
    """`status` is done where it had ended by itself before."""

    run_id: str
    status: str
    cause: str
    next: str


async def get_runs(
    desk: Desk,
    run_id: Annotated[RunId, Field(description="Only this run, with its orders and last signals")] | None = None,
) -> RunsAnswer:
    """How the {MODE} runs (strategies, sliced orders, backtests) stand, newest first: profit by cause, gaps, why they
    ended."""
    if not desk.read_only:
        desk.slices.take_over()
        desk.strategies.take_over()
        desk.backtests.take_over()
    book = desk.slices.book
    found = [book.get(run_id)] if run_id is not None else book.latest(_SHOWN)
    lines = [await line_of(desk, run.run_id, full=run_id is not None) for run in found]
    return RunsAnswer(**desk.heading, as_of=desk.clock.now(), runs=lines)


async def stop_strategy(desk: Desk, run_id: RunId) -> StoppedRunAnswer:
    """End a {MODE} run (a strategy, sliced order or backtest) now and take back what it has resting. What it holds
    stays."""
    cause = "it was stopped by a call"
    kind = desk.slices.book.get(run_id).kind
    if kind == "backtest":
        await desk.backtests.stop(run_id, cause)
    elif kind == "strategy":
        await desk.strategies.stop(run_id, cause)
    else:
        desk.slices.stop(run_id, cause)
    run = desk.slices.book.get(run_id)
    return StoppedRunAnswer(
        **desk.heading,
        run_id=run_id,
        status=run.status.value,
        cause=quoted(run.cause, 200),
        next="polymarket_get_runs tells what came out; polymarket_get_portfolio what it holds, which can be sold",
    )


async def line_of(desk: Desk, run_id: str, *, full: bool) -> RunLine:
    """A run of whichever kind. Raises InputRejected `unknown_run`."""
    run = desk.slices.book.get(run_id)
    if run.kind == "strategy":
        return strategy_line(await desk.strategies.progress(run), full=full)
    if run.kind == "backtest":
        return backtest_line(desk.backtests.progress(run), full=full)
    return sliced_line(await desk.slices.progress(run), full=full)


TOOLS = (
    ToolSpec("polymarket_get_runs", Toolset.STRATEGIES, "Look up {MODE} runs", get_runs),
    ToolSpec(
        "polymarket_stop_strategy",
        Toolset.STRATEGIES,
        "Stop {MODE} run",
        stop_strategy,
        changes=True,
        destructive=True,
    ),
)
