"""Depth near the price, computed from a book."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from polydesk.core.market_data.liquidity import book_depth

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook


def test_depth_counts_what_rests_near_the_best_price(make_book: MakeBook) -> None:
    book = make_book(
        bids=(("0.48", "100"), ("0.47", "200"), ("0.40", "999")),
        asks=(("0.50", "50"), ("0.51", "50"), ("0.60", "999")),
    )
    depth = book_depth(book, within=Decimal("0.01"))
    assert (depth.bid_shares, depth.ask_shares) == (Decimal(300), Decimal(100))
    assert (depth.bid_dollars, depth.ask_dollars) == (Decimal(142), Decimal("50.5"))
    assert depth.imbalance == Decimal("0.5")
    assert depth.as_of == book.timestamp


def test_an_empty_book_has_no_depth_and_no_imbalance(make_book: MakeBook) -> None:
    depth = book_depth(make_book(bids=(), asks=()), within=Decimal("0.05"))
    assert (depth.bid_shares, depth.ask_shares) == (Decimal(0), Decimal(0))
    assert depth.imbalance is None
