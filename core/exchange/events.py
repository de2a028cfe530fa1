"""What happens on the exchange, as told to those who listen: streams, recorders, tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from .book import Order
from .listing import Listing
from .trades import Trade
from .wallet_activity import WalletAction


@dataclass(frozen=True, slots=True)
class BookChanged:
    """Levels (is_bid, price) of the first outcome changed, perhaps through `trades`, and perhaps the best of them."""

    listing: Listing
    levels: tuple[tuple[bool, int], ...]
    trades: tuple[Trade, ...]
    best_changed: bool


@dataclass(frozen=True, slots=True)
class OrderChanged:
    order: Order
    listing: Listing
    kind: Literal["PLACEMENT", "UPDATE", "CANCELLATION"]


@dataclass(frozen=True, slots=True)
class TradeChanged:
    """A trade was matched or took a step towards settlement."""

    trade: Trade
    listing: Listing


@dataclass(frozen=True, slots=True)
class TickChanged:
    listing: Listing
    former: int


@dataclass(frozen=True, slots=True)
class MarketResolved:
    listing: Listing


@dataclass(frozen=True, slots=True)
class ExchangeHalted:
    """The store failed: what was told since the latest event ended has not happened, and nothing more will."""

    reason: str


@dataclass(frozen=True, slots=True)
class MarketListed:
    """A market was added while the exchange runs."""

    listing: Listing


@dataclass(frozen=True, slots=True)
class WalletActed:
    """A wallet did, or received, something beside trading; `automatic` when the venue did it for the wallet."""

    action: WalletAction
    automatic: bool = False


ExchangeEvent = (
    BookChanged
    | OrderChanged
    | TradeChanged
    | TickChanged
    | MarketResolved
    | MarketListed
    | WalletActed
    | ExchangeHalted
)
Listener = Callable[[ExchangeEvent], None]
"""Called in the middle of the change: it must be quick and must not call the exchange back."""


class EventFeed:
    """Tells everybody who listens, in the order in which they began to."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` everything that happens from now on; the result ends that."""
        self.listeners.append(listener)
        return partial(self.listeners.remove, listener)

    def publish(self, event: ExchangeEvent) -> None:
        for listener in self.listeners:
            listener(event)
