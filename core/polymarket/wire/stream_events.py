"""What the two WebSocket channels tell, as typed events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from ...identifiers import ConditionId, MarketId, Slug, TokenId, TradeId
from ...models import OpenOrder, OrderSide, PriceLevel, Trade, TradeStatus


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """A whole book, best first. Books sent after a trade carry neither `tick` nor `last_trade_price`."""

    token_id: TokenId
    condition_id: ConditionId
    bids: tuple[PriceLevel, ...]
    asks: tuple[PriceLevel, ...]
    timestamp: datetime
    hash: str
    tick: Decimal | None
    last_trade_price: Decimal | None


class LevelChange(NamedTuple):
    """`size` is the level's new total in shares; 0 removes the level. `hash` is the book's after the change."""

    token_id: TokenId
    side: OrderSide
    price: Decimal
    size: Decimal
    hash: str
    best_bid: Decimal | None
    best_ask: Decimal | None


@dataclass(frozen=True, slots=True)
class PriceChanges:
    """Levels that changed together, on both tokens of a market."""

    condition_id: ConditionId
    timestamp: datetime
    changes: tuple[LevelChange, ...]


@dataclass(frozen=True, slots=True)
class LastTrade:
    """A match. `side` is the taker's."""

    token_id: TokenId
    condition_id: ConditionId
    side: OrderSide
    price: Decimal
    size: Decimal
    timestamp: datetime
    transaction_hash: str


@dataclass(frozen=True, slots=True)
class TickSizeChange:
    token_id: TokenId
    condition_id: ConditionId
    old_tick: Decimal
    new_tick: Decimal
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class BestBidAsk:
    """The top of a book changed. A side is None when it is empty."""

    token_id: TokenId
    condition_id: ConditionId
    best_bid: Decimal | None
    best_ask: Decimal | None
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class NewMarket:
    """A market was created. Sent for all markets, whatever was subscribed."""

    market_id: MarketId
    condition_id: ConditionId
    question: str
    slug: Slug
    token_ids: tuple[TokenId, ...]
    outcomes: tuple[str, ...]
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class MarketResolved:
    """A market was decided. Sent for all markets, whatever was subscribed."""

    market_id: MarketId
    condition_id: ConditionId
    token_ids: tuple[TokenId, ...]
    winning_token_id: TokenId
    winning_outcome: str
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """One of our orders was placed, filled or cancelled. `reason` is the venue's text for a killed order."""

    kind: Literal["PLACEMENT", "UPDATE", "CANCELLATION"]
    order: OpenOrder
    reason: str
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class TradeUpdate:
    """A trade of ours reached `status`; sent again with each new one, so apply a fill once per trade and order."""

    trade_id: TradeId
    status: TradeStatus
    fills: tuple[Trade, ...]
    timestamp: datetime


MarketEvent = BookSnapshot | PriceChanges | LastTrade | TickSizeChange | BestBidAsk | NewMarket | MarketResolved
UserEvent = OrderUpdate | TradeUpdate
