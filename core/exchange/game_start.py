"""Books of sports markets are cleared when their game is scheduled to start."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from ..clock import unix_ms
from .events import ExchangeEvent, MarketListed
from .listing import Listing
from .venue import Exchange


class GameStarts:
    """Clears the books of one exchange; markets that are listed later are noticed."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        for listing in exchange.markets.listings:
            self._watch(listing)
        exchange.events.subscribe(self._on_event, MarketListed)

    def _on_event(self, event: ExchangeEvent) -> None:
        if isinstance(event, MarketListed):
            self._watch(event.listing)

    def _watch(self, listing: Listing) -> None:
        starts_at = listing.recorded.clob.get("gst") or listing.recorded.gamma.get("gameStartTime")
        if starts_at and not listing.closed:
            start_ms = unix_ms(datetime.fromisoformat(str(starts_at)))
            if start_ms > self._exchange.now_ms:
                self._exchange.agenda.at(start_ms, partial(self._clear, listing))

    def _clear(self, listing: Listing) -> None:
        """A mirrored book's depth is another venue's; of it only what clients rest is cleared."""
        there = [
            order for order in self._exchange.registry.resting_orders() if order.condition_id == listing.condition_id
        ]
        self._exchange.trading.cancel_many([order for order in there if order.owner or not listing.mirrored])
