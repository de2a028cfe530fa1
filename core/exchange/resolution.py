"""How markets end: an outcome is proposed, perhaps disputed, and settled; at most one market of a neg-risk event wins.

A proposal that nobody disputes settles after its challenge period. A disputed market takes no orders and pays nothing
until somebody settles it, as the oracle's vote would. Trading goes on under a proposal.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Literal

from ..clock import unix_ms
from .ledger_schema import PROPOSALS
from .listing import Listing
from .venue import Exchange

Winner = Literal[0, 1] | None
"""The index of the outcome that pays a dollar; None pays half a dollar for each."""

_CHALLENGE_S = 2 * 3600


class Resolutions:
    """The oracle of one exchange. Raises KeyError for unknown markets and ValueError for what may not happen."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._proposed: dict[str, Winner] = {}
        for condition_id, winner, due_at_ms in exchange.records.stored(PROPOSALS):
            if condition_id in exchange.markets.by_condition:
                self._await(condition_id, winner, due_at_ms)

    def propose(self, condition_id: str, winner: Winner, *, challenge_s: float = _CHALLENGE_S) -> None:
        """Propose an outcome, which is settled in `challenge_s` unless it is disputed before."""
        listing = self._open(condition_id)
        self._check_event(listing, winner)
        due_at_ms = self._exchange.now_ms + round(challenge_s * 1000)
        with self._exchange.transaction():
            self._await(condition_id, winner, due_at_ms)
            self._exchange.records.keep(PROPOSALS, (condition_id, winner, due_at_ms))

    def _await(self, condition_id: str, winner: Winner, due_at_ms: int) -> None:
        """Settle a proposal when its time is over, unless something happens to it before."""
        listing = self._exchange.markets.by_condition[condition_id]
        listing.oracle_steps.append("proposed")
        self._proposed[condition_id] = winner
        self._exchange.agenda.at(due_at_ms, partial(self._accept, condition_id, len(listing.oracle_steps)))

    def dispute(self, condition_id: str) -> None:
        """Dispute the proposal: the market's orders are cancelled, and it waits to be settled."""
        listing = self._open(condition_id)
        if condition_id not in self._proposed:
            raise ValueError("there is no proposal to dispute")
        with self._exchange.transaction():
            listing.oracle_steps.append("disputed")
            self._withdraw(condition_id)
            listing.accepting_orders = False
            self._exchange.trading.cancel_market(condition_id)

    def _withdraw(self, condition_id: str) -> None:
        """Forget a proposal, if there is one."""
        self._proposed.pop(condition_id, None)
        self._exchange.records.drop(PROPOSALS, (condition_id,))

    def settle(self, condition_id: str, winner: Winner) -> None:
        """Resolve a market now. In a neg-risk event a winner resolves every other market to its second outcome."""
        listing = self._open(condition_id)
        self._check_event(listing, winner)
        with self._exchange.transaction():
            self._withdraw(condition_id)
            self._exchange.resolve(condition_id, winner)
        if listing.neg_risk and winner == 0:
            for other in self._siblings(listing):
                if not other.closed:
                    self.settle(other.condition_id, 1)

    def settle_at_end(self, outcomes: Mapping[str, Winner]) -> None:
        """Settle each market at its end date by the outcome (by condition id) that is known for it."""
        for condition_id, winner in outcomes.items():
            listing = self._exchange.markets.by_condition[condition_id]
            ends_at = datetime.fromisoformat(str(listing.recorded.gamma["endDate"]))
            self._exchange.agenda.at(unix_ms(ends_at), partial(self._settle_if_open, condition_id, winner))

    def _settle_if_open(self, condition_id: str, winner: Winner) -> None:
        if not self._exchange.markets.by_condition[condition_id].closed:
            self.settle(condition_id, winner)

    def _accept(self, condition_id: str, step: int) -> None:
        """Settle a proposal that is still the latest step."""
        listing = self._exchange.markets.by_condition[condition_id]
        if not listing.closed and len(listing.oracle_steps) == step and condition_id in self._proposed:
            self.settle(condition_id, self._proposed[condition_id])

    def _open(self, condition_id: str) -> Listing:
        listing = self._exchange.markets.by_condition[condition_id]
        if listing.closed:
            raise ValueError("the market is resolved")
        return listing

    def _check_event(self, listing: Listing, winner: Winner) -> None:
        if not listing.neg_risk:
            return
        if winner is None:
            raise ValueError("a market of a neg-risk event cannot be split")
        if winner == 0 and any(other.closed and other.winner == 0 for other in self._siblings(listing)):
            raise ValueError("another market of the event has won")

    def _siblings(self, listing: Listing) -> list[Listing]:
        """The other neg-risk markets of its event."""
        return [
            other
            for other in self._exchange.markets.listings
            if other is not listing and other.neg_risk and other.recorded.event_id == listing.recorded.event_id
        ]
