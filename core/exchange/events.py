"""What happens on the exchange, as told to those who listen: streams, recorders, tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

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


_KINDS: tuple[type[ExchangeEvent], ...] = get_args(ExchangeEvent)


class EventFeed:
    """Tells everybody who listens, in the order in which they began to."""

    def __init__(self) -> None:
        self._listeners: dict[type[ExchangeEvent], list[Listener]] = {kind: [] for kind in _KINDS}

    def subscribe(self, listener: Listener, *kinds: type[ExchangeEvent]) -> Callable[[], None]:
        """Tell `listener` what happens from now on, all of it or these kinds; the result ends that."""
        chosen = kinds or _KINDS
        for kind in chosen:
            self._listeners[kind].append(listener)
        return partial(self._unsubscribe, listener, chosen)

    def has_listeners(self, kind: type[ExchangeEvent]) -> bool:
        """Whether anybody would hear of such an event."""
        return bool(self._listeners[kind])

    def publish(self, event: ExchangeEvent) -> None:
        for listener in self._listeners[type(event)]:
            listener(event)

    def _unsubscribe(self, listener: Listener, kinds: tuple[type[ExchangeEvent], ...]) -> None:
        for kind in kinds:
            self._listeners[kind].remove(listener)
