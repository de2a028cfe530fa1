"""What the two WebSocket channels tell, as typed events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from ...identifiers import ConditionId, MarketId, Slug, TokenId, TradeId
from ...models import OpenOrder, OrderSide, PriceLevel, Trade, TradeStatus
from ...money import from_micro, to_micro

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


PRICE_UNIT = 10_000
"""One dollar per share in ten-thousandths; every tick of the venue is a whole number of them."""


def price_e4(price: Decimal) -> int:
    """Ten-thousandths of a dollar per share. Raises ValueError beyond [0, 1] and for more than four decimals."""
    if not (price.is_finite() and 0 <= price <= 1):
        raise ValueError(f"{price} is not a price between 0 and 1")
    scaled = price * PRICE_UNIT
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{price} has more than four decimals")
    return int(scaled)


def size_micro(size: Decimal) -> int:
    """Millionths of a share. Raises ValueError for a negative size and for more than six decimals."""
    if not (size.is_finite() and size >= 0):
        raise ValueError(f"{size} is not a size")
    return to_micro(size)


def price_of(price_e4: int) -> Decimal:
    """Dollars per share of a price in ten-thousandths."""
    return Decimal(price_e4) / PRICE_UNIT


def price_levels(levels: Iterable[tuple[int, int]]) -> tuple[PriceLevel, ...]:
    """Levels of a price in ten-thousandths and a size in millionths, as dollars and shares."""
    return tuple(PriceLevel(price_of(price_e4), from_micro(size_micro)) for price_e4, size_micro in levels)


def moment_of(timestamp_ms: int) -> datetime:
    """The moment of unix milliseconds, exactly."""
    return _EPOCH + timestamp_ms * _MILLISECOND


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """A whole book. Books sent after a trade carry neither `tick` nor `last_trade_price`.

    `bid_levels` and `ask_levels` are best first: price in ten-thousandths of a dollar, size in millionths of a share.
    """

    token_id: TokenId
    condition_id: ConditionId
    bid_levels: tuple[tuple[int, int], ...]
    ask_levels: tuple[tuple[int, int], ...]
    timestamp_ms: int
    hash: str
    tick: Decimal | None
    last_trade_price: Decimal | None

    @property
    def bids(self) -> tuple[PriceLevel, ...]:
        return price_levels(self.bid_levels)

    @property
    def asks(self) -> tuple[PriceLevel, ...]:
        return price_levels(self.ask_levels)

    @property
    def timestamp(self) -> datetime:
        return moment_of(self.timestamp_ms)


class LevelChange(NamedTuple):
    """A level's new total; a size of 0 removes it. `hash` is the book's after the change.

    Prices are ten-thousandths of a dollar, `size_micro` millionths of a share. The best prices are None where the
    frame did not tell them; an empty side shows as a best bid of 0 or a best ask of 10,000.
    """

    token_id: TokenId
    side: OrderSide
    price_e4: int
    size_micro: int
    hash: str
    best_bid_e4: int | None
    best_ask_e4: int | None

    @property
    def price(self) -> Decimal:
        return price_of(self.price_e4)

    @property
    def size(self) -> Decimal:
        return from_micro(self.size_micro)

    @property
    def best_bid(self) -> Decimal | None:
        return None if self.best_bid_e4 is None else price_of(self.best_bid_e4)

    @property
    def best_ask(self) -> Decimal | None:
        return None if self.best_ask_e4 is None else price_of(self.best_ask_e4)


LevelRow = tuple[TokenId, OrderSide, int, int, str, int | None, int | None]
"""The fields of a LevelChange without their names: thousands of them are made and forgotten every second."""


class PriceChanges(NamedTuple):
    """Levels that changed together, on both tokens of a market. `changes` are the `rows` with names."""

    condition_id: ConditionId
    timestamp_ms: int
    rows: Sequence[LevelRow]

    @property
    def changes(self) -> tuple[LevelChange, ...]:
        return tuple(LevelChange(*row) for row in self.rows)

    @property
    def timestamp(self) -> datetime:
        return moment_of(self.timestamp_ms)


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
class GameUpdate:
    """The state of a game. `score`, `period` and `elapsed` are the venue's texts; a side without a name is empty.

    `turn` is whose possession or serve it is, where the sport has one.
    """

    game_id: str
    league: str
    slug: str
    home_team: str
    away_team: str
    status: str
    score: str
    period: str
    elapsed: str
    turn: str
    live: bool
    ended: bool
    finished_at: datetime | None


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
