"""How orders, plans and fills read in answers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ..core.errors import PolymarketAPIError
from ..core.models import OrderSide, OrderStatus
from ..core.untrusted_text import quoted
from .answer import AccountAnswer, Num, When, rounded

if TYPE_CHECKING:
    from ..core.identifiers import OrderId
    from ..core.models import CancelResult, PlacementResult, Trade
    from ..core.trading.desk import Placement
    from ..core.trading.draft import Draft
    from ..core.trading.order_plan import OrderPlan
    from .context import Desk


class PlanAnswer(AccountAnswer):
    """What an order means. Dollars; `worst_cost` is the most that can leave the account, fee included."""

    draft_id: str | None = None
    draft_expires: When | None = None
    market: str
    question: str
    side: str
    outcome: str
    shares: Num
    limit_price: Num
    time_in_force: str
    worst_cost: Num
    expected_shares: Num
    expected_price: Num | None = None
    expected_fee: Num
    expected_total: Num
    pays_if_right: Num
    rests: bool
    adjustments: list[str] | None = None
    consent: str | None = None
    book_as_of: When


class PlacedAnswer(AccountAnswer):
    """What was ordered (a market buy in `dollars`, else in `shares`) and what has filled of it."""

    status: str
    already_placed: bool
    order_id: str | None = None
    attempt_id: str
    market: str
    side: str
    outcome: str
    shares: Num | None = None
    dollars: Num | None = None
    limit_price: Num
    time_in_force: str
    worst_cost: Num
    filled: Num
    average_price: Num | None = None
    total: Num | None = None
    fee: Num | None = None
    pays_if_right: Num | None = None
    rests_while_you_are_away: bool | None = None
    open_until: str | None = None
    approval_code: str | None = None
    approval_expires: When | None = None
    adjustments: list[str] | None = None
    cause: str | None = None
    next: str


class CancelAnswer(AccountAnswer):
    """`withdrawn` are attempts that waited for a person and are not sent any more; `on_their_way` may still rest."""

    canceled: list[str]
    withdrawn: list[str] | None = None
    on_their_way: list[str] | None = None
    not_canceled: dict[str, str] | None = None
    next: str


class HaltAnswer(AccountAnswer):
    halted: bool
    reason: str
    since: When
    canceled: list[str] | None = None
    withdrawn: list[str] | None = None
    problem: str | None = None
    next: str


def plan_answer(desk: Desk, draft: Draft, *, host_can_ask: bool) -> PlanAnswer:
    plan = draft.plan
    estimate, ticket = plan.estimate, plan.ticket
    sign = 1 if ticket.side is OrderSide.BUY else -1
    kind = desk.trading.consent_for(plan, host_can_ask=host_can_ask)
    return PlanAnswer(
        **desk.heading,
        draft_id=draft.draft_id,
        draft_expires=draft.expires_at,
        market=plan.intent.market.slug,
        question=quoted(plan.intent.market.question),
        side=ticket.side.value,
        outcome=plan.intent.outcome.label,
        shares=ticket.shares
        if plan.rests or ticket.side is OrderSide.SELL
        else rounded(estimate.shares, 4) or Decimal(0),
        limit_price=ticket.price,
        time_in_force=ticket.time_in_force.value,
        worst_cost=plan.worst_cost,
        expected_shares=rounded(estimate.shares, 6) or Decimal(0),
        expected_price=rounded(estimate.average_price, 6),
        expected_fee=estimate.fee,
        expected_total=rounded(estimate.dollars + sign * estimate.fee, 6) or Decimal(0),
        pays_if_right=rounded(plan.pays_if_right, 4) or Decimal(0),
        rests=plan.rests,
        adjustments=list(plan.adjustments) or None,
        consent=None if kind == "none" else f"placing it needs consent: {kind}",
        book_as_of=plan.book.timestamp,
    )


async def placed_answer(desk: Desk, placement: Placement) -> PlacedAnswer:
    record = placement.record
    plan = record.plan
    assert plan is not None  # what was sent, or waits for a person, has a plan; refusals are raised
    fills = await _fills(desk, record.order_id)
    filled, paid, fee = _totals(fills, plan, record.result)
    resting = record.status in (OrderStatus.LIVE, OrderStatus.DELAYED)
    buying = plan.ticket.side is OrderSide.BUY
    return PlacedAnswer(
        **desk.heading,
        status=status_word(record.status, plan, filled, paid),
        already_placed=placement.already_placed,
        order_id=record.order_id,
        attempt_id=record.attempt_id,
        market=plan.intent.market.slug,
        side=plan.ticket.side.value,
        outcome=plan.intent.outcome.label,
        shares=None if spends(plan) else plan.ticket.shares,
        dollars=plan.ticket.dollars if spends(plan) else None,
        limit_price=plan.ticket.price,
        time_in_force=plan.ticket.time_in_force.value,
        worst_cost=plan.worst_cost,
        filled=filled,
        average_price=rounded(paid / filled, 6) if filled else None,
        total=rounded(paid + fee if buying else paid - fee, 6) if filled else None,
        fee=fee if filled else None,
        pays_if_right=filled if buying and filled else None,
        rests_while_you_are_away=True if resting else None,
        open_until=open_until(plan) if resting else None,
        approval_code=record.approval.code if record.approval else None,
        approval_expires=record.approval.expires_at if record.approval else None,
        adjustments=list(plan.adjustments) or None,
        cause=quoted(record.refusal.message, 200) if record.refusal else None,
        next=_next_step(record.status, record.approval.code if record.approval else "", filled=filled > 0),
    )


async def _fills(desk: Desk, order_id: OrderId | None) -> tuple[Trade, ...]:
    """The fills as far as the venue can say now: the order is placed, whether or not this read works."""
    if order_id is None:
        return ()
    try:
        return await desk.trading.fills_of(order_id)
    except PolymarketAPIError:
        return ()


def _totals(
    fills: tuple[Trade, ...], plan: OrderPlan, result: PlacementResult | None
) -> tuple[Decimal, Decimal, Decimal]:
    """Shares, dollars without fee, and fee of what has filled.

    The venue's answer to the order has the exact dollars; the fills are listed at their prices only, but know of
    what filled later.
    """
    listed = sum((fill.size for fill in fills), Decimal(0))
    fee = sum((fee_of(fill, plan) for fill in fills), Decimal(0))
    if result is not None and result.taking:
        buying = plan.ticket.side is OrderSide.BUY
        shares, dollars = (result.taking, result.making) if buying else (result.making, result.taking)
        if listed <= shares:
            known = fee if listed == shares else plan.intent.market.fees.taker_fee(shares, dollars / shares)
            return shares, dollars, known
    return listed, sum((fill.size * fill.price for fill in fills), Decimal(0)), fee


def fee_of(fill: Trade, plan: OrderPlan) -> Decimal:
    if fill.fee is not None:
        return fill.fee
    return plan.intent.market.fees.taker_fee(fill.size, fill.price) if fill.is_taker else Decimal(0)


def status_word(status: OrderStatus, plan: OrderPlan, filled: Decimal, paid: Decimal) -> str:
    if status is OrderStatus.MATCHED:
        return "filled" if _complete(plan, filled, paid) else "partly filled, rest killed"
    if status is OrderStatus.LIVE and filled:
        return "partly filled, rest open"
    return {OrderStatus.LIVE: "open"}.get(status, status.value)


def _complete(plan: OrderPlan, filled: Decimal, paid: Decimal) -> bool:
    """A market buy is complete when its dollars are spent, to within a cent; every other order when its shares are."""
    if spends(plan):
        return paid >= plan.ticket.dollars - Decimal("0.01")
    return filled >= plan.ticket.shares


def spends(plan: OrderPlan) -> bool:
    """Whether the order is one of dollars: a purchase that never rests."""
    return plan.ticket.side is OrderSide.BUY and not plan.ticket.time_in_force.rests


def open_until(plan: OrderPlan) -> str:
    if plan.intent.expires_at is not None:
        return plan.intent.expires_at.isoformat(timespec="seconds")
    return "until cancelled"


def _next_step(status: OrderStatus, code: str, *, filled: bool) -> str:
    match status:
        case OrderStatus.AWAITING_PERSON:
            return f"ask the user to run `polydesk approve {code}`; nothing is sent before that"
        case OrderStatus.UNKNOWN | OrderStatus.SENDING:
            return "do not place again; polymarket_get_orders finds out what happened"
        case OrderStatus.LIVE | OrderStatus.DELAYED:
            return "polymarket_cancel_orders takes it off the book"
        case OrderStatus.MATCHED:
            return "polymarket_get_portfolio shows the position"
        case _ if filled:
            return "part of it filled; polymarket_get_portfolio shows the position"
        case _:
            return "nothing filled and nothing rests; to place it again on purpose, give a new client_token"


def reasons_of(result: CancelResult) -> dict[str, str] | None:
    return {str(order_id): quoted(reason, 120) for order_id, reason in result.not_canceled.items()} or None
