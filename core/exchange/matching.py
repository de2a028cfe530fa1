"""What an incoming order trades with: price, then time, at the resting orders' prices.

An order of one outcome meets orders of the same outcome on the other side, and orders of the complementary outcome on
its own side: two buyers mint a complete set between them, two sellers merge one.

An account does not trade with itself: its own resting orders that an incoming order would meet are cancelled. The
venue documents no rule; this one cannot create volume or fees out of nothing. In a market that mirrors another
venue's no client meets another: neither would have found the other's order there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .book import Order, OrderBook
from .units import UNIT


class Fill(NamedTuple):
    """`shares` against one resting order; `cash` and `price` are of the incoming order's token."""

    maker: Order
    shares: int
    cash: int
    price: int


@dataclass(slots=True)
class Bucket:
    """The fills at one price, oldest first, and their totals. `fee` is what the incoming order is charged for them."""

    price: int
    fills: list[Fill]
    shares: int
    cash: int
    fee: int = 0


@dataclass(slots=True)
class MatchPlan:
    """What would happen, before anything has: the best price first. `shares`, `cash` and `fee` are totals.

    `own` are the account's own orders met. `complete` says whether the order's size, or its budget, is used up.
    """

    buckets: Sequence[Bucket] = ()
    own: Sequence[Order] = ()
    shares: int = 0
    cash: int = 0
    fee: int = 0
    complete: bool = False


_NOTHING = MatchPlan()
"""The plan of an order that meets nobody; nothing is ever added to it."""


def plan_match(book: OrderBook, taker: Order) -> MatchPlan:
    """Walk the other side of the book up to the taker's price, changing nothing of what it offers.

    Fractions of a millionth go to the taker: a selling maker receives its running total rounded down, a buying maker
    pays it rounded up, which is how the settlement contract rounds and what recorded fills show.
    """
    opposite = book.asks if taker.is_bid else book.bids
    best = opposite.best
    limit = taker.book_price
    if best is None or (best > limit if taker.is_bid else best < limit):
        return _NOTHING
    if book.stand_for is not None:
        book.stand_for(not taker.is_bid, limit)
    buying = taker.side == "BUY"
    passes_clients = not book.clients_meet and bool(taker.owner)
    shares_left = taker.size
    cash_left = taker.budget
    total_shares = total_cash = 0
    complete = False
    buckets: list[Bucket] = []
    own: list[Order] = []
    for level in opposite.best_first():
        if (level.price > limit) if taker.is_bid else (level.price < limit):
            break
        price = level.price if taker.outcome == 0 else UNIT - level.price
        fills: list[Fill] = []
        level_shares = level_cash = 0
        for maker in level.orders:
            if maker.account is taker.account:
                own.append(maker)
                continue
            if passes_clients and maker.owner:
                continue
            before = maker.resting_filled
            shares = maker.resting - before
            if cash_left is None and shares > shares_left:
                shares = shares_left
            cash = _floored(before, shares, price) if buying else _ceiled(before, shares, price)
            if cash_left is not None and cash > cash_left:
                # The fewest shares that cost the whole budget.
                shares = -(-(cash_left + before * price // UNIT) * UNIT // price) - before
                cash = cash_left
            fills.append(Fill(maker, shares, cash, price))
            level_shares += shares
            level_cash += cash
            if cash_left is None:
                shares_left -= shares
                complete = not shares_left
            else:
                cash_left -= cash
                complete = not cash_left
            if complete:
                break
        if fills:
            buckets.append(Bucket(price, fills, level_shares, level_cash))
            total_shares += level_shares
            total_cash += level_cash
        if complete:
            break
    return MatchPlan(buckets, own, total_shares, total_cash, 0, complete)


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
