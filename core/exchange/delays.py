"""Orders that would match at once but have to wait: the sports delay and the taker delay of fast markets.

A marketable order of a sports market is answered `delayed` and waits the market's seconds; one of a fast price market
waits a moment while its request is held. When its time is over it is checked again, and matches, rests or is
cancelled. It cannot be cancelled meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

from .book import Order
from .entry_checks import limit_dollars
from .listing import Listing
from .matching import MatchPlan
from .settings import ExchangeSettings

Outcome = TypeVar("Outcome")


class DelayedOrders(Generic[Outcome]):
    """The waiting orders of one exchange, and what each holds back. An `Outcome` is what became of one."""

    def __init__(self, settings: ExchangeSettings) -> None:
        self._settings = settings
        self._held: dict[str, int] = {}
        self._awaited: dict[str, asyncio.Future[Outcome]] = {}

    def delay_s(self, order: Order, listing: Listing, plan: MatchPlan) -> float:
        """How long an order has to wait; 0 for one that rests, for house orders and where delays are off."""
        if not order.owner or not plan.buckets or self._settings.matching_delays == "off":
            return 0.0
        if listing.seconds_delay:
            return listing.seconds_delay
        return self._settings.taker_delay_s if listing.taker_delay else 0.0

    @property
    def waiting(self) -> list[str]:
        """The ids of the orders that wait, oldest first."""
        return list(self._held)

    def begin(self, order: Order) -> None:
        """Hold back what the order may cost at most, its fee aside."""
        amount = order.size if order.side == "SELL" else limit_dollars(order)
        self._held[order.id] = amount
        _hold(order, amount)
        order.status = "DELAYED"

    def end(self, order: Order) -> None:
        """Give back what waited; the order is live again and to be matched."""
        _hold(order, -self._held.pop(order.id))
        order.status = "LIVE"

    def outcome(self, order: Order) -> asyncio.Future[Outcome]:
        """What will have become of an order at the end of its delay."""
        return self._awaited.setdefault(order.id, asyncio.get_running_loop().create_future())

    @property
    def is_awaited(self) -> bool:
        """Whether somebody's answer is held back until a delay is over."""
        return bool(self._awaited)

    def tell_all(self, outcome: Outcome) -> None:
        """Answer everybody who waits."""
        for future in self._awaited.values():
            if not future.done():
                future.set_result(outcome)
        self._awaited.clear()

    def tell(self, order: Order, outcome: Outcome) -> None:
        """Answer who waits for the order, if anybody does."""
        future = self._awaited.pop(order.id, None)
        if future is not None and not future.done():
            future.set_result(outcome)


def _hold(order: Order, amount: int) -> None:
    if order.side == "BUY":
        order.account.open_cash += amount
    else:
        order.account.open_shares[order.token_id] += amount
