"""Tools that preview, place, cancel and look up orders, and the one that stops everything."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Literal

from mcp.server.mcpserver import ElicitationResult, Resolve
from pydantic import Field

from ..core.errors import InputRejected, OutcomeUnknown, PolymarketAPIError, RateLimitError, VenueUnavailable
from ..core.identifiers import OrderId, is_hash32
from ..core.models import OrderSide
from ..core.trading.consent import Consent
from ..core.trading.draft import Draft
from ..core.untrusted_text import quoted
from .arguments import AsMoment, Limit, MarketRef, OutcomeRef, Size, moment_schema, offset_of
from .confirmation import Agreement, ask_user, draft_to_place, host_can_ask, user_agreed
from .context import Desk
from .order_answers import (
    CancelAnswer,
    HaltAnswer,
    PlacedAnswer,
    PlanAnswer,
    placed_answer,
    plan_answer,
    reasons_of,
)
from .order_intent import (
    Acknowledge,
    DraftId,
    ExpiresAt,
    ForecastId,
    PostOnly,
    Price,
    Side,
    Slippage,
    SpendUsd,
    Tif,
    Token,
    following,
    intent_of,
)
from .order_lines import OrdersAnswer, dead_cancels, has_status, order_line
from .toolspec import Toolset, ToolSpec


async def preview_order(
    desk: Desk,
    can_ask: Annotated[bool, Resolve(host_can_ask)],
    market_id: MarketRef,
    outcome: OutcomeRef,
    size: Size | None = None,
    spend_usd: SpendUsd | None = None,
    side: Side = "BUY",
    price: Price | None = None,
    time_in_force: Tif | None = None,
    expires_at: ExpiresAt | None = None,
    post_only: PostOnly = False,
    max_slippage: Slippage | None = None,
) -> PlanAnswer:
    """Work out a {MODE} order without sending it: shares, worst cost, fee, what it pays if right.

    Give exactly one of size and spend_usd. The draft_id can be placed within five minutes.
    """
    desk.require_account()
    intent = await intent_of(
        desk, market_id, outcome, size, spend_usd, side, price, time_in_force, expires_at, post_only, max_slippage
    )
    return plan_answer(desk, await desk.trading.preview(intent), host_can_ask=can_ask)


async def place_order(
    desk: Desk,
    draft: Annotated[Draft | None, Resolve(draft_to_place)],
    answer: Annotated[ElicitationResult[Agreement], Resolve(ask_user)],
    can_ask: Annotated[bool, Resolve(host_can_ask)],
    market_id: MarketRef | None = None,
    outcome: OutcomeRef | None = None,
    size: Size | None = None,
    spend_usd: SpendUsd | None = None,
    side: Side = "BUY",
    price: Price | None = None,
    time_in_force: Tif | None = None,
    expires_at: ExpiresAt | None = None,
    post_only: PostOnly = False,
    max_slippage: Slippage | None = None,
    draft_id: DraftId | None = None,
    acknowledge: Acknowledge | None = None,
    client_token: Token | None = None,
    forecast_id: ForecastId | None = None,
) -> PlacedAnswer:
    """Place a {MODE} order: market_id, outcome and exactly one of size (shares) and spend_usd (dollars).

    Without price it takes what is on the book now, at most 0.02 beyond the best price, and the rest is killed. With
    price, time_in_force is required. Placing a draft_id places exactly what was previewed. A repeated call does not
    place a second order. If the outcome is unknown, do not place again: call polymarket_get_orders.
    """
    desk.require_account()
    if draft_id is not None:
        others = (market_id, outcome, size, spend_usd, price, time_in_force, expires_at, max_slippage)
        if any(each is not None for each in others) or post_only or side != "BUY":
            raise InputRejected(
                "A draft is placed as it was previewed.", code="invalid_arguments", fix="give only draft_id"
            )
        intent = desk.trading.draft(draft_id).plan.intent
    else:
        intent = await intent_of(
            desk, market_id, outcome, size, spend_usd, side, price, time_in_force, expires_at, post_only, max_slippage
        )
    placement = await desk.trading.place(
        following(desk, intent, forecast_id),
        client_token=client_token,
        draft_id=draft.draft_id if draft else None,
        named=draft_id is not None,
        consent=Consent(host_can_ask=can_ask, agreed_by_user=user_agreed(answer), acknowledged_usd=acknowledge),
    )
    return await placed_answer(desk, placement)


async def cancel_orders(
    desk: Desk,
    order_ids: Annotated[list[str] | None, Field(max_length=100, description="Order ids (0x...) to cancel")] = None,
    market_id: Annotated[MarketRef | None, Field(description="Cancel all open orders of this market")] = None,
    side: Annotated[Literal["BUY", "SELL"], Field(description="Only orders of this side")] | None = None,
    older_than_s: Annotated[int, Field(ge=1, le=31_536_000, description="Only orders at least so old, in seconds")]
    | None = None,
    cancel_all: Annotated[bool, Field(description="Cancel every open order of the account")] = False,
) -> CancelAnswer:
    """Cancel {MODE} orders: by order_ids, by market, side and age, or all. Needs no confirmation."""
    desk.require_account()
    by_kind = side is not None or older_than_s is not None
    if sum((bool(order_ids), market_id is not None or by_kind, cancel_all)) != 1:
        raise InputRejected(
            "Say what to cancel in one way.",
            code="invalid_arguments",
            fix="give order_ids, or market_id, side and older_than_s, or cancel_all=true",
        )
    condition_id = (await desk.directory.find(market_id)).market.condition_id if market_id is not None else None
    if order_ids:
        wrong = [each for each in order_ids if not is_hash32(each)]
        if wrong:
            raise InputRejected(
                f"{quoted(wrong[0], 80)!r} is not an order id; those are 0x and 64 hex digits.",
                code="invalid_arguments",
                fix="use order_id from polymarket_get_orders",
                next_tool="polymarket_get_orders",
            )
        cancelling = desk.trading.cancels.of(tuple(OrderId(each.lower()) for each in order_ids))
    elif by_kind:
        cancelling = desk.trading.cancels.of_kind(
            side=None if side is None else OrderSide(side),
            older_than=None if older_than_s is None else timedelta(seconds=older_than_s),
            condition_id=condition_id,
        )
    elif condition_id is not None:
        cancelling = desk.trading.cancels.of_market(condition_id)
    else:
        cancelling = desk.trading.cancels.of_everything()
    try:
        cancellation = await cancelling
    except OutcomeUnknown as error:
        raise OutcomeUnknown(error.message, order_ids=error.order_ids, safe_to_repeat=True) from error
    return CancelAnswer(
        **desk.heading,
        canceled=[str(each) for each in cancellation.result.canceled],
        not_canceled=reasons_of(cancellation.result),
        withdrawn=list(cancellation.withdrawn) or None,
        on_their_way=list(cancellation.on_their_way) or None,
        next="polymarket_get_orders shows what filled before it was cancelled"
        + ("; what is on_their_way may rest after all: cancel again" if cancellation.on_their_way else ""),
    )


async def get_orders(
    desk: Desk,
    status: Annotated[
        Literal["all", "open", "filled", "refused", "rejected", "unknown", "dead", "canceled", "awaiting_person"],
        Field(description="Which orders"),
    ] = "all",
    order_id: Annotated[str | None, Field(max_length=80, description="One order, by order_id or attempt_id")] = None,
    market_id: Annotated[MarketRef | None, Field(description="Only orders of this market")] = None,
    since: Annotated[datetime, AsMoment, moment_schema("Only orders from then on, e.g. 2026-05-17T06:00:00Z")]
    | None = None,
    limit: Limit = 10,
    cursor: Annotated[str | None, Field(max_length=10, description="next_cursor of the previous page")] = None,
) -> OrdersAnswer:
    """Look up the account's {MODE} orders, newest first, with fills, and why any was refused.

    This also settles unknown outcomes by asking the venue for the order's hash.
    """
    desk.require_account()
    venue_problem = None
    try:
        views = await desk.trading.orders()
    except (VenueUnavailable, RateLimitError) as error:
        views, venue_problem = desk.trading.remembered_orders(), quoted(error.message, 200)
    if market_id is not None:
        condition_id = (await desk.directory.find(market_id)).market.condition_id
        views = tuple(view for view in views if view.condition_id == condition_id)
    if since is not None:
        views = tuple(view for view in views if view.created_at >= since)
    if order_id is not None:
        views = tuple(
            view
            for view in views
            if order_id.lower() == view.order_id or (view.record is not None and order_id == view.record.attempt_id)
        )
        if not views:
            raise InputRejected(
                f"This account has no order {quoted(order_id, 80)!r}.",
                code="unknown_order",
                fix="list without order_id",
            )
    elif status != "all":
        views = tuple(view for view in views if has_status(view, status))
    skip = offset_of(cursor)
    shown = views[skip : skip + limit]
    letters = desk.trading.letters.open() if status in ("all", "dead") or order_id is not None else ()
    letter_of = {letter.attempt_id: letter.letter_id for letter in letters}
    scoring: Mapping[OrderId, bool] = {}
    if venue_problem is None and (status == "open" or order_id is not None):
        with suppress(PolymarketAPIError):  # the orders are known, and that is what was asked for
            scoring = await desk.records.scoring(
                [view.order_id for view in shown if view.order_id and view.status.open]
            )
    notes = desk.notes()
    return OrdersAnswer(
        **desk.heading,
        as_of=desk.clock.now(),
        venue_problem=venue_problem,
        orders=[
            order_line(
                view,
                with_fills=order_id is not None or len(shown) <= 5,
                scores=scoring.get(view.order_id) if view.order_id else None,
                notes=notes,
                letter_id=letter_of.get(view.record.attempt_id) if view.record else None,
            )
            for view in shown
        ],
        dead_cancels=dead_cancels(letters) if order_id is None and not skip else None,
        next_cursor=str(skip + limit) if skip + limit < len(views) else None,
    )


async def halt_trading(
    desk: Desk,
    reason: Annotated[str, Field(min_length=3, max_length=300, description="Why, for the person who will read it")],
    cancel_open: Annotated[bool, Field(description="Also cancel every open order")] = True,
) -> HaltAnswer:
    """Stop all {MODE} trading at once. Only a person can lift this, on the command line.

    If a problem is answered, the stop stands but orders may still rest: repeat polymarket_cancel_orders.
    """
    stopped = desk.trading.engage_halt(quoted(reason, 300))
    halt, canceled, problem = stopped.halt, None, None
    if cancel_open and desk.account is not None:
        canceled, problem = await _cancel_everything(desk)
    if not halt.saved:
        problem = f"The halt could not be saved and ends with this process. {problem or ''}".strip()
    return HaltAnswer(
        **desk.heading,
        halted=True,
        reason=halt.reason,
        since=halt.since,
        canceled=canceled,
        withdrawn=list(stopped.withdrawn) or None,
        problem=problem,
        next=f"tell the user; new orders are refused until a person runs `{halt.lifted_by}`",
    )


async def _cancel_everything(desk: Desk) -> tuple[list[str] | None, str | None]:
    """What was cancelled, and why orders may rest all the same."""
    try:
        cancellation = await desk.trading.cancels.of_everything()
    except PolymarketAPIError as error:
        return None, f"Open orders may still rest: {quoted(error.message, 200)} Repeat polymarket_cancel_orders."
    left = [*cancellation.result.not_canceled, *cancellation.on_their_way]
    problem = f"These may still rest: {', '.join(left[:5])}. Repeat polymarket_cancel_orders." if left else None
    return [str(each) for each in cancellation.result.canceled], problem


TOOLS = (
    ToolSpec("polymarket_preview_order", Toolset.TRADING, "Preview {MODE} order", preview_order, idempotent=False),
    ToolSpec(
        "polymarket_place_order",
        Toolset.TRADING,
        "Place {MODE} order",
        place_order,
        changes=True,
        destructive=True,
        idempotent=False,
    ),
    ToolSpec(
        "polymarket_cancel_orders",
        Toolset.TRADING,
        "Cancel {MODE} orders",
        cancel_orders,
        changes=True,
        destructive=True,
    ),
    ToolSpec("polymarket_get_orders", Toolset.TRADING, "Look up {MODE} orders", get_orders),
    ToolSpec(
        "polymarket_halt_trading", Toolset.TRADING, "Halt {MODE} trading", halt_trading, changes=True, destructive=True
    ),
)
