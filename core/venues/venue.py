"""What the desk asks of a place to trade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from ..errors import PolymarketAPIError
from ..identifiers import Address, ConditionId, OrderId, TokenId
from ..models import (
    AccountBalance,
    CancelResult,
    OpenOrder,
    OrderBook,
    OrderTicket,
    PlacementResult,
    Position,
    Trade,
)


@dataclass(frozen=True, slots=True)
class ApprovedOrder:
    """A ticket that passed the risk gate. Only the gate makes one.

    `controls` tells what each control measured and against which limit.
    """

    ticket: OrderTicket
    worst_cost: Decimal
    approved_at: datetime
    controls: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SignedTicket:
    """A signed order that has not been sent.

    `order_id` is its hash, `body` what the venue submits, `wire` the same as the plain JSON values of the wire.
    """

    order_id: OrderId
    approved: ApprovedOrder
    body: Any
    wire: Mapping[str, Any]


class Venue(Protocol):
    """One account on one market place.

    Reads raise VenueUnavailable, RateLimitError or UnexpectedPayload; nothing has happened then. `submit` and
    the cancels also raise OrderError (the venue said no) and OutcomeUnknown (it may or may not have acted).
    """

    @property
    def account(self) -> Address:
        """The address that holds the money. Raises ConfigurationError without a key."""
        ...

    async def book(self, token_id: TokenId) -> OrderBook | None:
        """The book as it is now, never from a cache; None when the outcome has none (closed markets)."""
        ...

    def sign(self, approved: ApprovedOrder) -> SignedTicket:
        """Sign without sending. Raises ConfigurationError without a key."""
        ...

    async def submit(self, signed: SignedTicket) -> PlacementResult: ...

    async def submit_many(self, signed: Sequence[SignedTicket]) -> Sequence[PlacementResult | PolymarketAPIError]:
        """Send several orders together: what `submit` would answer to each, or raise for it, in their order."""
        ...

    async def cancel(self, order_ids: Sequence[OrderId]) -> CancelResult: ...

    async def cancel_market(self, condition_id: ConditionId) -> CancelResult: ...

    async def cancel_all(self) -> CancelResult: ...

    async def order(self, order_id: OrderId) -> OpenOrder | None: ...

    async def open_orders(self) -> tuple[OpenOrder, ...]: ...

    async def trades(self) -> tuple[Trade, ...]: ...

    async def positions(self) -> tuple[Position, ...]: ...

    async def balance(self) -> AccountBalance: ...

    async def refresh_balance(self, token_id: TokenId | None) -> None:
        """Let the venue read a balance anew after fills: dollars, or an outcome's shares."""
        ...

    async def token_balance(self, token_id: TokenId) -> Decimal: ...
