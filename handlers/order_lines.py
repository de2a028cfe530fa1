"""How the orders of an account read in a list."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ..core.models import OrderStatus
from ..core.untrusted_text import quoted
from .answer import AccountAnswer, Answer, Num, When, rounded
from .order_answers import fee_of, open_until, spends, status_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core.models import Trade
    from ..core.models.venue_notes import VenueNotes
    from ..core.trading.dead_letters import DeadLetter
    from ..core.trading.order_plan import OrderPlan
    from ..core.trading.order_view import OrderView


class FillLine(Answer):
    trade_id: str
    price: Num
    shares: Num
    fee: Num | None = None
    role: str
    settlement: str
    at: When


class OrderLine(Answer):
    order_id: str | None = None
    attempt_id: str | None = None
    status: str
    market: str | None = None
    condition_id: str | None = None
    side: str
    outcome: str
    shares: Num | None = None
    dollars: Num | None = None
    limit_price: Num | None = None
    time_in_force: str | None = None
    filled: Num
    average_price: Num | None = None
    fee: Num | None = None
    created: When
    open_until: str | None = None
    scores_rewards: bool | None = None
    forecast_id: str | None = None
    fills: list[FillLine] | None = None
    letter_id: str | None = None
    stage: str | None = None
    control: str | None = None
    value: str | None = None
    limit: str | None = None
    cause: str | None = None
    fix: str | None = None


class DeadCancel(Answer):
    """A cancel that failed: what it was for may still rest."""

    letter_id: str
    at: When
    cause: str
    order_ids: list[str] | None = None


class OrdersAnswer(AccountAnswer):
    """With `venue_problem` the orders are as the desk last knew them, without fills."""

    as_of: When
    venue_problem: str | None = None
    orders: list[OrderLine]
    dead_cancels: list[DeadCancel] | None = None
    next_cursor: str | None = None


def has_status(view: OrderView, status: str) -> bool:
    match status:
        case "open":
            return view.status.open
        case "filled":
            return view.filled > 0
        case "canceled":
            return view.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)
        case _:
            return view.status.value == status


def order_line(
    view: OrderView, *, with_fills: bool, scores: bool | None, notes: VenueNotes, letter_id: str | None
) -> OrderLine:
    record = view.record
    refusal = view.refusal
    plan = record.plan if record else None
    return OrderLine(
        order_id=view.order_id,
        attempt_id=record.attempt_id if record else None,
        status=status_word(view.status, plan, view.filled, view.paid) if plan else view.status.value,
        market=record.intent.market.slug if record else None,
        condition_id=None if record else view.condition_id,
        side=view.side.value,
        outcome=view.outcome,
        shares=None if plan and spends(plan) else view.shares,
        dollars=plan.ticket.dollars if plan and spends(plan) else None,
        limit_price=view.price,
        time_in_force=view.time_in_force.value if view.time_in_force else None,
        filled=view.filled,
        average_price=rounded(view.average_price, 6),
        fee=sum((fee_of(fill, plan) for fill in view.fills), Decimal(0)) if plan and view.fills else None,
        created=view.created_at,
        open_until=open_until(plan) if plan and view.status.open else None,
        scores_rewards=scores if view.status.open else None,
        forecast_id=record.intent.forecast_id or None if record else None,
        fills=[_fill_line(fill, plan, notes) for fill in view.fills[:10]] or None if with_fills else None,
        letter_id=letter_id,
        stage=refusal.stage if refusal else None,
        control=refusal.control or None if refusal else None,
        value=refusal.value or None if refusal else None,
        limit=refusal.limit or None if refusal else None,
        cause=quoted(refusal.message, 300) if refusal else notes.void.get(view.order_id) if view.order_id else None,
        fix=refusal.fix or None if refusal else None,
    )


def dead_cancels(letters: Sequence[DeadLetter]) -> list[DeadCancel] | None:
    """The cancels among open dead letters."""
    return [
        DeadCancel(
            letter_id=letter.letter_id,
            at=letter.at,
            cause=quoted(letter.cause, 200),
            order_ids=[str(each) for each in letter.body.get("order_ids", ())] or None,
        )
        for letter in letters
        if letter.kind == "cancel"
    ] or None


def _fill_line(fill: Trade, plan: OrderPlan | None, notes: VenueNotes) -> FillLine:
    return FillLine(
        trade_id=fill.id,
        price=fill.price,
        shares=fill.size,
        fee=fee_of(fill, plan) if plan else fill.fee,
        role="maker, while_away" if fill.id in notes.while_away else "taker" if fill.is_taker else "maker",
        settlement=fill.status.value.lower(),
        at=fill.timestamp,
    )
