"""Orders from ticket to fill, and the trades that fill them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ..identifiers import ConditionId, OrderId, TokenId, TradeId


class OrderSide(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class TimeInForce(StrEnum):
    """GTC rests; GTD rests until its expiry; FOK fills whole or not at all; FAK fills what it can at once."""

    GTC = "GTC"
    GTD = "GTD"
    FOK = "FOK"
    FAK = "FAK"

    @property
    def rests(self) -> bool:
        return self in (TimeInForce.GTC, TimeInForce.GTD)


class OrderStatus(StrEnum):
    """Where an order stands, in the desk's words.

    `unknown`: sent, but no answer came. `delayed`: accepted, held by the venue before matching. `dead`: meant to be
    sent, but never reached the venue or was turned away for a reason that was not its own.
    """

    DRAFT = "draft"
    AWAITING_PERSON = "awaiting_person"
    SENDING = "sending"
    LIVE = "live"
    DELAYED = "delayed"
    MATCHED = "matched"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REFUSED = "refused"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    DEAD = "dead"

    @property
    def open(self) -> bool:
        return self in (OrderStatus.LIVE, OrderStatus.DELAYED)


class TradeStatus(StrEnum):
    """Settlement of a trade. Only CONFIRMED is money; FAILED is void."""

    MATCHED = "MATCHED"
    MINED = "MINED"
    CONFIRMED = "CONFIRMED"
    RETRYING = "RETRYING"
    FAILED = "FAILED"

    @property
    def settling(self) -> bool:
        """Whether money and shares have not changed hands for good yet."""
        return self in (TradeStatus.MATCHED, TradeStatus.MINED, TradeStatus.RETRYING)

    @property
    def undelivered(self) -> bool:
        """Whether the account's balances do not show the trade yet."""
        return self in (TradeStatus.MATCHED, TradeStatus.RETRYING)


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """An order in the exact amounts that are signed.

    A limit order gives `shares` and `price` and `dollars` is their product. A market buy (FOK or FAK) spends
    `dollars` and `shares` is the least it must get at `price`, its worst price. `expires_at` only with GTD.
    """

    token_id: TokenId
    condition_id: ConditionId
    side: OrderSide
    price: Decimal
    shares: Decimal
    dollars: Decimal
    time_in_force: TimeInForce
    tick: Decimal
    neg_risk: bool
    post_only: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the desk sees it. `size` and `filled` are shares; `average_price` covers the filled part."""

    id: OrderId
    market_id: ConditionId
    side: OrderSide
    price: Decimal
    size: Decimal
    status: OrderStatus
    token_id: TokenId
    outcome: str
    time_in_force: TimeInForce
    filled: Decimal
    created_at: datetime
    average_price: Decimal | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order as the venue reports it. `status` is the venue's word without its ORDER_STATUS_ prefix."""

    id: OrderId
    status: str
    condition_id: ConditionId
    token_id: TokenId
    side: OrderSide
    original_size: Decimal
    size_matched: Decimal
    price: Decimal
    outcome: str
    time_in_force: TimeInForce
    created_at: datetime
    expires_at: datetime | None
    trade_ids: tuple[TradeId, ...]


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill of one of our orders, from our side of it: our token, our price, our shares.

    `fee` is in dollars, None where the venue's record does not say.
    """

    id: TradeId
    order_id: OrderId
    price: Decimal
    size: Decimal
    timestamp: datetime
    market_id: ConditionId
    token_id: TokenId
    side: OrderSide
    outcome: str
    status: TradeStatus
    is_taker: bool
    fee: Decimal | None = None
    transaction_hash: str = ""


@dataclass(frozen=True, slots=True)
class PlacementResult:
    """The venue's answer to an order it accepted.

    `status` is live, matched, delayed or unmatched. For a BUY `making` is dollars paid and `taking` shares
    received; for a SELL the reverse. Both are zero while nothing has matched.
    """

    order_id: OrderId
    status: str
    making: Decimal
    taking: Decimal
    trade_ids: tuple[TradeId, ...]


@dataclass(frozen=True, slots=True)
class CancelResult:
    """Which orders are now cancelled, and why each other one is not."""

    canceled: tuple[OrderId, ...]
    not_canceled: dict[OrderId, str]
