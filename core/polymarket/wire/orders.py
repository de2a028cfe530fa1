"""Own orders: what the venue answers to placing, cancelling and looking them up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ...identifiers import ConditionId, OrderId, TokenId, TradeId
from ...models import CancelResult, OpenOrder, OrderSide, TimeInForce
from .fields import Flag, Moment, NumberOrZero, Shape, Text, TextList, items_of, member, read_list, read_shape
from .market_data import next_cursor

_STATUS_PREFIX = "ORDER_STATUS_"


@dataclass(frozen=True, slots=True)
class PlacementAnswer:
    """One order's answer as sent, accepted or not.

    `making` and `taking` are zero while nothing matched. `error` is empty for an accepted order.
    """

    accepted: bool
    order_id: OrderId
    status: str
    making: Decimal
    taking: Decimal
    trade_ids: tuple[TradeId, ...]
    error: str


class PlacementShape(Shape):
    """A batch reports a refusal as `success: true` with an error text and no order id, so all three must agree."""

    success: Flag
    errorMsg: Text = ""
    orderID: Text = ""
    status: Text = ""
    makingAmount: NumberOrZero = Decimal(0)
    takingAmount: NumberOrZero = Decimal(0)
    tradeIDs: TextList = ()

    def to_model(self) -> PlacementAnswer:
        return PlacementAnswer(
            accepted=self.success and not self.errorMsg and bool(self.orderID),
            order_id=OrderId(self.orderID),
            status=self.status.lower() or ("matched" if self.tradeIDs else "unmatched"),
            making=self.makingAmount,
            taking=self.takingAmount,
            trade_ids=tuple(TradeId(trade_id) for trade_id in self.tradeIDs),
            error=self.errorMsg,
        )


class CancelShape(Shape):
    canceled: TextList = ()
    not_canceled: dict[str, Text] | None = None

    def to_model(self) -> CancelResult:
        return CancelResult(
            canceled=tuple(OrderId(order_id) for order_id in self.canceled),
            not_canceled={OrderId(order_id): reason for order_id, reason in (self.not_canceled or {}).items()},
        )


class OpenOrderShape(Shape):
    id: Text
    status: Text
    market: Text
    asset_id: Text
    side: OrderSide
    original_size: Decimal
    size_matched: NumberOrZero = Decimal(0)
    price: Decimal
    outcome: Text = ""
    order_type: TimeInForce = TimeInForce.GTC
    created_at: Moment = None
    expiration: Moment = None
    associate_trades: TextList = ()

    def to_model(self, *, received_at: datetime) -> OpenOrder:
        return OpenOrder(
            id=OrderId(self.id),
            status=self.status.removeprefix(_STATUS_PREFIX),
            condition_id=ConditionId(self.market),
            token_id=TokenId(self.asset_id),
            side=self.side,
            original_size=self.original_size,
            size_matched=self.size_matched,
            price=self.price,
            outcome=self.outcome,
            time_in_force=self.order_type,
            created_at=self.created_at or received_at,
            expires_at=self.expiration,
            trade_ids=tuple(TradeId(trade_id) for trade_id in self.associate_trades),
        )


@dataclass(frozen=True, slots=True)
class OpenOrderPage:
    """Some open orders. `next_cursor` is None on the last page."""

    items: tuple[OpenOrder, ...]
    next_cursor: str | None


def parse_placement(payload: Any, _: datetime) -> PlacementAnswer:
    return read_shape(PlacementShape, payload).to_model()


def parse_placements(payload: Any, _: datetime) -> tuple[PlacementAnswer, ...]:
    """The answers of a batch, in the order of the request."""
    return tuple(read_shape(PlacementShape, item, at=at).to_model() for item, at in items_of(payload))


def parse_cancel(payload: Any, _: datetime) -> CancelResult:
    member(payload, "canceled")
    return read_shape(CancelShape, payload).to_model()


def parse_open_order(payload: Any, received_at: datetime) -> OpenOrder | None:
    """One order; the venue has answered both 404 and null for an unknown one."""
    return None if payload is None else read_shape(OpenOrderShape, payload).to_model(received_at=received_at)


def parse_open_order_page(payload: Any, received_at: datetime) -> OpenOrderPage:
    shapes = read_list(OpenOrderShape, member(payload, "data"), at="data")
    return OpenOrderPage(tuple(shape.to_model(received_at=received_at) for shape in shapes), next_cursor(payload))
