"""The tool that splits a large order."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from .answer import AccountAnswer
from .arguments import Exact, MarketRef, OutcomeRef, number_schema
from .context import Desk
from .order_intent import Side, Token, intent_of
from .toolspec import Toolset, ToolSpec

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


class StartedSlicesAnswer(AccountAnswer):
    """The run goes on by itself; `already_started` when this call repeated an earlier one.

    Without `survives_host_exit` it pauses when the last host quits, and goes on with the next start.
    """

    run_id: str
    already_started: bool
    survives_host_exit: bool
    status: str
    approval_code: str | None = None
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
) -> StartedSlicesAnswer:
    """Split a large {MODE} order over time (equal slices), or by what rests on the book (depth_share).

    Each slice takes what it can at price or better, passes every limit and, where the desk asks for one, a person's
    yes. The run stops by itself when trading is halted, a limit is reached or the price is beyond the limit, and goes
    on after a restart. A repeated call starts no second run.
    """
    from ..core.models import TimeInForce
    from ..core.trading.slicing import SlicedOrder

    desk.require_trading()
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
    return StartedSlicesAnswer(
        **desk.heading,
        run_id=run.run_id,
        already_started=not is_new,
        survives_host_exit=desk.seat().survives_host_exit,
        status=run.status.value,
        approval_code=(await desk.slices.progress(run)).waits_for,
        next="polymarket_get_runs tells how far it has come, polymarket_stop_strategy ends it",
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
)
