"""All the markets of an exchange whose books follow real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .catalogue import RecordedMarket
from .events import ExchangeEvent, OrderChanged
from .mirrored_book import MirroredBook
from .seeding import house_account, stock_up
from .venue import Exchange

_HOUSE = "real market"


class Mirror:
    """Keeps the mirrored books of `exchange`, by condition id."""

    def __init__(self, exchange: Exchange) -> None:
        self.books: dict[str, MirroredBook] = {}
        self._exchange = exchange
        self._house = house_account(exchange, _HOUSE)
        exchange.events.subscribe(self._on_event, OrderChanged)

    def follow(self, recorded: RecordedMarket, event: Mapping[str, Any] | None = None) -> MirroredBook:
        """The mirrored book of a market, which is listed if it is not yet."""
        exchange = self._exchange
        condition_id = str(recorded.gamma["conditionId"])
        known = self.books.get(condition_id)
        if known is not None:
            return known
        is_new = condition_id not in exchange.markets.by_condition
        listing = exchange.markets.add_listing(recorded, event)
        if is_new and not listing.closed:
            stock_up(exchange, self._house, listing)
        book = self.books[condition_id] = MirroredBook(exchange, listing, self._house)
        for order in exchange.registry.orders.values():
            if order.owner and order.open_size and order.condition_id == condition_id:
                book.resume(order, None)
        return book

    def _on_event(self, event: ExchangeEvent) -> None:
        if isinstance(event, OrderChanged):
            book = self.books.get(event.order.condition_id)
            if book is not None:
                book.on_event(event)
