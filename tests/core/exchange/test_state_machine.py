"""Whatever accounts do, in whatever order, over restarts too: money and shares are neither made nor lost."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from polydesk.core.exchange.book import Order, OrderType, Side
from polydesk.core.exchange.catalogue import Catalogue, RecordedMarket
from polydesk.core.exchange.events import BookChanged, ExchangeEvent
from polydesk.core.exchange.ledger import Account, InsufficientFunds
from polydesk.core.exchange.listing import Listing
from polydesk.core.exchange.position_operations import merge_positions, redeem_positions, split_position
from polydesk.core.exchange.rejections import Rejection
from polydesk.core.exchange.resolution import Resolutions
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.store import LedgerStore
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import MICRO, to_micro
from tests.support.ledger_trader import SteppedClock

STARTS_AT = datetime(2026, 5, 17, 6, 0, tzinfo=UTC)
STEPS = 70
TRADERS = ("ann", "ben", "kim", "zoe")
SETTINGS = ExchangeSettings(
    simulated_traders=False,
    mined_after_s=5,
    confirmed_after_s=5,
    settlement_retry_probability=0.4,
    settlement_failure_probability=0.5,
    retried_after_s=7,
)


def market(number: int, *, event: str, neg_risk: bool = False, **gamma: Any) -> RecordedMarket:
    levels = ((Decimal("0.45"), Decimal(30)), (Decimal("0.4"), Decimal(80)))
    tokens = f'["{number}1", "{number}2"]'
    return RecordedMarket(
        gamma={
            "id": str(number),
            "conditionId": f"0x{number:064x}",
            "question": f"Will thing {number} happen?",
            "clobTokenIds": tokens,
            "outcomes": '["Yes", "No"]',
            "outcomePrices": '["0.5", "0.5"]',
            "endDate": "2026-06-30T00:00:00Z",
            "negRisk": neg_risk,
            **gamma,
        },
        event_id=event,
        clob={"mos": 5, "mts": 0.01, "nr": neg_risk, "fd": {"r": 0.05, "e": 1, "to": True}},
        bids=levels,
        asks=tuple((1 - price, size) for price, size in levels),
        last_trade_price=None,
        history=(),
        recorded_at=STARTS_AT,
    )


CATALOGUE = Catalogue(
    starts_at=STARTS_AT,
    events=({"id": "1"}, {"id": "2", "negRisk": True}, {"id": "3"}),
    markets=(
        market(11, event="1"),
        market(12, event="3", secondsDelay=3),
        market(21, event="2", neg_risk=True),
        market(22, event="2", neg_risk=True),
    ),
    headlines=(),
)

whoever = st.sampled_from(TRADERS)
whichever = st.integers(0, len(CATALOGUE.markets) - 1)
hundredths = st.integers(100, 4000)


@dataclass(frozen=True)
class Wanted:
    """An order that somebody tries to place."""

    who: str
    which: int
    outcome: int
    side: Side
    cents: int
    size_hundredths: int
    order_type: OrderType
    by_budget: bool
    post_only: bool


orders = st.lists(
    st.builds(
        Wanted,
        who=whoever,
        which=whichever,
        outcome=st.integers(0, 1),
        side=st.sampled_from(["BUY", "SELL"]),
        cents=st.integers(40, 60),
        size_hundredths=hundredths,
        order_type=st.sampled_from(["GTC", "GTC", "GTC", "GTD", "FOK", "FAK"]),
        by_budget=st.booleans(),
        post_only=st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=3,
)
"""Every step brings some, so that there is always something to cancel, settle, restart and resolve."""


class AnExchange(RuleBasedStateMachine):
    """Four accounts on four markets, one of them with a delay, two of one neg-risk event, with a ledger file."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = SteppedClock(STARTS_AT)
        self.count = 0
        self.open()

    def open(self) -> None:
        self.store = LedgerStore(Path(self.folder.name) / "ledger.db", secret=bytes(32))
        self.exchange = Exchange(CATALOGUE, SETTINGS, self.clock, store=self.store)
        self.oracle = Resolutions(self.exchange)
        self.exchange.events.subscribe(self.check_book)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @initialize()
    def four_accounts_with_money_and_shares(self) -> None:
        for name in TRADERS:
            account = self.exchange.accounts.open_account(name)
            with self.exchange.transaction():
                self.exchange.ledger.deposit(account, 150 * MICRO)
            for listing in self.exchange.markets.listings:
                split_position(self.exchange, account, listing.condition_id, 15 * MICRO)

    def account(self, name: str) -> Account:
        return self.exchange.accounts.open_account(name)

    def listing(self, number: int) -> Listing:
        return self.exchange.markets.listings[number]

    # -- what may happen ---------------------------------------------------------------------------------------------

    @rule(wanted=orders)
    def place(self, wanted: list[Wanted]) -> None:
        for each in wanted:
            self.enter(each)

    def enter(self, wanted: Wanted) -> None:
        listing = self.listing(wanted.which)
        if not listing.accepting_orders:
            return
        immediate = wanted.order_type in ("FOK", "FAK")
        by_budget = immediate and wanted.side == "BUY" and wanted.by_budget
        self.count += 1
        order = Order(
            id=f"0x{self.count:064x}",
            account=self.account(wanted.who),
            condition_id=listing.condition_id,
            token_id=listing.tokens[wanted.outcome],
            outcome=wanted.outcome,
            side=wanted.side,
            price=wanted.cents * 100,
            size=to_micro(Decimal(wanted.size_hundredths) / 100),
            order_type=wanted.order_type,
            created_at_ms=self.exchange.now_ms,
            owner=f"key of {wanted.who}",
            maker_address=wanted.who,
            expiration=self.exchange.now_s + 75 if wanted.order_type == "GTD" else 0,
            budget=to_micro(Decimal(wanted.size_hundredths) / 200) if by_budget else None,
        )
        with contextlib.suppress(Rejection):
            self.exchange.trading.enter(order, post_only=wanted.post_only and not immediate)

    @rule(wanted=orders, who=whoever, which=st.integers(0, 30))
    def cancel(self, wanted: list[Wanted], who: str, which: int) -> None:
        self.place(wanted)
        resting = self.exchange.registry.open_orders(self.account(who))
        if resting:
            self.exchange.trading.cancel(resting[which % len(resting)])

    @rule(wanted=orders, seconds=st.sampled_from([0.5, 2, 4, 6, 20]))
    def time_passes(self, wanted: list[Wanted], seconds: float) -> None:
        self.place(wanted)
        self.clock.step(seconds)
        self.exchange.agenda.run_due()

    @rule(wanted=orders, who=whoever, which=whichever, size=hundredths)
    def split(self, wanted: list[Wanted], who: str, which: int, size: int) -> None:
        self.place(wanted)
        with contextlib.suppress(InsufficientFunds, ValueError):
            split_position(self.exchange, self.account(who), self.listing(which).condition_id, size * 10**4 + 1)

    @rule(wanted=orders, who=whoever, which=whichever, size=hundredths)
    def merge(self, wanted: list[Wanted], who: str, which: int, size: int) -> None:
        self.place(wanted)
        with contextlib.suppress(InsufficientFunds, ValueError):
            merge_positions(self.exchange, self.account(who), self.listing(which).condition_id, size * 10**4 + 1)

    @precondition(lambda self: self.count > 40)
    @rule(which=whichever, winner=st.sampled_from([0, 1, None]))
    def resolve(self, which: int, winner: Literal[0, 1] | None) -> None:
        with contextlib.suppress(ValueError):
            self.oracle.settle(self.listing(which).condition_id, winner)

    @precondition(lambda self: self.count > 20)
    @rule(which=whichever)
    def dispute(self, which: int) -> None:
        with contextlib.suppress(ValueError):
            self.oracle.propose(self.listing(which).condition_id, 1, challenge_s=60)
            if which % 2:
                self.oracle.dispute(self.listing(which).condition_id)

    @rule(who=whoever, which=whichever)
    def redeem(self, who: str, which: int) -> None:
        account, listing = self.account(who), self.listing(which)
        before, held = account.cash, [account.shares(token) for token in listing.tokens]
        try:
            redeem_positions(self.exchange, account, listing.condition_id)
        except (KeyError, InsufficientFunds):
            return
        paid = account.cash - before
        due = sum(held) / 2 if listing.winner is None else held[listing.winner]
        assert due - 1 <= paid <= due, "a market pays its winner, or half a dollar for each share"

    @rule(wanted=orders)
    def restart(self, wanted: list[Wanted]) -> None:
        self.place(wanted)
        before = self.belongings()
        self.store.close()
        self.open()
        assert self.belongings() == before

    def belongings(self) -> dict[str, Any]:
        """Everything that must survive a restart."""
        exchange = self.exchange
        found: dict[str, Any] = {
            name: (
                account.cash,
                account.open_cash,
                account.matched_cash,
                {token: held for token, held in account.positions.items() if held.bought},
                {token: size for token, size in account.open_shares.items() if size},
                {token: size for token, size in account.matched_shares.items() if size},
                [
                    (order.id, order.open_size, order.filled, order.status)
                    for order in exchange.registry.open_orders(account)
                ],
                [(trade.id, trade.status, trade.updated_at_ms) for trade in exchange.registry.trades_of(account)],
            )
            for name in TRADERS
            for account in [self.account(name)]
        }
        found["ledger"] = exchange.ledger.deposited, exchange.ledger.fees, dict(exchange.ledger.payouts)
        found["markets"] = [
            (listing.condition_id, listing.resolved_here, listing.winner, listing.accepting_orders, listing.volume)
            for listing in exchange.markets.listings
        ]
        return found

    # -- what must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def dollars_in_are_dollars_out_and_every_set_is_backed(self) -> None:
        markets = {listing.condition_id: listing.tokens for listing in self.exchange.markets.listings}
        assert not self.exchange.ledger.discrepancies(markets)

    @invariant()
    def nobody_promises_more_than_there_is(self) -> None:
        for account in self.exchange.ledger.accounts.values():
            assert account.cash >= account.open_cash + account.matched_cash
            for token_id, position in account.positions.items():
                assert position.size >= account.open_shares[token_id] + account.matched_shares[token_id]

    @invariant()
    def what_is_reserved_is_what_open_orders_may_cost(self) -> None:
        delayed = [order for order in self.exchange.registry.orders.values() if order.status == "DELAYED"]
        for account in self.exchange.ledger.accounts.values():
            waiting = [order for order in delayed if order.account is account]
            resting = self.exchange.registry.open_orders(account)
            dollars = sum(order.reserved for order in resting if order.side == "BUY")
            dollars += sum(
                -(-order.size * order.price // 10_000) if order.budget is None else order.budget
                for order in waiting
                if order.side == "BUY"
            )
            assert account.open_cash == dollars
            for token_id, offered in account.open_shares.items():
                sales = [order.reserved for order in resting if order.side == "SELL" and order.token_id == token_id]
                sales += [order.size for order in waiting if order.side == "SELL" and order.token_id == token_id]
                assert offered == sum(sales)

    @invariant()
    def what_is_matched_is_what_unsettled_trades_owe(self) -> None:
        owed: dict[Account, int] = {}
        for trade in self.exchange.registry.trades.values():
            if trade.status in ("MATCHED", "RETRYING"):
                for order, _, cash, fee in trade.parts():
                    if order.side == "BUY":
                        owed[order.account] = owed.get(order.account, 0) + cash + fee
        for account in self.exchange.ledger.accounts.values():
            assert account.matched_cash == owed.get(account, 0)

    @invariant()
    def one_market_of_an_event_wins_at_most(self) -> None:
        winners = [listing for listing in self.exchange.markets.listings if listing.neg_risk and listing.resolved_here]
        assert sum(listing.winner == 0 for listing in winners) <= 1
        assert all(listing.winner is not None for listing in winners)

    @invariant()
    def nothing_rests_in_a_market_that_has_ended(self) -> None:
        for order in self.exchange.registry.resting_orders():
            assert not self.exchange.markets.by_condition[order.condition_id].closed

    @invariant()
    def every_book_is_sound(self) -> None:
        for listing in self.exchange.markets.listings:
            self.check_book(BookChanged(listing, (), (), False))

    def check_book(self, event: ExchangeEvent) -> None:
        if isinstance(event, BookChanged):
            book = event.listing.book
            bid, ask = book.bids.best, book.asks.best
            assert bid is None or ask is None or bid < ask, "crossed book"
            for side in (book.bids, book.asks):
                for level in side.best_first():
                    assert level.size == sum(order.open_size for order in level.orders) > 0


TestAnExchange = AnExchange.TestCase
TestAnExchange.settings = settings(
    max_examples=30,
    stateful_step_count=STEPS,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # making seventy steps fewer takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
