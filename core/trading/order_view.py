"""Orders as somebody looking back wants them: the journal, the venue's open orders and the fills, in one list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..identifiers import ConditionId, OrderId
from ..models import OpenOrder, OrderSide, OrderStatus, TimeInForce, Trade, TradeStatus
from .order_record import OrderRecord, Refusal


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order. `record` is None for an order this process did not place.

    `shares` and `filled` are shares, `paid` dollars without fees; the fills are void-free.
    """

    order_id: OrderId | None
    status: OrderStatus
    condition_id: ConditionId
    outcome: str
    side: OrderSide
    price: Decimal | None
    shares: Decimal | None
    filled: Decimal
    paid: Decimal
    time_in_force: TimeInForce | None
    created_at: datetime
    expires_at: datetime | None
    fills: tuple[Trade, ...]
    refusal: Refusal | None
    record: OrderRecord | None

    @property
    def average_price(self) -> Decimal | None:
        return self.paid / self.filled if self.filled and self.paid else None


def order_views(
    records: Iterable[OrderRecord], open_orders: Iterable[OpenOrder], trades: Iterable[Trade]
) -> tuple[OrderView, ...]:
    """Everything known of this account's orders, newest first."""
    fills: dict[OrderId, list[Trade]] = {}
    for trade in trades:
        if trade.status is not TradeStatus.FAILED:
            fills.setdefault(trade.order_id, []).append(trade)
    resting = {order.id: order for order in open_orders}
    seen: set[OrderId] = set()
    views = []
    for record in records:
        if record.order_id is not None:
            seen.add(record.order_id)
        views.append(_of_record(record, tuple(fills.get(record.order_id, ())) if record.order_id else ()))
    for order in resting.values():
        if order.id not in seen:
            seen.add(order.id)
            views.append(_of_open_order(order, tuple(fills.get(order.id, ()))))
    for order_id, its_fills in fills.items():
        if order_id not in seen:
            views.append(_of_fills(order_id, tuple(its_fills)))
    return tuple(sorted(views, key=lambda view: view.created_at, reverse=True))


def _of_record(record: OrderRecord, fills: tuple[Trade, ...]) -> OrderView:
    ticket = record.plan.ticket if record.plan else None
    intent = record.intent
    shares = ticket.shares if ticket else (intent.size if isinstance(intent.size, Decimal) else None)
    filled, paid = _filled(fills), _paid(fills)
    if record.result is not None and not fills:
        # The answer to the order itself; the venue's list of fills lags or could not be read.
        buying = intent.side is OrderSide.BUY
        filled = record.result.taking if buying else record.result.making
        paid = record.result.making if buying else record.result.taking
    return OrderView(
        order_id=record.order_id,
        status=record.status,
        condition_id=intent.market.condition_id,
        outcome=intent.outcome.label,
        side=intent.side,
        price=ticket.price if ticket else intent.price,
        shares=shares,
        filled=filled,
        paid=paid,
        time_in_force=ticket.time_in_force if ticket else intent.time_in_force,
        created_at=record.created_at,
        expires_at=intent.expires_at,
        fills=fills,
        refusal=record.refusal,
        record=record,
    )


def _of_open_order(order: OpenOrder, fills: tuple[Trade, ...]) -> OrderView:
    return OrderView(
        order_id=order.id,
        status=OrderStatus.LIVE,
        condition_id=order.condition_id,
        outcome=order.outcome,
        side=order.side,
        price=order.price,
        shares=order.original_size,
        filled=order.size_matched,
        paid=_paid(fills),
        time_in_force=order.time_in_force,
        created_at=order.created_at,
        expires_at=order.expires_at,
        fills=fills,
        refusal=None,
        record=None,
    )


def _of_fills(order_id: OrderId, fills: tuple[Trade, ...]) -> OrderView:
    first = fills[0]
    return OrderView(
        order_id=order_id,
        status=OrderStatus.MATCHED,
        condition_id=first.market_id,
        outcome=first.outcome,
        side=first.side,
        price=None,
        shares=None,
        filled=_filled(fills),
        paid=_paid(fills),
        time_in_force=None,
        created_at=min(fill.timestamp for fill in fills),
        expires_at=None,
        fills=fills,
        refusal=None,
        record=None,
    )


def _filled(fills: tuple[Trade, ...]) -> Decimal:
    return sum((fill.size for fill in fills), Decimal(0))


def _paid(fills: tuple[Trade, ...]) -> Decimal:
    return sum((fill.price * fill.size for fill in fills), Decimal(0))
