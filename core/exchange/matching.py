"""What an incoming order trades with: price, then time, at the resting orders' prices.

An order of one outcome meets orders of the same outcome on the other side, and orders of the complementary outcome on
its own side: two buyers mint a complete set between them, two sellers merge one.

An account does not trade with itself: its own resting orders that an incoming order would meet are cancelled. The
venue documents no rule; this one cannot create volume or fees out of nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .book import Order, OrderBook
from .units import UNIT


@dataclass(frozen=True, slots=True)
class Fill:
    """`shares` against one resting order; `cash` and `price` are of the incoming order's token."""

    maker: Order
    shares: int
    cash: int
    price: int


@dataclass(slots=True)
class MatchPlan:
    """What would happen, before anything has. `shares` and `cash` are totals; `own` are the account's own orders met.

    `complete` says whether the order's size, or its budget, is used up.
    """

    fills: list[Fill] = field(default_factory=list)
    own: list[Order] = field(default_factory=list)
    shares: int = 0
    cash: int = 0
    complete: bool = False


def plan_match(book: OrderBook, taker: Order) -> MatchPlan:
    """Walk the other side of the book up to the taker's price, changing nothing.

    Fractions of a millionth go to the taker: a selling maker receives its running total rounded down, a buying maker
    pays it rounded up, which is how the settlement contract rounds and what recorded fills show.
    """
    plan = MatchPlan()
    buying = taker.side == "BUY"
    shares_left = taker.size
    cash_left = taker.budget
    limit = taker.book_price
    for level in book.opposite_of(taker).best_first():
        if (level.price > limit) if taker.is_bid else (level.price < limit):
            break
        price = level.price if taker.outcome == 0 else UNIT - level.price
        for maker in level.queue.values():
            if maker.account is taker.account:
                plan.own.append(maker)
                continue
            before = maker.resting_filled
            shares = maker.resting - before
            if cash_left is None:
                shares = min(shares, shares_left)
            if buying:
                cash = _floored(before, shares, price)
                if cash_left is not None and cash > cash_left:
                    # The fewest shares that cost the whole budget.
                    shares = -(-(cash_left + before * price // UNIT) * UNIT // price) - before
                    cash = cash_left
            else:
                cash = _ceiled(before, shares, price)
            plan.fills.append(Fill(maker, shares, cash, price))
            plan.shares += shares
            plan.cash += cash
            if cash_left is None:
                shares_left -= shares
                plan.complete = not shares_left
            else:
                cash_left -= cash
                plan.complete = not cash_left
            if plan.complete:
                return plan
    return plan


def cash_of(maker: Order, shares: int) -> int:
    """What `shares` more of a resting order cost at its own price, in millionths, rounded as in `plan_match`."""
    rounded = _ceiled if maker.side == "BUY" else _floored
    return rounded(maker.resting_filled, shares, maker.price)


def _floored(before: int, shares: int, price: int) -> int:
    """The value of `shares` after `before` others, on a running total that is rounded down."""
    return (before + shares) * price // UNIT - before * price // UNIT


def _ceiled(before: int, shares: int, price: int) -> int:
    """The value of `shares` after `before` others, on a running total that is rounded up."""
    return -(-(before + shares) * price // UNIT) + (-before * price // UNIT)
