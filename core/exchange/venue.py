"""The exchange itself: markets, accounts, orders and trades, without any network."""

from __future__ import annotations

import hashlib
import itertools
import random
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Any, Literal

from ..clock import Clock, unix_ms
from ..money import to_micro
from .agenda import Agenda
from .book import Order
from .builders import Builders
from .catalogue import Catalogue, RecordedMarket
from .credentials import Credential, CredentialStore
from .delays import DelayedOrders
from .durability import Durability
from .events import (
    BookChanged,
    ExchangeEvent,
    ExchangeHalted,
    Listener,
    MarketListed,
    MarketResolved,
    OrderChanged,
    TickChanged,
    TradeChanged,
)
from .ledger import Account, Ledger
from .listing import LastTrade, Listing
from .matching import Bucket, Fill, MatchPlan, cash_of
from .operator_controls import OperatorControls
from .records import Records
from .rejections import LedgerUnavailable, Rejection, no_book
from .restoring import known_markets, restore_activity, restore_credentials, restore_ledger, restore_markets
from .seeding import seed_books
from .settings import ExchangeSettings
from .settlement import Settlement
from .store import LedgerStore
from .trades import MakerFill, Trade
from .units import UNIT
from .wallet_activity import WalletActivity

CancelReason = Literal["CANCELED", "CANCELED_EXPIRED_ORDER", "CANCELED_MARKET_RESOLVED", "CANCELED_TAPE_MISSING"]
EntryStatus = Literal["live", "matched", "delayed", "unmatched"]
_TAPE_LENGTH = 5000


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


