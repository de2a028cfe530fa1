"""The Data API, version 2: positions, trades, activity and portfolio value, in `{data, pagination}` envelopes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BeforeValidator

from ...errors import UnexpectedPayload
from ...identifiers import Address, ConditionId, Slug, TokenId
from ...models import OrderSide, Position
from .fields import Flag, Moment, NumberOrZero, OptionalNumber, Shape, Text, member, number_at, read_list

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """A trade of anybody's on the public tape. `price` in dollars per share, `size` in shares."""

    user: Address
    token_id: TokenId
    condition_id: ConditionId
    side: OrderSide
    price: Decimal
    size: Decimal
    timestamp: datetime
    outcome: str
    title: str
    slug: Slug
    transaction_hash: str


@dataclass(frozen=True, slots=True)
class Activity:
    """Something a wallet did. `kind` is the venue's word: TRADE, SPLIT, MERGE, REDEEM, REWARD, DEPOSIT ...

    `dollars` of a taker's BUY include its fee. Rows without a market have empty ids; `side` is None but for trades.
    """

    kind: str
    user: Address
    timestamp: datetime
    condition_id: ConditionId
    token_id: TokenId
    side: OrderSide | None
    price: Decimal
    size: Decimal
    dollars: Decimal
    outcome: str
    title: str
    slug: Slug
    transaction_hash: str


@dataclass(frozen=True, slots=True)
class DataPage(Generic[ItemT]):
    """Some rows. `next_cursor` is None on the last page."""

    items: tuple[ItemT, ...]
    next_cursor: str | None


class PositionShape(Shape):
    token_id: Text
    condition_id: Text
    current_size: Decimal
    avg_price: NumberOrZero = Decimal(0)
    entry_cost_usdc: NumberOrZero = Decimal(0)
    entry_fees_usdc: NumberOrZero = Decimal(0)
    current_price: OptionalNumber = None
    current_value: OptionalNumber = None
    realized_pnl: NumberOrZero = Decimal(0)
    unrealized_pnl: OptionalNumber = None
    status: Text = ""
    negative_risk: Flag = False
    title: Text = ""
    outcome: Text = ""
    slug: Text = ""
    event_slug: Text = ""

    def to_model(self) -> Position:
        return Position(
            token_id=TokenId(self.token_id),
            condition_id=ConditionId(self.condition_id),
            title=self.title,
            outcome=self.outcome,
            size=self.current_size,
            average_price=self.avg_price,
            cost=self.entry_cost_usdc,
            fees=self.entry_fees_usdc,
            current_price=self.current_price,
            value=self.current_value,
            realized=self.realized_pnl,
            unrealized=self.unrealized_pnl,
            status=self.status,
            neg_risk=self.negative_risk,
            slug=self.slug,
            event_slug=self.event_slug,
        )


class PublicTradeShape(Shape):
    proxy_wallet: Text = ""
    token_id: Text
    condition_id: Text
    side: OrderSide
    price: Decimal
    size: Decimal
    timestamp: Moment
    outcome: Text = ""
    title: Text = ""
    slug: Text = ""
    transaction_hash: Text = ""

    def to_model(self, *, received_at: datetime) -> PublicTrade:
        return PublicTrade(
            user=Address(self.proxy_wallet),
            token_id=TokenId(self.token_id),
            condition_id=ConditionId(self.condition_id),
            side=self.side,
            price=self.price,
            size=self.size,
            timestamp=self.timestamp or received_at,
            outcome=self.outcome,
            title=self.title,
            slug=Slug(self.slug),
            transaction_hash=self.transaction_hash,
        )


class ActivityShape(Shape):
    type: Text
    proxy_wallet: Text = ""
    timestamp: Moment
    condition_id: Text = ""
    token_id: Text = ""
    side: Annotated[OrderSide | None, BeforeValidator(lambda value: value or None)] = None
    price: NumberOrZero = Decimal(0)
    size: NumberOrZero = Decimal(0)
    usdc_size: NumberOrZero = Decimal(0)
    outcome: Text = ""
    title: Text = ""
    slug: Text = ""
    transaction_hash: Text = ""

    def to_model(self, *, received_at: datetime) -> Activity:
        return Activity(
            kind=self.type,
            user=Address(self.proxy_wallet),
            timestamp=self.timestamp or received_at,
            condition_id=ConditionId(self.condition_id),
            token_id=TokenId(self.token_id),
            side=self.side,
            price=self.price,
            size=self.size,
            dollars=self.usdc_size,
            outcome=self.outcome,
            title=self.title,
            slug=Slug(self.slug),
            transaction_hash=self.transaction_hash,
        )


def parse_positions(payload: Any, _: datetime) -> DataPage[Position]:
    shapes = read_list(PositionShape, member(payload, "data"), at="data")
    return DataPage(tuple(shape.to_model() for shape in shapes), next_data_cursor(payload))


def parse_public_trades(payload: Any, received_at: datetime) -> DataPage[PublicTrade]:
    shapes = read_list(PublicTradeShape, member(payload, "data"), at="data")
    return DataPage(tuple(shape.to_model(received_at=received_at) for shape in shapes), next_data_cursor(payload))


def parse_activity(payload: Any, received_at: datetime) -> DataPage[Activity]:
    shapes = read_list(ActivityShape, member(payload, "data"), at="data")
    return DataPage(tuple(shape.to_model(received_at=received_at) for shape in shapes), next_data_cursor(payload))


def parse_value(payload: Any, _: datetime) -> Decimal:
    """Dollars; an account the venue does not know has null data, hence none."""
    data = member(payload, "data")
    if isinstance(data, list):
        data = data[0] if data else None
    return Decimal(0) if data is None else number_at(data, "value")


def next_data_cursor(payload: Any) -> str | None:
    """The cursor of the page after this one, None when this is the last."""
    pagination = payload.get("pagination") or {}
    if not isinstance(pagination, dict):
        raise UnexpectedPayload("pagination: expected an object", path="pagination")
    return (pagination.get("next_cursor") or None) if pagination.get("has_more") else None
