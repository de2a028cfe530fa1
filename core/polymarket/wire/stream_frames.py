"""Reading frames of the two WebSocket channels into events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from ...clock import unix_ms
from ...errors import UnexpectedPayload
from ...identifiers import ConditionId, MarketId, OrderId, Slug, TokenId, TradeId
from ...models import OpenOrder, OrderSide, TimeInForce
from .fields import Moment, NumberOrZero, OptionalNumber, Shape, Text, TextList, parse_moment, read_shape
from .market_data import LevelShape, best_first
from .stream_events import (
    BestBidAsk,
    BookSnapshot,
    LastTrade,
    LevelRow,
    MarketEvent,
    MarketResolved,
    NewMarket,
    OrderUpdate,
    PriceChanges,
    TickSizeChange,
    TradeUpdate,
    UserEvent,
    price_e4,
    size_micro,
)
from .trades import TradeShape


class _BookShape(Shape):
    market: Text
    asset_id: Text
    timestamp: Moment = None
    hash: Text = ""
    bids: tuple[LevelShape, ...] | None = None
    asks: tuple[LevelShape, ...] | None = None
    tick_size: OptionalNumber = None
    last_trade_price: OptionalNumber = None


class _LastTradeShape(Shape):
    market: Text
    asset_id: Text
    side: OrderSide
    price: Decimal
    size: NumberOrZero = Decimal(0)
    timestamp: Moment = None
    transaction_hash: Text = ""


class _TickShape(Shape):
    market: Text
    asset_id: Text
    old_tick_size: Decimal
    new_tick_size: Decimal
    timestamp: Moment = None


class _BestShape(Shape):
    market: Text
    asset_id: Text
    best_bid: OptionalNumber = None
    best_ask: OptionalNumber = None
    timestamp: Moment = None


class _NewMarketShape(Shape):
    id: Text
    market: Text
    question: Text = ""
    slug: Text = ""
    assets_ids: TextList = ()
    outcomes: TextList = ()
    timestamp: Moment = None


class _ResolvedShape(Shape):
    id: Text
    market: Text
    assets_ids: TextList = ()
    winning_asset_id: Text
    winning_outcome: Text = ""
    timestamp: Moment = None


class _OrderShape(Shape):
    id: Text
    type: Literal["PLACEMENT", "UPDATE", "CANCELLATION"]
    status: Text = ""
    market: Text
    asset_id: Text
    side: OrderSide
    original_size: NumberOrZero
    size_matched: NumberOrZero = Decimal(0)
    price: NumberOrZero
    outcome: Text = ""
    order_type: TimeInForce = TimeInForce.GTC
    created_at: Moment = None
    expiration: Moment = None
    associate_trades: TextList = ()
    timestamp: Moment = None


class _TradeShape(TradeShape):
    timestamp: Moment = None


def _book(frame: Mapping[str, Any], received_at: datetime) -> BookSnapshot:
    shape = read_shape(_BookShape, frame)
    try:
        return BookSnapshot(
            token_id=TokenId(shape.asset_id),
            condition_id=ConditionId(shape.market),
            bid_levels=_levels(OrderSide.BUY, shape.bids),
            ask_levels=_levels(OrderSide.SELL, shape.asks),
            timestamp_ms=unix_ms(shape.timestamp or received_at),
            hash=shape.hash,
            tick=shape.tick_size,
            last_trade_price=shape.last_trade_price,
        )
    except ValueError as error:
        raise UnexpectedPayload(f"book: {error}", path="bids" if shape.bids else "asks") from error


def _levels(side: OrderSide, levels: tuple[LevelShape, ...] | None) -> tuple[tuple[int, int], ...]:
    return tuple((price_e4(level.price), size_micro(level.size)) for level in best_first(side, levels or ()))


def _price_changes(frame: Mapping[str, Any], received_at: datetime) -> PriceChanges:
    """Frames from before September 2025 carry one change on the envelope itself."""
    rows = frame.get("price_changes") or [frame]
    try:
        return PriceChanges(
            condition_id=ConditionId(frame["market"]),
            timestamp_ms=unix_ms(parse_moment(frame.get("timestamp")) or received_at),
            rows=[_level_row(row) for row in rows],
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise UnexpectedPayload(f"price_changes: {error!r}", path="price_changes") from error


def _level_row(row: Mapping[str, Any]) -> LevelRow:
    best_bid, best_ask = row.get("best_bid"), row.get("best_ask")
    return (
        TokenId(str(row["asset_id"])),
        OrderSide(row["side"]),
        price_e4(Decimal(row["price"])),
        size_micro(Decimal(row["size"])),
        row.get("hash") or "",
        price_e4(Decimal(best_bid)) if best_bid else None,
        price_e4(Decimal(best_ask)) if best_ask else None,
    )


def _last_trade(frame: Mapping[str, Any], received_at: datetime) -> LastTrade:
    shape = read_shape(_LastTradeShape, frame)
    return LastTrade(
        token_id=TokenId(shape.asset_id),
        condition_id=ConditionId(shape.market),
        side=shape.side,
        price=shape.price,
        size=shape.size,
        timestamp=shape.timestamp or received_at,
        transaction_hash=shape.transaction_hash,
    )


def _tick_size_change(frame: Mapping[str, Any], received_at: datetime) -> TickSizeChange:
    shape = read_shape(_TickShape, frame)
    return TickSizeChange(
        token_id=TokenId(shape.asset_id),
        condition_id=ConditionId(shape.market),
        old_tick=shape.old_tick_size,
        new_tick=shape.new_tick_size,
        timestamp=shape.timestamp or received_at,
    )


def _best_bid_ask(frame: Mapping[str, Any], received_at: datetime) -> BestBidAsk:
    """An empty side is sent as a bid of 0 or an ask of 1, which are not prices."""
    shape = read_shape(_BestShape, frame)
    return BestBidAsk(
        token_id=TokenId(shape.asset_id),
        condition_id=ConditionId(shape.market),
        best_bid=shape.best_bid if shape.best_bid else None,
        best_ask=None if shape.best_ask == 1 else shape.best_ask,
        timestamp=shape.timestamp or received_at,
    )


def _new_market(frame: Mapping[str, Any], received_at: datetime) -> NewMarket:
    shape = read_shape(_NewMarketShape, frame)
    return NewMarket(
        market_id=MarketId(shape.id),
        condition_id=ConditionId(shape.market),
        question=shape.question,
        slug=Slug(shape.slug),
        token_ids=tuple(TokenId(token_id) for token_id in shape.assets_ids),
        outcomes=shape.outcomes,
        timestamp=shape.timestamp or received_at,
    )


def _market_resolved(frame: Mapping[str, Any], received_at: datetime) -> MarketResolved:
    shape = read_shape(_ResolvedShape, frame)
    return MarketResolved(
        market_id=MarketId(shape.id),
        condition_id=ConditionId(shape.market),
        token_ids=tuple(TokenId(token_id) for token_id in shape.assets_ids),
        winning_token_id=TokenId(shape.winning_asset_id),
        winning_outcome=shape.winning_outcome,
        timestamp=shape.timestamp or received_at,
    )


_MARKET_EVENTS: dict[str, Callable[[Mapping[str, Any], datetime], MarketEvent]] = {
    "book": _book,
    "price_change": _price_changes,
    "last_trade_price": _last_trade,
    "tick_size_change": _tick_size_change,
    "best_bid_ask": _best_bid_ask,
    "new_market": _new_market,
    "market_resolved": _market_resolved,
}


def parse_market_event(frame: Any, received_at: datetime) -> MarketEvent | None:
    """One object of the market channel; None for an event type this version does not know."""
    if not isinstance(frame, dict):
        raise UnexpectedPayload("expected an object")
    parse = _MARKET_EVENTS.get(str(frame.get("event_type")))
    return parse(frame, received_at) if parse else None


def parse_user_event(frame: Any, received_at: datetime, *, owners: Collection[str]) -> UserEvent | None:
    """One object of the user channel; None for an event type this version does not know.

    `owners` are our API keys and wallet addresses in lower case.
    """
    if not isinstance(frame, dict):
        raise UnexpectedPayload("expected an object")
    kind = frame.get("event_type") or ("trade" if frame.get("type") == "TRADE" else "order")
    if kind == "order":
        return _order_update(read_shape(_OrderShape, frame), received_at)
    if kind == "trade":
        shape = read_shape(_TradeShape, frame)
        return TradeUpdate(
            trade_id=TradeId(shape.id),
            status=shape.status,
            fills=shape.ours(owners, received_at=received_at),
            timestamp=shape.timestamp or shape.last_update or received_at,
        )
    return None


def _order_update(shape: _OrderShape, received_at: datetime) -> OrderUpdate:
    """The status of a killed order has the reason glued to it: `CANCELED_order couldn't be fully filled. ...`."""
    status, reason = shape.status.removeprefix("ORDER_STATUS_"), ""
    if status != status.upper():
        status, _, reason = status.partition("_")
    timestamp = shape.timestamp or received_at
    return OrderUpdate(
        kind=shape.type,
        order=OpenOrder(
            id=OrderId(shape.id),
            status=status,
            condition_id=ConditionId(shape.market),
            token_id=TokenId(shape.asset_id),
            side=shape.side,
            original_size=shape.original_size,
            size_matched=shape.size_matched,
            price=shape.price,
            outcome=shape.outcome,
            time_in_force=shape.order_type,
            created_at=shape.created_at or timestamp,
            expires_at=shape.expiration,
            trade_ids=tuple(TradeId(trade_id) for trade_id in shape.associate_trades),
        ),
        reason=reason,
        timestamp=timestamp,
    )
