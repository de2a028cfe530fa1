"""What to do about a fair value: buy one side, how much of it, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ..models import Market, OrderBook, Outcome
from ..money import FeeSchedule
from .edge import Edge, book_of_complement, buying_edge, stake
from .fair_value import FairValue

REFERENCE_AMOUNT_USD = Decimal(100)
"""The size at which an edge is told where nobody meant one."""

_LEAST_ORDER_USD = Decimal(1)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`shares` is 0 with verdict no_edge. `fraction` is the part of `bankroll` that `dollars` are."""

    verdict: Literal["buy", "no_edge"]
    outcome: Outcome
    shares: Decimal
    dollars: Decimal
    bankroll: Decimal
    fraction: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Side:
    """One outcome as something to buy."""

    outcome: Outcome
    fair: FairValue
    book: OrderBook
    fees: FeeSchedule

    def edge(self, dollars: Decimal) -> Edge | None:
        """Of spending so much on it; None where nothing is offered."""
        return buying_edge(self.fair, self.book, self.fees, dollars=dollars)


def two_sides(market: Market, outcome: Outcome, fair: FairValue, book: OrderBook) -> list[Side]:
    """The outcome that fair value and book are of, and the other one."""
    sides = [Side(outcome, fair, book, market.fees)]
    if (other := market.complement_of(outcome.token_id)) is not None:
        sides.append(Side(other, fair.complement(), book_of_complement(book, other.token_id), market.fees))
    return sides


def suggest(sides: Sequence[Side], *, bankroll: Decimal, amount_usd: Decimal | None = None) -> Suggestion:
    """Buy the side whose low end is above its cost at the size that is meant, or nothing.

    The size is that of `stake`, at most `amount_usd`, the dollars that the caller means to spend.
    """
    reason = "the interval of the fair value covers the price after costs"
    for side in sides:
        smallest = side.edge(_LEAST_ORDER_USD)
        if smallest is None or not smallest.worth_taking:
            continue
        dollars = stake(side.fair, side.book, side.fees, bankroll=bankroll)
        if not dollars:
            reason = "there is an edge, but the account has too little free cash"
            continue
        asked = side.edge(amount_usd) if amount_usd is not None else None
        if asked is not None and not asked.worth_taking:
            reason = f"the book's depth takes the edge at {amount_usd} dollars; up to {dollars} there is one"
            continue
        dollars = min(dollars, amount_usd or dollars)
        bought = side.edge(dollars)
        assert bought is not None  # it was priced at another size just now
        return Suggestion(
            verdict="buy",
            outcome=side.outcome,
            shares=bought.shares,
            dollars=dollars,
            bankroll=bankroll,
            fraction=dollars / bankroll,
            reason="even the low end of the interval is worth more than price, slippage and fee at this size",
        )
    return Suggestion(
        verdict="no_edge",
        outcome=sides[0].outcome,
        shares=Decimal(0),
        dollars=Decimal(0),
        bankroll=bankroll,
        fraction=Decimal(0),
        reason=reason,
    )
