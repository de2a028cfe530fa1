"""The life of an order: it is entered, waits where it must, trades, rests, and is cancelled or expires."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Literal

from .agenda import Agenda
from .book import LevelKey, Order
from .changes import Changes
from .delays import DelayedOrders
from .events import BookChanged, EventFeed, OrderChanged, TickChanged, TradeChanged
from .executions import Executions
from .listing import Listing
from .markets import Markets
from .matching import MatchPlan
from .registry import Registry
from .rejections import Rejection, no_book
from .settings import ExchangeSettings
from .trades import Trade

CancelReason = Literal[
    "CANCELED",
    "CANCELED_EXPIRED_ORDER",
    "CANCELED_MARKET_RESOLVED",
    "CANCELED_TAPE_MISSING",
    "CANCELED_NOT_ENOUGH_BALANCE",
]
EntryStatus = Literal["live", "matched", "delayed", "unmatched"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of an order on entry: `shares` and `cash` traded at once, in millionths, and the trades.

    `status` is the venue's word for it: "delayed" waits before it may match, "unmatched" has waited and rests.
    """

    order: Order
    status: EntryStatus
    shares: int
    cash: int
    trades: tuple[Trade, ...]


class Trading:
    """Orders of one exchange from their entry to their end.

    Each public step is one `transaction`; it raises LedgerUnavailable when it cannot be stored. `changes` notes a
    market that is stored for another reason than its events.
    """

    def __init__(
        self,
        settings: ExchangeSettings,
        *,
        agenda: Agenda,
        markets: Markets,
        registry: Registry,
        executions: Executions,
        feed: EventFeed,
        now_ms: Callable[[], int],
        transaction: Callable[[], AbstractContextManager[None]],
        changes: Changes | None,
    ) -> None:
        self.delayed: DelayedOrders[Entry | Rejection] = DelayedOrders(settings)
        self._settings = settings
        self._agenda = agenda
        self._markets = markets
        self._registry = registry
        self._executions = executions
        self._feed = feed
        self._now_ms = now_ms
        self._transaction = transaction
        self._changes = changes
        self._unsettled_past: set[str] = set()
        self._priorities = itertools.count(1)

    # -- entry -------------------------------------------------------------------------------------------------------

    def enter(self, order: Order, *, post_only: bool = False) -> Entry:
        """Match an order and rest what is left of it. Raises Rejection, and then nothing has changed.

        Checks the dollar minimum of marketable BUYs, funds including the fee, post-only, and fill-or-kill. In a market
        with a delay an order that would match waits first, and is checked again then.
        """
        with self._transaction():
            listing = self._markets.by_token[order.token_id]
            plan = self._checked_plan(order, listing, post_only=post_only)
            self._registry.orders[order.id] = order
            delay_s = self.delayed.delay_s(order, listing, plan)
            if delay_s:
                self.delayed.begin(order)
                self._agenda.after(delay_s, partial(self._end_delay, order, listing))
            self._feed.publish(OrderChanged(order, listing, "PLACEMENT"))
            return Entry(order, "delayed", 0, 0, ()) if delay_s else self._execute(order, listing, plan)

    def resume(self, orders: Sequence[Order]) -> None:
        """Take over the orders of a former run: those of clients rest again in their old order, or wait again."""
        mine = [order for order in orders if order.owner]
        self._registry.orders.update((order.id, order) for order in mine)
        for order in sorted(mine, key=attrgetter("priority")):
            listing = self._markets.by_token[order.token_id]
            if order.open_size:
                listing.engine.put_back(order)
                self._note_resting(order)
            elif order.status == "DELAYED":
                self.delayed.begin(order)
                self._agenda.at(self._now_ms(), partial(self._end_delay, order, listing))
        self._priorities = itertools.count(max((order.priority for order in orders), default=0) + 1)

    def _checked_plan(self, order: Order, listing: Listing, *, post_only: bool) -> MatchPlan:
        """What an order would trade with. Raises Rejection; of the reasons only a kill is told as an event."""
        try:
            return listing.engine.plan(order, post_only=post_only)
        except Rejection:
            if order.status != "LIVE":
                self._feed.publish(OrderChanged(order, listing, "CANCELLATION"))
            raise

    def _end_delay(self, order: Order, listing: Listing) -> None:
        if order.status != "DELAYED":
            return  # its market ended before its delay
        self.delayed.end(order)
        outcome: Entry | Rejection
        try:
            plan = self._checked_plan(order, listing, post_only=False)
        except Rejection as rejection:
            outcome = rejection
            if order.status == "LIVE":
                order.status = "CANCELED_NOT_ENOUGH_BALANCE"
                self._feed.publish(OrderChanged(order, listing, "CANCELLATION"))
        else:
            if not plan.buckets:
                order.status = "UNMATCHED"
                self._feed.publish(OrderChanged(order, listing, "UPDATE"))
                order.status = "LIVE"
            outcome = self._execute(order, listing, plan)
            if outcome.status == "live":
                outcome = replace(outcome, status="unmatched")
        self.delayed.tell(order, outcome)

    def _execute(self, order: Order, listing: Listing, plan: MatchPlan) -> Entry:
        """Do what was planned, and rest what is left."""
        best_before = listing.book.best_for(0)
        touched: dict[tuple[bool, int], None] = {}
        for own in plan.own:
            self._withdraw(own, listing, "CANCELED")
            touched[(own.is_bid, own.book_price)] = None
        trades = []
        for index, bucket in enumerate(plan.buckets):
            trades.append(self._executions.make(order, listing, bucket, index=index))
            touched[(not order.is_bid, bucket.fills[0].maker.book_price)] = None
        if listing.engine.complete(order, plan):
            order.status = "MATCHED"
        else:
            self.rest(order, listing)
            touched[(order.is_bid, order.book_price)] = None
        self.tell_levels(listing, tuple(touched), best_before, trades=tuple(trades))
        for trade in trades:
            self._feed.publish(TradeChanged(trade, listing))
            for fill in trade.makers:
                self._feed.publish(OrderChanged(fill.order, listing, "UPDATE"))
                self._registry.forget_if_done(fill.order)
        if trades:
            self._feed.publish(OrderChanged(order, listing, "UPDATE"))
        for trade in trades:
            self._executions.settle(trade)
        self._registry.forget_if_done(order)
        return Entry(order, "matched" if trades else "live", plan.shares, plan.cash, tuple(trades))

    # -- resting and its end -----------------------------------------------------------------------------------------

    def rest(self, order: Order, listing: Listing) -> None:
        """Put what is left of an order on the book, behind all that rests at its price. Nobody is told."""
        order.priority = next(self._priorities)
        listing.engine.rest(order)
        self._note_resting(order)

    def cancel(self, order: Order, reason: CancelReason = "CANCELED") -> None:
        """Take a resting order off the book and free what it held back."""
        self.cancel_many([order], reason)

    def cancel_many(self, orders: Iterable[Order], reason: CancelReason = "CANCELED") -> None:
        """Take resting orders off their books; each book tells of it once."""
        with self._transaction():
            by_listing: dict[str, list[Order]] = defaultdict(list)
            for order in orders:
                by_listing[order.condition_id].append(order)
            for condition_id, group in by_listing.items():
                listing = self._markets.by_condition[condition_id]
                best_before = listing.book.best_for(0)
                for order in group:
                    self._withdraw(order, listing, reason)
                touched = dict.fromkeys((order.is_bid, order.book_price) for order in group)
                self.tell_levels(listing, tuple(touched), best_before)

    def cancel_market(self, condition_id: str, reason: CancelReason = "CANCELED") -> None:
        """Take everything off the book of a market, and store what else has become of it."""
        with self._transaction():
            listing = self._markets.by_condition[condition_id]
            if self._changes is not None:
                self._changes.listings[listing] = None
            for order in [self._registry.orders[order_id] for order_id in self.delayed.waiting]:
                if order.condition_id == condition_id:
                    self.delayed.end(order)
                    order.status = reason
                    self._feed.publish(OrderChanged(order, listing, "CANCELLATION"))
                    self.delayed.tell(order, no_book(order.token_id))
            resting = [order for order in self._registry.resting_orders() if order.condition_id == condition_id]
            self.cancel_many(resting, reason)
            self._display_nothing(listing)

    def _display_nothing(self, listing: Listing) -> None:
        gone = [(key, 0) for key, _ in listing.book.displayed()]
        if gone:
            best_before = listing.book.best_for(0)
            listing.book.display(gone)
            self.tell_displayed(listing, gone, best_before, at_ms=self._now_ms())

    def _note_resting(self, order: Order) -> None:
        self._registry.note_resting(order)
        if order.order_type == "GTD":
            self._agenda.at(self.expires_ms(order), partial(self._expire, order))

    def _withdraw(self, order: Order, listing: Listing, reason: CancelReason) -> None:
        listing.engine.withdraw(order)
        order.status = reason
        self._registry.note_off_book(order)
        self._feed.publish(OrderChanged(order, listing, "CANCELLATION"))
        self._registry.forget_if_done(order)

    # -- expiry ------------------------------------------------------------------------------------------------------

    def expires_ms(self, order: Order) -> int:
        """When a GTD order leaves the book, in unix milliseconds: some time before the expiration that it names."""
        return (order.expiration - self._settings.gtd_security_threshold_s) * 1000

    def hold_expiry(self, condition_id: str) -> None:
        """Let nothing expire in a market as long as it is not known what happened there before."""
        self._unsettled_past.add(condition_id)

    def release_expiry(self, condition_id: str) -> None:
        """Let orders expire again, those at once whose time is over."""
        self._unsettled_past.discard(condition_id)
        orders = self._registry.orders.values()
        for order in [each for each in orders if each.condition_id == condition_id and each.open_size]:
            if order.order_type == "GTD" and self.expires_ms(order) <= self._now_ms():
                self._expire(order)

    def _expire(self, order: Order) -> None:
        if order.open_size and order.condition_id not in self._unsettled_past:
            self.cancel(order, "CANCELED_EXPIRED_ORDER")

    # -- what the book tells -----------------------------------------------------------------------------------------

    def tell_levels(
        self,
        listing: Listing,
        levels: tuple[tuple[bool, int], ...],
        best_before: tuple[int | None, int | None],
        *,
        trades: tuple[Trade, ...] = (),
    ) -> None:
        """Tell that levels (is_bid, price) of a book have changed."""
        best_changed = listing.book.best_for(0) != best_before
        former = listing.note_change(self._now_ms(), best_changed=best_changed)
        self._feed.publish(BookChanged(listing, levels, trades, best_changed))
        if former is not None:
            self._feed.publish(TickChanged(listing, former))

    def tell_displayed(
        self,
        listing: Listing,
        changes: Iterable[tuple[LevelKey, int]],
        best_before: tuple[int | None, int | None],
        *,
        at_ms: int,
    ) -> None:
        """Tell that displayed sizes of a book have changed, as those elsewhere did `at_ms`."""
        best_changed = listing.book.best_for(0) != best_before
        listing.note_change(at_ms, best_changed=best_changed)
        if self._feed.has_listeners(BookChanged):
            levels = tuple([(key > 0, abs(key)) for key, _ in changes])
            self._feed.publish(BookChanged(listing, levels, (), best_changed))

    def set_tick(self, listing: Listing, tick: int) -> None:
        """Change the tick of a market, in price units."""
        if tick != listing.tick:
            former, listing.tick = listing.tick, tick
            self._feed.publish(TickChanged(listing, former))
