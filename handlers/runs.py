"""Tools for work that goes on after the call: sliced orders, how far they have come, and how to end them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..core.errors import InputRejected
from ..core.untrusted_text import quoted
from .answer import AccountAnswer, Answer, Num, When, rounded
from .arguments import Exact, MarketRef, OutcomeRef, number_schema
from .context import Desk
from .order_intent import Side, Token, intent_of
from .toolspec import Toolset, ToolSpec

if TYPE_CHECKING:
    from ..core.trading.slice_runs import SliceProgress

_SHOWN = 10

Shares = Annotated[
    Decimal, Exact, Field(gt=0), number_schema("Shares in all, e.g. 500. Selling: settled ones", exclusiveMinimum=0)
]
Worst = Annotated[
    Decimal,
    Exact,
    Field(gt=0, lt=1),
    number_schema("Worst price of a slice, e.g. 0.47; beyond it the run stops", exclusiveMinimum=0, exclusiveMaximum=1),
]
Jitter = Annotated[
    Decimal,
    Exact,
    Field(ge=0, le=Decimal("0.5")),
    number_schema("How much longer or shorter intervals may be, e.g. 0.2 for 20 %", minimum=0, maximum=0.5),
]
DepthShare = Annotated[
    Decimal,
    Exact,
    Field(gt=0, le=1),
    number_schema("By depth: most of what rests near the best price that a slice takes, e.g. 0.25", maximum=1),
]
Within = Annotated[
    Decimal,
    Exact,
    Field(gt=0, lt=1),
    number_schema("With depth_share: how near the best price, in dollars", exclusiveMinimum=0, exclusiveMaximum=1),
]
RunId = Annotated[str, Field(max_length=40, description="From polymarket_place_sliced_order or polymarket_get_runs")]


class RunLine(Answer):
    run_id: str
    kind: str
    status: str
    cause: str | None = None
    started: When
    market: str
    side: str
    outcome: str
    size: Num
    limit_price: Num
    filled: Num
    average_price: Num | None = None
    remaining: Num
    slices_placed: int
    slices: int
    next_slice_at: When | None = None
    approval_code: str | None = None
    attempt_ids: list[str] | None = None


class StartedRunAnswer(AccountAnswer):
    """The run goes on by itself; `already_started` when this call repeated an earlier one.

    Without `survives_host_exit` it pauses when the last host quits, and goes on with the next start.
    """

    run_id: str
    already_started: bool
    survives_host_exit: bool
    run: RunLine
    next: str


class RunsAnswer(AccountAnswer):
    as_of: When
    runs: list[RunLine]


class StoppedRunAnswer(AccountAnswer):
    run: RunLine
    next: str


async def place_sliced_order(
    desk: Desk,
    market_id: MarketRef,
    outcome: OutcomeRef,
    size: Shares,
    price: Worst,
    side: Side = "BUY",
    slices: Annotated[int, Field(ge=2, le=200, description="Equal slices; by depth: the most there may be")] = 10,
    every_s: Annotated[int, Field(ge=1, le=3600, description="Seconds from one slice to the next")] = 30,
    jitter: Jitter = Decimal(0),
    depth_share: DepthShare | None = None,
    depth_within: Within = Decimal("0.02"),
    client_token: Token | None = None,
) -> StartedRunAnswer:
    """Split a large {MODE} order over time (equal slices), or by what rests on the book (depth_share).

    Each slice takes what it can at price or better, passes every limit and, where the desk asks for one, a person's
    yes. The run stops by itself when trading is halted, a limit is reached or the price is beyond the limit, and goes
    on after a restart. A repeated call starts no second run.
    """
    from ..core.models import TimeInForce
    from ..core.trading.slicing import SlicedOrder

    desk.require_account()
    if desk.trading.halt is not None:
        raise InputRejected(
            f"Trading is halted: {desk.trading.halt.reason}",
            code="risk_halted",
            fix=f"a person lifts it with `{desk.trading.halt.lifted_by}`",
        )
    intent = await intent_of(
        desk, market_id, outcome, size, None, side, price, TimeInForce.FAK.value, None, False, None
    )
    order = SlicedOrder(
        intent=intent,
        slices=slices,
        every_s=every_s,
        jitter=jitter,
        depth_share=depth_share,
        depth_within=depth_within,
    )
    run, is_new = desk.slices.start(order, client_token=client_token)
    return StartedRunAnswer(
        **desk.heading,
        run_id=run.run_id,
        already_started=not is_new,
        survives_host_exit=desk.seat().survives_host_exit,
        run=_line(await desk.slices.progress(run), full=False),
        next="polymarket_get_runs tells how far it has come, polymarket_stop_run ends it",
    )


async def get_runs(
    desk: Desk,
    run_id: Annotated[RunId, Field(description="Only this run, with its orders")] | None = None,
) -> RunsAnswer:
    """How far the account's {MODE} runs (sliced orders) have come, newest first: filled, average price, remaining."""
    desk.require_account()
    if not desk.read_only:
        desk.slices.take_over()
    found = [desk.slices.book.get(run_id)] if run_id is not None else desk.slices.book.latest(_SHOWN)
    return RunsAnswer(
        **desk.heading,
        as_of=desk.clock.now(),
        runs=[_line(await desk.slices.progress(run), full=run_id is not None) for run in found],
    )


async def stop_run(desk: Desk, run_id: RunId) -> StoppedRunAnswer:
    """End a {MODE} run now. What has traded stays; a slice already on its way is not called back."""
    desk.require_account()
    run = desk.slices.stop(run_id, "it was stopped by a call")
    return StoppedRunAnswer(
        **desk.heading,
        run=_line(await desk.slices.progress(run), full=True),
        next="polymarket_get_portfolio shows what it bought or sold",
    )


def _line(progress: SliceProgress, *, full: bool) -> RunLine:
    run, order = progress.run, progress.order
    return RunLine(
        run_id=run.run_id,
        kind=run.kind,
        status=run.status.value,
        cause=quoted(run.cause, 200) or None,
        started=run.created_at,
        market=order.intent.market.slug,
        side=order.intent.side.value,
        outcome=quoted(order.intent.outcome.label, 60),
        size=order.size,
        limit_price=order.limit,
        filled=progress.filled.shares,
        average_price=rounded(progress.filled.average_price, 6),
        remaining=progress.remaining,
        slices_placed=len(progress.placed),
        slices=order.slices,
        next_slice_at=progress.next_at,
        approval_code=progress.waits_for,
        attempt_ids=[each.attempt_id for each in progress.placed[-50:]] if full else None,
    )


TOOLS = (
    ToolSpec(
        "polymarket_place_sliced_order",
        Toolset.STRATEGIES,
        "Place sliced {MODE} order",
        place_sliced_order,
        changes=True,
        destructive=True,
        idempotent=False,
    ),
    ToolSpec("polymarket_get_runs", Toolset.STRATEGIES, "Look up {MODE} runs", get_runs),
    ToolSpec("polymarket_stop_run", Toolset.STRATEGIES, "Stop {MODE} run", stop_run, changes=True, destructive=True),
)
