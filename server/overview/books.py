"""The books a screen shows: those with own orders or positions first, own shares marked at their levels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from ...core.models import OrderSide
from ...core.untrusted_text import quoted
from ...handlers.answer import rounded
from .shapes import BookLine

if TYPE_CHECKING:
    from ...core.identifiers import TokenId
    from ...core.models import Market, OpenOrder, OrderBook, PriceLevel
    from ...core.portfolio.snapshot import PortfolioSnapshot

MOST_BOOKS = 8
_LEVELS = 7
_FURTHER = 3
"""Levels shown behind those, because own shares rest there."""


def watched(snapshot: PortfolioSnapshot | None, of_runs: Sequence[TokenId]) -> dict[TokenId, str]:
    """Outcomes that money or a run is in, and why: open orders first, then positions by value, then runs."""
    found: dict[TokenId, str] = {}
    if snapshot is not None:
        for order in snapshot.open_orders:
            found.setdefault(order.token_id, "order")
        held = (each for each in snapshot.positions if each.size and each.status in ("", "OPEN"))
        for position in sorted(held, key=lambda each: each.value or 0, reverse=True):
            found.setdefault(position.token_id, "position")
    for token_id in of_runs:
        found.setdefault(token_id, "run")
    return dict(list(found.items())[:MOST_BOOKS])


def book_line(book: OrderBook, market: Market, *, why: str, own: Sequence[OpenOrder]) -> BookLine:
    """The best levels of both sides of one outcome."""
    outcome = market.outcome_of(book.token_id)
    mine: defaultdict[tuple[OrderSide, Decimal], Decimal] = defaultdict(Decimal)
    for order in own:
        if order.token_id == book.token_id:
            mine[order.side, order.price] += order.original_size - order.size_matched
    return BookLine(
        token_id=book.token_id,
        market=market.slug,
        question=quoted(market.question, 160),
        outcome=quoted(outcome.label, 60) if outcome else "",
        why=why,
        bids=_levels(book.bids, OrderSide.BUY, mine),
        asks=_levels(book.asks, OrderSide.SELL, mine),
        midpoint=rounded(book.midpoint, 4),
        spread=book.spread,
        last_price=book.last_trade_price,
        as_of=book.received_at,
    )


def _levels(
    levels: Sequence[PriceLevel], side: OrderSide, mine: Mapping[tuple[OrderSide, Decimal], Decimal]
) -> list[list[Decimal]]:
    further = [level for level in levels[_LEVELS:] if (side, level.price) in mine]
    return [
        [level.price, rounded(level.size, 2), rounded(mine.get((side, level.price), Decimal(0)), 2)]
        for level in (*levels[:_LEVELS], *further[:_FURTHER])
    ]
