"""Redeems what accounts hold of resolved markets on their behalf, as the venue's redeemer does."""

from __future__ import annotations

from functools import partial

from .events import ExchangeEvent, MarketResolved
from .position_operations import redeem_positions
from .venue import Exchange


class AutoRedeemer:
    """Redeems `after_s` seconds after a market of `exchange` has resolved; house accounts keep what they have."""

    def __init__(self, exchange: Exchange, *, after_s: float) -> None:
        self._exchange = exchange
        self._after_s = after_s
        for listing in exchange.markets.listings:
            if listing.resolved_here:
                self._redeem_later(listing.condition_id)
        exchange.events.subscribe(self._on_event, MarketResolved)

    def _on_event(self, event: ExchangeEvent) -> None:
        if isinstance(event, MarketResolved):
            self._redeem_later(event.listing.condition_id)

    def _redeem_later(self, condition_id: str) -> None:
        due_ms = self._exchange.now_ms + round(self._after_s * 1000)
        self._exchange.agenda.at(due_ms, partial(self._redeem, condition_id))

    def _redeem(self, condition_id: str) -> None:
        tokens = self._exchange.markets.by_condition[condition_id].tokens
        for account in list(self._exchange.ledger.accounts.values()):
            if not account.is_house and any(account.shares(token) for token in tokens):
                redeem_positions(self._exchange, account, condition_id, automatic=True)