class Exchange:
    """A venue that lives by `clock` and draws all its randomness from `settings.seed`.

    House accounts rest the recorded books; they and everybody else trade through `enter`. `tape` holds the latest
    trades of all accounts, oldest first; `house_numbers` tell the orders of house accounts apart.

    With a `store` everything that belongs to clients is written there as it happens, and is taken from there at the
    start; without one it lives as long as the exchange. Raises ConfigurationError for a store that does not add up.
    """

    def __init__(
        self, catalogue: Catalogue, settings: ExchangeSettings, clock: Clock, *, store: LedgerStore | None = None
    ) -> None:
        self.catalogue = catalogue
        self.settings = settings
        self.clock = clock
        self.orders: dict[str, Order] = {}
        self._durability = None if store is None else Durability(store, self.orders, on_halt=self._halt)
        changes = None if self._durability is None else self._durability.changes
        self.ledger = Ledger(changes)
        self.records = Records(store, changes)
        self.agenda = Agenda(clock, together=self.transaction)
        self.listings = tuple(Listing(recorded) for recorded in known_markets(catalogue, store))
        self.by_condition = {listing.condition_id: listing for listing in self.listings}
        self.by_token = {token: listing for listing in self.listings for token in listing.tokens}
        self._events = {str(event["id"]): event for event in catalogue.events}
        self.trades: dict[str, Trade] = {}
        self.tape: deque[Trade] = deque(maxlen=_TAPE_LENGTH)
        self._trades_of: defaultdict[str, list[Trade]] = defaultdict(list)
        self._open_of: defaultdict[str, dict[str, Order]] = defaultdict(dict)
        self._settlement = Settlement(
            settings, agenda=self.agenda, ledger=self.ledger, now_ms=lambda: self.now_ms, tell=self._trade_moved
        )
        self._wallets: dict[str, str] = {}
        self._listeners: list[Listener] = []
        self._unsettled_past: set[str] = set()
        self._random = random.Random(settings.seed)
        secret = hashlib.sha256(f"polydesk exchange {settings.seed}".encode()).digest()
        self.credentials = CredentialStore(secret if store is None else store.secret)
        self.builders = Builders(self.credentials.draw)
        self.wallet_activity = WalletActivity()
        self.controls = OperatorControls.of(settings)
        self.delayed: DelayedOrders[Entry | Rejection] = DelayedOrders(settings)
        self.house_numbers = itertools.count()
        self._priorities = itertools.count(1)
        if self._durability is None:
            seed_books(self)
            return
        assert store is not None
        if store.opened > 1:
            # Another run, other ids: what this one makes must not look like what is stored.
            self._random = random.Random(f"{settings.seed} {store.opened}")
            self.house_numbers = itertools.count(store.opened << 40)
        self.subscribe(self._durability.changes.note_event)
        with self.transaction():
            self._restore(store)
            seed_books(self)

    # -- who and when ------------------------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        return unix_ms(self.clock.now())

    @property
    def now_s(self) -> int:
        return self.now_ms // 1000

    def event_of(self, listing: Listing) -> Mapping[str, Any]:
        """The catalogue's event of a market, an empty one when none was recorded."""
        return self._events.get(listing.recorded.event_id, {})

    def listings_of(self, event: Mapping[str, Any]) -> list[Listing]:
        """The markets of a catalogue event."""
        return [listing for listing in self.listings if listing.recorded.event_id == str(event["id"])]

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` everything that happens from now on; the result ends that."""
        self._listeners.append(listener)
        return partial(self._listeners.remove, listener)

    # -- what lasts --------------------------------------------------------------------------------------------------

    @property
    def halted(self) -> str | None:
        """Why the exchange takes nothing any more until it is started anew, None while it runs.

        It halts when its store fails in the middle of an event: what is in memory is then not what is on disk.
        """
        return None if self._durability is None else self._durability.halted

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything that happens inside is stored together or not at all; one inside another is part of it.

        Raises LedgerUnavailable when it cannot be stored.
        """
        if self._durability is None:
            yield
            return
        with self._durability.transaction(self.ledger, self.credentials, lambda: self.now_ms):
            yield

    def _halt(self, reason: str) -> None:
        self.delayed.tell_all(LedgerUnavailable(reason))
        self.publish(ExchangeHalted(reason))

    def _restore(self, store: LedgerStore) -> None:
        """Take over what is stored: orders rest again in their old order, trades go on from where they were."""
        stored = restore_ledger(store, self.ledger)
        restore_credentials(store, self.credentials)
        restore_markets(store, self.by_condition)
        restore_activity(store, self.ledger, self.by_token, self.wallet_activity)
        self._wallets.update(stored.wallets)
        for trade in stored.trades:
            self.trades[trade.id] = trade
            self._note_parties(trade)
            self._settlement.resume(trade)
        for order in stored.orders:
            if order.owner:
                self.orders[order.id] = order
        for order in sorted(self.orders.values(), key=attrgetter("priority")):
            self._resume_order(order, self.by_token[order.token_id])
        self._priorities = itertools.count(max((order.priority for order in stored.orders), default=0) + 1)

    def _resume_order(self, order: Order, listing: Listing) -> None:
        if order.open_size:
            listing.engine.put_back(order)
            self._note_resting(order)
        elif order.status == "DELAYED":
            self.delayed.begin(order)
            self.agenda.at(self.now_ms, partial(self._end_delay, order, listing))

    # -- accounts ----------------------------------------------------------------------------------------------------

    def create_credential(self, address: str, nonce: int) -> Credential | None:
        """Make an API key; the first one of an address comes with the starting balance. None when it exists."""
        with self.transaction():
            made = self.credentials.create(address, nonce)
            if made is not None:
                self._note_credentials()
                account = self.ledger.account(address)
                if not account.granted:
                    account.granted = True
                    balance = to_micro(self.settings.starting_balance)
                    self.ledger.deposit(account, balance)
                    self.wallet_activity.add(
                        account, "DEPOSIT", condition_id="", shares=0, dollars=balance, at_ms=self.now_ms
                    )
            return made

    def delete_credential(self, credential: Credential) -> None:
        with self.transaction():
            self.credentials.delete(credential)
            self._note_credentials()

    def create_readonly_key(self, address: str) -> str:
        """The id of one more key that reads what the address has."""
        with self.transaction():
            self._note_credentials()
            return self.credentials.create_readonly(address)

    def delete_readonly_key(self, address: str, key: str) -> bool:
        """False when the address has no such key."""
        with self.transaction():
            self._note_credentials()
            return self.credentials.delete_readonly(address, key)

    def claim_wallet(self, wallet: str, owner: str) -> bool:
        """Let a wallet trade on its owner's account. False when it belongs to somebody else.

        One account serves an owner's own address and all its wallets.
        """
        known = self._wallets.get(wallet.lower())
        if known is None:
            with self.transaction():
                self._wallets[wallet.lower()] = known = owner
                if self._durability is not None:
                    self._durability.changes.wallets[wallet.lower()] = owner
        return known == owner

    def account_of(self, address: str) -> Account | None:
        """The account behind an address or a wallet, in any spelling; None when nobody uses it."""
        owner = self._wallets.get(address.lower())
        return self.ledger.accounts.get(owner) if owner else None

    def open_account(self, address: str) -> Account:
        """The account of an address, which may be used from now on."""
        self.claim_wallet(address, address)
        return self.ledger.account(address)

    def open_orders(self, account: Account) -> list[Order]:
        """Oldest first."""
        return list(self._open_of[account.address].values())

    def trades_of(self, account: Account) -> Sequence[Trade]:
        """Every trade the account took part in, oldest first."""
        return self._trades_of[account.address]

    # -- orders ------------------------------------------------------------------------------------------------------

    def enter(self, order: Order, *, post_only: bool = False) -> Entry:
        """Match an order and rest what is left of it. Raises Rejection, and then nothing has changed.

        Checks the dollar minimum of marketable BUYs, funds including the fee, post-only, and fill-or-kill. In a market
        with a delay an order that would match waits first, and is checked again then.
        """
        if self._durability is None:
            return self._enter(order, post_only=post_only)
        with self.transaction():
            return self._enter(order, post_only=post_only)

    def _enter(self, order: Order, *, post_only: bool) -> Entry:
        listing = self.by_token[order.token_id]
        plan = self._checked_plan(order, listing, post_only=post_only)
        self.orders[order.id] = order
        delay_s = self.delayed.delay_s(order, listing, plan)
        if delay_s:
            self.delayed.begin(order)
            self.agenda.after(delay_s, partial(self._end_delay, order, listing))
        self.publish(OrderChanged(order, listing, "PLACEMENT"))
        return Entry(order, "delayed", 0, 0, ()) if delay_s else self._execute(order, listing, plan)

    def _checked_plan(self, order: Order, listing: Listing, *, post_only: bool) -> MatchPlan:
        """What an order would trade with. Raises Rejection; of the reasons only a kill is told as an event."""
        try:
            return listing.engine.plan(order, post_only=post_only)
        except Rejection:
            if order.status != "LIVE":
                self.publish(OrderChanged(order, listing, "CANCELLATION"))
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
                self.publish(OrderChanged(order, listing, "CANCELLATION"))
        else:
            if not plan.buckets:
                order.status = "UNMATCHED"
                self.publish(OrderChanged(order, listing, "UPDATE"))
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
            trades.append(self._trade(order, listing, index, bucket))
            touched[(not order.is_bid, bucket.fills[0].maker.book_price)] = None
        if listing.engine.complete(order, plan):
            order.status = "MATCHED"
        else:
            self._rest(order, listing)
            touched[(order.is_bid, order.book_price)] = None
        self._after_change(listing, tuple(touched), tuple(trades), best_before)
        for trade in trades:
            self.publish(TradeChanged(trade, listing))
            for fill in trade.makers:
                self.publish(OrderChanged(fill.order, listing, "UPDATE"))
                self._forget_if_done(fill.order)
        if trades:
            self.publish(OrderChanged(order, listing, "UPDATE"))
        for trade in trades:
            self._settlement.begin(trade)
        self._forget_if_done(order)
        return Entry(order, "matched" if trades else "live", plan.shares, plan.cash, tuple(trades))

    def cancel(self, order: Order, reason: CancelReason = "CANCELED") -> None:
        """Take a resting order off the book and free what it held back."""
        self.cancel_many([order], reason)

    def cancel_many(self, orders: Iterable[Order], reason: CancelReason = "CANCELED") -> None:
        """Take resting orders off their books; each book tells of it once."""
        with self.transaction():
            self._cancel_many(orders, reason)

    def _cancel_many(self, orders: Iterable[Order], reason: CancelReason) -> None:
        by_listing: dict[str, list[Order]] = defaultdict(list)
        for order in orders:
            by_listing[order.condition_id].append(order)
        for condition_id, group in by_listing.items():
            listing = self.by_condition[condition_id]
            best_before = listing.book.best_for(0)
            for order in group:
                self._withdraw(order, listing, reason)
            touched = dict.fromkeys((order.is_bid, order.book_price) for order in group)
            self._after_change(listing, tuple(touched), (), best_before)

    def resting_orders(self) -> list[Order]:
        """Of all accounts."""
        return [order for orders in self._open_of.values() for order in orders.values()]

    def cancel_market(self, condition_id: str, reason: CancelReason = "CANCELED") -> None:
        """Take everything off the book of a market, and store what else has become of it."""
        with self.transaction():
            self._note_listing(self.by_condition[condition_id])
            self._cancel_market(condition_id, reason)

    def _cancel_market(self, condition_id: str, reason: CancelReason) -> None:
        listing = self.by_condition[condition_id]
        for order in [self.orders[order_id] for order_id in self.delayed.waiting]:
            if order.condition_id == condition_id:
                self.delayed.end(order)
                order.status = reason
                self.publish(OrderChanged(order, listing, "CANCELLATION"))
                self.delayed.tell(order, no_book(order.token_id))
        self.cancel_many([order for order in self.resting_orders() if order.condition_id == condition_id], reason)

    def resolve(self, condition_id: str, winner: int | None) -> None:
        """End a market: cancel its orders, settle its trades, fix the payout. `winner` None pays each half a dollar."""
        with self.transaction():
            listing = self.by_condition[condition_id]
            self.cancel_market(condition_id, "CANCELED_MARKET_RESOLVED")
            self._settlement.finish(condition_id)
            listing.closed = listing.resolved_here = True
            listing.accepting_orders = False
            listing.winner = winner
            listing.oracle_steps += ["resolved"] if listing.oracle_steps else ["proposed", "resolved"]
            listing.changed_at_ms = self.now_ms
            payouts = (1, 1) if winner is None else (1 - winner, winner)
            self.ledger.resolve(condition_id, listing.tokens, payouts)
            self.publish(MarketResolved(listing))

    # -- a market that is shown as it is elsewhere -------------------------------------------------------------------

    def add_listing(self, recorded: RecordedMarket, event: Mapping[str, Any] | None = None) -> Listing:
        """List one more market; a market that is listed already stays as it is."""
        known = self.by_condition.get(str(recorded.gamma["conditionId"]))
        if known is not None:
            return known
        listing = Listing(recorded)
        self.listings += (listing,)
        self.by_condition[listing.condition_id] = listing
        self.by_token.update(dict.fromkeys(listing.tokens, listing))
        if event is not None:
            self._events.setdefault(str(event["id"]), event)
        self.publish(MarketListed(listing))
        return listing

    def show(self, order: Order, open_size: int) -> None:
        """Let a house order rest with `open_size` shares, whatever rests opposite; 0 withdraws it. Nobody is told."""
        listing = self.by_condition[order.condition_id]
        if not order.open_size:
            if open_size:
                order.size = order.filled + open_size
                order.resting_filled = 0
                order.status = "LIVE"
                self.orders[order.id] = order
                self._rest(order, listing)
            return
        listing.engine.resize(order, open_size)
        if not open_size:
            del self._open_of[order.account.address][order.id]
            del self.orders[order.id]

    def fill_resting(self, maker: Order, taker: Order, shares: int) -> Trade:
        """A resting order trades `shares` at its own price with a house order that never rests itself."""
        with self.transaction():
            return self._fill_resting(maker, taker, shares)

    def _fill_resting(self, maker: Order, taker: Order, shares: int) -> Trade:
        listing = self.by_condition[maker.condition_id]
        best_before = listing.book.best_for(0)
        self.orders[taker.id] = taker
        cash = cash_of(maker, shares)
        bucket = Bucket(maker.price, [Fill(maker, shares, cash, maker.price)], shares, cash)
        trade = self._trade(taker, listing, 0, bucket)
        taker.filled = shares
        taker.status = "MATCHED"
        self._after_change(listing, ((maker.is_bid, maker.book_price),), (trade,), best_before)
        self.publish(TradeChanged(trade, listing))
        self.publish(OrderChanged(maker, listing, "UPDATE"))
        self._forget_if_done(maker)
        self._forget_if_done(taker)
        self._settlement.begin(trade)
        return trade

    def tell_levels(
        self,
        listing: Listing,
        levels: tuple[tuple[bool, int], ...],
        best_before: tuple[int | None, int | None],
        *,
        at_ms: int,
    ) -> None:
        """Tell that levels (is_bid, price) were changed with `show`, as the real ones were `at_ms`."""
        self._after_change(listing, levels, (), best_before, at_ms=at_ms)

    def report(self, trade: Trade) -> None:
        """Tell of a trade between others elsewhere: it is on the tape and moves no money here."""
        listing = self.by_condition[trade.taker.condition_id]
        listing.volume += trade.cash
        listing.last_trade = LastTrade(trade.taker.outcome, trade.price, trade.taker.side)
        self.tape.append(trade)
        self.publish(BookChanged(listing, (), (trade,), best_changed=False))

    def hold_expiry(self, condition_id: str) -> None:
        """Let nothing expire in a market as long as it is not known what happened there before."""
        self._unsettled_past.add(condition_id)

    def release_expiry(self, condition_id: str) -> None:
        """Let orders expire again, those at once whose time is over."""
        self._unsettled_past.discard(condition_id)
        resting = [order for order in self.orders.values() if order.condition_id == condition_id and order.open_size]
        for order in resting:
            if order.order_type == "GTD" and self.expires_ms(order) <= self.now_ms:
                self._expire(order)

    def expires_ms(self, order: Order) -> int:
        """When a GTD order leaves the book, in unix milliseconds: some time before the expiration that it names."""
        return (order.expiration - self.settings.gtd_security_threshold_s) * 1000

    def set_tick(self, listing: Listing, tick: int) -> None:
        """Change the tick of a market, in price units."""
        if tick != listing.tick:
            former, listing.tick = listing.tick, tick
            self.publish(TickChanged(listing, former))

    # -- what follows from an order ----------------------------------------------------------------------------------

    def _trade(self, taker: Order, listing: Listing, index: int, bucket: Bucket) -> Trade:
        now_ms = self.now_ms
        trade = Trade(
            id=str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            taker=taker,
            bucket_index=index,
            shares=bucket.shares,
            cash=bucket.cash,
            price=bucket.price,
            fee=bucket.fee,
            makers=tuple([_maker_fill(fill, taker) for fill in bucket.fills]),
            matched_at_ms=now_ms,
            updated_at_ms=now_ms,
        )
        listing.engine.take(taker, bucket)
        for fill in bucket.fills:
            maker = fill.maker
            maker.trade_ids.append(trade.id)
            if not maker.open_size:
                maker.status = "MATCHED"
                del self._open_of[maker.account.address][maker.id]
        self._settlement.hold(trade)
        taker.trade_ids.append(trade.id)
        listing.volume += trade.cash
        listing.last_trade = LastTrade(taker.outcome, trade.price, taker.side)
        self.trades[trade.id] = trade
        self._note_parties(trade)
        return trade

    def _note_parties(self, trade: Trade) -> None:
        for address in dict.fromkeys(order.account.address for order, *_ in trade.parts() if order.owner):
            self._trades_of[address].append(trade)
        self.tape.append(trade)

    def _rest(self, order: Order, listing: Listing) -> None:
        order.priority = next(self._priorities)
        listing.engine.rest(order)
        self._note_resting(order)

    def _note_resting(self, order: Order) -> None:
        self._open_of[order.account.address][order.id] = order
        if order.order_type == "GTD":
            self.agenda.at(self.expires_ms(order), partial(self._expire, order))

    def _withdraw(self, order: Order, listing: Listing, reason: CancelReason) -> None:
        listing.engine.withdraw(order)
        order.status = reason
        del self._open_of[order.account.address][order.id]
        self.publish(OrderChanged(order, listing, "CANCELLATION"))
        self._forget_if_done(order)

    def _expire(self, order: Order) -> None:
        if order.open_size and order.condition_id not in self._unsettled_past:
            self.cancel(order, "CANCELED_EXPIRED_ORDER")

    def _trade_moved(self, trade: Trade) -> None:
        listing = self.by_token[trade.taker.token_id]
        if trade.status == "FAILED":
            listing.volume -= trade.cash
        self.publish(TradeChanged(trade, listing))
        ended = trade.status in ("CONFIRMED", "FAILED")
        if ended and not any(order.owner for order, *_ in trade.parts()):
            del self.trades[trade.id]

    def _forget_if_done(self, order: Order) -> None:
        """House orders come and go without end; only those of clients can be asked for afterwards."""
        if not order.owner and not order.open_size:
            self.orders.pop(order.id, None)

    def _after_change(
        self,
        listing: Listing,
        levels: tuple[tuple[bool, int], ...],
        trades: tuple[Trade, ...],
        best_before: tuple[int | None, int | None],
        at_ms: int | None = None,
    ) -> None:
        best_changed = listing.book.best_for(0) != best_before
        former = listing.note_change(self.now_ms if at_ms is None else at_ms, best_changed=best_changed)
        if self._listeners:
            self.publish(BookChanged(listing, levels, trades, best_changed))
            if former is not None:
                self.publish(TickChanged(listing, former))

    def _note_listing(self, listing: Listing) -> None:
        if self._durability is not None:
            self._durability.changes.listings[listing] = None

    def _note_credentials(self) -> None:
        if self._durability is not None:
            self._durability.changes.credentials = True

    def publish(self, event: ExchangeEvent) -> None:
        """Tell everybody who listens."""
        for listener in self._listeners:
            listener(event)


def _maker_fill(fill: Fill, taker: Order) -> MakerFill:
    if fill.maker.outcome == taker.outcome:
        return MakerFill(fill.maker, fill.shares, fill.cash, fill.price)
    return MakerFill(fill.maker, fill.shares, fill.shares - fill.cash, UNIT - fill.price)
