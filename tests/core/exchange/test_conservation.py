"""Whatever happens, money and shares are neither made nor lost, the book is uncrossed and priority holds."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.book import Order
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.events import BookChanged, ExchangeEvent
from polydesk.core.exchange.rejections import Rejection
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Floor


@dataclass(frozen=True)
class Step:
    who: int
    side: Literal["BUY", "SELL"]
    outcome: int
    price_cents: int
    size_hundredths: int
    order_type: Literal["GTC", "FOK", "FAK"]
    by_budget: bool
    cancels: bool


steps = st.lists(
    st.builds(
        Step,
        who=st.integers(0, 3),
        side=st.sampled_from(["BUY", "SELL"]),
        outcome=st.integers(0, 1),
        price_cents=st.integers(30, 70),
        size_hundredths=st.integers(1, 3000),
        order_type=st.sampled_from(["GTC", "GTC", "FOK", "FAK"]),
        by_budget=st.booleans(),
        cancels=st.sampled_from([False, False, False, True]),
    ),
    max_size=40,
)


def play(floor_type: type[Floor], catalogue: Catalogue, clock: ManualClock, plan: list[Step], delay_s: float) -> Floor:
    rules = ExchangeSettings(simulated_traders=False, mined_after_s=delay_s, confirmed_after_s=0)
    floor = floor_type(Exchange(catalogue, rules, clock))
    accounts = [floor.account(f"trader {number}", dollars="20", shares="20", market=12) for number in range(4)]
    floor.exchange.events.subscribe(check_event)
    for step in plan:
        account = accounts[step.who]
        if step.cancels:
            floor.exchange.trading.cancel_many(floor.exchange.registry.open_orders(account))
        market_buy = step.side == "BUY" and step.order_type != "GTC" and step.by_budget
        with contextlib.suppress(Rejection):
            floor.enter(
                account,
                step.side,
                str(Decimal(step.price_cents) / 100),
                str(Decimal(step.size_hundredths) / 100),
                market=12,
                outcome=step.outcome,
                order_type=step.order_type,
                budget=str(Decimal(step.size_hundredths) / 200) if market_buy else None,
            )
        check_accounts(floor)
    return floor


def check_event(event: ExchangeEvent) -> None:
    if isinstance(event, BookChanged):
        book = event.listing.book
        bid, ask = book.bids.best, book.asks.best
        assert bid is None or ask is None or bid < ask, "crossed book"
        for side in (book.bids, book.asks):
            for level in side.best_first():
                assert level.size == sum(order.open_size for order in level.orders) > 0


def check_accounts(floor: Floor) -> None:
    for account in floor.exchange.ledger.accounts.values():
        orders = floor.exchange.registry.open_orders(account)
        assert account.open_cash == sum(order.reserved for order in orders if order.side == "BUY")
        assert account.cash >= account.open_cash + account.matched_cash
        for token_id, position in account.positions.items():
            offered = sum(order.reserved for order in orders if order.side == "SELL" and order.token_id == token_id)
            assert account.open_shares[token_id] == offered
            assert position.size >= offered + account.matched_shares[token_id]
    assert not floor.discrepancies()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=steps)
def test_nothing_is_created_or_lost(catalogue: Catalogue, clock: ManualClock, floor: Floor, plan: list[Step]) -> None:
    play(type(floor), catalogue, clock, plan, delay_s=0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=steps)
async def test_nothing_is_promised_twice_while_trades_settle(
    catalogue: Catalogue, floor: Floor, plan: list[Step]
) -> None:
    clock = ManualClock(catalogue.starts_at)
    played = play(type(floor), catalogue, clock, plan, delay_s=5)
    await clock.advance(6)
    played.exchange.agenda.run_due()
    check_accounts(played)
    for account in played.exchange.ledger.accounts.values():
        assert account.matched_cash == 0
        assert not any(account.matched_shares.values())


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prices=st.lists(st.integers(40, 60), min_size=1, max_size=12),
    taken=st.integers(5, 120),
    outcome=st.integers(0, 1),
)
def test_makers_are_taken_strictly_by_price_then_time(
    catalogue: Catalogue, clock: ManualClock, floor: Floor, prices: list[int], taken: int, outcome: int
) -> None:
    fresh = type(floor)(Exchange(catalogue, ExchangeSettings(simulated_traders=False, mined_after_s=0), clock))
    makers: list[tuple[int, int, Order]] = []
    for number, cents in enumerate(prices):
        seller = fresh.account(f"seller {number}", shares="10")
        order = fresh.enter(seller, "SELL", str(Decimal(cents) / 100), "10", outcome=outcome).order
        makers.append((cents, number, order))
    buyer = fresh.account("buyer", dollars="1000")
    entry = fresh.enter(buyer, "BUY", "0.6", str(taken), outcome=outcome)
    met = [fill.order for trade in entry.trades for fill in trade.makers]
    ranked = [order for *_, order in sorted(makers, key=lambda maker: maker[:2])]
    assert met == ranked[: len(met)]
    assert all(order.open_size == 0 for order in met[:-1])
    assert all(trade.price <= 6000 for trade in entry.trades)
