"""One market's matching with the money around it: funds, fees and reservations, in integers and without any record.

The exchange makes trades and events of what happens here; the engine knows orders, accounts and the book alone.
"""

from __future__ import annotations

from .book import Order, OrderBook
from .entry_checks import check_funds, check_minimum, kill_reason
from .fees import TakerFee
from .matching import Bucket, MatchPlan, plan_match
from .rejections import POST_ONLY_CROSSES, Rejection


class MatchingEngine:
    """Checks, matches, charges and reserves the orders of one market.

    The open part of an order holds back what it may cost; what traded is held as matched until it is settled.
    """

    __slots__ = ("book", "fee")

    def __init__(self, book: OrderBook, fee: TakerFee) -> None:
        self.book = book
        self.fee = fee

    def enter(self, order: Order, *, post_only: bool = False) -> MatchPlan:
        """Match an order and rest what is left of it. Raises Rejection, and then nothing has changed."""
        plan = self.plan(order, post_only=post_only)
        for own in plan.own:
            self.withdraw(own)
        for bucket in plan.buckets:
            self.take(order, bucket)
            hold_matched(order, bucket)
        if self.complete(order, plan):
            order.status = "MATCHED"
        else:
            self.rest(order)
        return plan

    def plan(self, order: Order, *, post_only: bool = False) -> MatchPlan:
        """What an order would trade with and be charged. Raises Rejection when it may not be entered.

        Of the reasons only a kill shows in the order's status.
        """
        plan = plan_match(self.book, order)
        for bucket in plan.buckets:
            bucket.fee = self.fee(bucket.shares, bucket.price)
            plan.fee += bucket.fee
        check_minimum(order, plan)
        check_funds(order, plan)
        if post_only and (plan.buckets or plan.own):
            raise Rejection(POST_ONLY_CROSSES)
        killed = kill_reason(order, plan)
        if killed is not None:
            order.status = f"CANCELED_{killed}"
            raise Rejection(killed)
        return plan

    def take(self, taker: Order, bucket: Bucket) -> None:
        """Take a bucket's shares off the orders that rest, and free what they held back for them."""
        side = self.book.opposite_of(taker)
        for fill in bucket.fills:
            maker = fill.maker
            before = maker.reserved
            side.fill(maker, fill.shares)
            reserve(maker, maker.reserved - before)

    def complete(self, order: Order, plan: MatchPlan) -> bool:
        """Note what an order has traded, and say whether nothing of it may rest."""
        order.filled = plan.shares
        return plan.complete or order.order_type in ("FOK", "FAK")

    def rest(self, order: Order) -> None:
        """Put what is left of an order on the book, and hold back what it may cost."""
        order.resting = order.size - order.filled
        self.put_back(order)

    def put_back(self, order: Order) -> None:
        """Put an order on the book as it is, behind those that rest already."""
        self.book.side_of(order).add(order)
        reserve(order, order.reserved)

    def withdraw(self, order: Order) -> None:
        """Take a resting order off the book, and free what it held back."""
        reserve(order, -order.reserved)
        self.book.side_of(order).remove(order)
        order.resting = order.resting_filled


def reserve(order: Order, change: int) -> None:
    """Hold back more of the order's account for it (negative: less): dollars of a BUY, shares of a SELL."""
    if order.side == "BUY":
        order.account.open_cash += change
    else:
        order.account.open_shares[order.token_id] += change


def hold_matched(taker: Order, bucket: Bucket) -> None:
    """Hold what both sides of a match owe until it is settled."""
    _hold(taker, bucket.shares, bucket.cash + bucket.fee)
    for fill in bucket.fills:
        same = fill.maker.outcome == taker.outcome
        _hold(fill.maker, fill.shares, fill.cash if same else fill.shares - fill.cash)


def _hold(order: Order, shares: int, dollars: int) -> None:
    if order.side == "BUY":
        order.account.matched_cash += dollars
    else:
        order.account.matched_shares[order.token_id] += shares
