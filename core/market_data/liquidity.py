"""How much can be traded near the price, computed from books: the venue has no route for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..models import OrderBook, PriceLevel


@dataclass(frozen=True, slots=True)
class BookDepth:
    """What rests within `within` dollars of the best price of each side, in shares and in dollars.

    `imbalance` is (bids - asks) / (bids + asks) of the shares, from -1 to 1; None for an empty book.
    """

    within: Decimal
    bid_shares: Decimal
    ask_shares: Decimal
    bid_dollars: Decimal
    ask_dollars: Decimal
    as_of: datetime

    @property
    def imbalance(self) -> Decimal | None:
        total = self.bid_shares + self.ask_shares
        return (self.bid_shares - self.ask_shares) / total if total else None


def book_depth(book: OrderBook, *, within: Decimal) -> BookDepth:
    """The depth of one outcome's book within `within` dollars of its best prices."""
    bids, asks = _near(book.bids, within), _near(book.asks, within)
    return BookDepth(
        within=within,
        bid_shares=sum((level.size for level in bids), Decimal(0)),
        ask_shares=sum((level.size for level in asks), Decimal(0)),
        bid_dollars=sum((level.size * level.price for level in bids), Decimal(0)),
        ask_dollars=sum((level.size * level.price for level in asks), Decimal(0)),
        as_of=book.timestamp,
    )


def _near(levels: tuple[PriceLevel, ...], within: Decimal) -> list[PriceLevel]:
    return [level for level in levels if abs(level.price - levels[0].price) <= within]
