"""Own trades, turned from the taker's view on the wire to ours."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from ...identifiers import ConditionId, OrderId, TokenId, TradeId
from ...models import OrderSide, Trade, TradeStatus
from .fields import Moment, Shape, Text, member, read_list, read_shape
from .market_data import next_cursor


def _plain_status(value: object) -> object:
    """The status without its prefix. A trade that is matched but not yet broadcast is matched."""
    if not isinstance(value, str):
        return value
    word = value.removeprefix("TRADE_STATUS_")
    return TradeStatus.MATCHED if word == "MATCHED_NOT_BROADCASTED" else word


def _side_or_none(value: object) -> object:
    return value or None


class MakerOrderShape(Shape):
    order_id: Text
    owner: Text = ""
    maker_address: Text = ""
    matched_amount: Decimal
    price: Decimal
    asset_id: Text
    outcome: Text = ""
    side: Annotated[OrderSide | None, BeforeValidator(_side_or_none)] = None


class TradeShape(Shape):
    """One taker order against one or more maker orders. The fields on top describe the taker."""

    id: Text
    taker_order_id: Text
    market: Text
    asset_id: Text
    side: OrderSide
    size: Decimal
    price: Decimal
    status: Annotated[TradeStatus, BeforeValidator(_plain_status)]
    outcome: Text = ""
    owner: Text = ""
    maker_address: Text = ""
    match_time: Moment = None
    last_update: Moment = None
    transaction_hash: Text = ""
    trader_side: Text = "TAKER"
    maker_orders: tuple[MakerOrderShape, ...] | None = None

    def ours(self, owners: Collection[str], *, received_at: datetime) -> tuple[Trade, ...]:
        """Our fills in this trade: one as the taker, or one for each of our orders it met.

        `owners` are our API keys and wallet addresses in lower case. A maker's fill may be on the other outcome's
        token, at one minus the price, when the match minted or merged a pair.
        """
        timestamp = self.match_time or self.last_update or received_at
        if self.trader_side != "MAKER":
            return (
                self._fill(
                    OrderId(self.taker_order_id),
                    price=self.price,
                    size=self.size,
                    token_id=TokenId(self.asset_id),
                    side=self.side,
                    outcome=self.outcome,
                    is_taker=True,
                    timestamp=timestamp,
                ),
            )
        return tuple(
            self._fill(
                OrderId(order.order_id),
                price=order.price,
                size=order.matched_amount,
                token_id=TokenId(order.asset_id),
                side=order.side or self._maker_side(order),
                outcome=order.outcome,
                is_taker=False,
                timestamp=timestamp,
            )
            for order in self.maker_orders or ()
            if order.owner.lower() in owners or order.maker_address.lower() in owners
        )

    def _maker_side(self, order: MakerOrderShape) -> OrderSide:
        """On the same token makers take the other side; on the complementary one they trade the same way."""
        if order.asset_id != self.asset_id:
            return self.side
        return OrderSide.SELL if self.side is OrderSide.BUY else OrderSide.BUY

    def _fill(
        self,
        order_id: OrderId,
        *,
        price: Decimal,
        size: Decimal,
        token_id: TokenId,
        side: OrderSide,
        outcome: str,
        is_taker: bool,
        timestamp: datetime,
    ) -> Trade:
        return Trade(
            id=TradeId(self.id),
            order_id=order_id,
            price=price,
            size=size,
            timestamp=timestamp,
            market_id=ConditionId(self.market),
            token_id=token_id,
            side=side,
            outcome=outcome,
            status=self.status,
            is_taker=is_taker,
            transaction_hash=self.transaction_hash,
        )


@dataclass(frozen=True, slots=True)
class TradePage:
    """Fills of ours. `next_cursor` is None on the last page."""

    items: tuple[Trade, ...]
    next_cursor: str | None


def parse_trade(payload: Any, received_at: datetime, *, owners: Collection[str]) -> tuple[Trade, ...]:
    return read_shape(TradeShape, payload).ours(owners, received_at=received_at)


def parse_trade_page(payload: Any, received_at: datetime, *, owners: Collection[str]) -> TradePage:
    shapes = read_list(TradeShape, member(payload, "data"), at="data")
    fills = (fill for shape in shapes for fill in shape.ours(owners, received_at=received_at))
    return TradePage(tuple(fills), next_cursor(payload))
