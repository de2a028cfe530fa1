"""Trading against a book that is shown as it is elsewhere."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.book import Order, Side, level_key
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.ledger import Account
from polydesk.core.exchange.mirror import Mirror
from polydesk.core.exchange.mirrored_book import MirroredBook, RealTrade
from polydesk.core.exchange.payloads import book_payload
from polydesk.core.exchange.rejections import Rejection
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import to_micro

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Floor

EMPTY = 11
NOW_MS = 1_779_000_000_000
Levels = dict[str, int]


def units(levels: Levels) -> dict[int, int]:
    return {round(float(price) * 10_000): size * 1_000_000 for price, size in levels.items()}


@dataclass
class RealMarket:
    """What the real market does, in plain decimals of the first outcome."""

    book: MirroredBook
    at_ms: int = NOW_MS

    def shows(self, *, bids: Levels | None = None, asks: Levels | None = None) -> None:
        self.at_ms += 1
        self.book.apply_snapshot(units(bids or {}), units(asks or {}), at_ms=self.at_ms)

    def level(self, side: str, price: str, size: int) -> None:
        self.at_ms += 1
        ((units_price, shares),) = units({price: size}).items()
        self.book.apply_changes([(level_key(is_bid=side == "bid", price=units_price), shares)], at_ms=self.at_ms)

    def trades(self, side: Side, price: str, size: int, *, outcome: int = 0, later_ms: int = 1) -> None:
        self.at_ms += later_ms
        ((units_price, shares),) = units({price: size}).items()
        self.book.apply_trade(RealTrade(outcome, side, units_price, shares, self.at_ms))


@pytest.fixture
def mirror(exchange: Exchange) -> Mirror:
    return Mirror(exchange)


@pytest.fixture
def real(mirror: Mirror, floor: Floor) -> RealMarket:
    return RealMarket(mirror.follow(floor.listing(EMPTY).recorded))


@pytest.fixture
def alice(real: RealMarket, floor: Floor) -> Account:
    """With 1,000 dollars and 1,000 complete sets."""
    return floor.account("alice", dollars="1000", shares="1000")


def micro(amount: str) -> int:
    return to_micro(Decimal(amount))


def shown(floor: Floor, outcome: int = 0) -> tuple[Levels, Levels]:
    book = book_payload(floor.listing(EMPTY), outcome, now_ms=NOW_MS)
    bids = {level["price"]: round(float(level["size"])) for level in book["bids"]}
    return bids, {level["price"]: round(float(level["size"])) for level in book["asks"]}


def bought(floor: Floor, account: Account, price: str, size: str, *, order_type: str = "FAK") -> int:
    """Whole shares that a BUY gets at once; 0 when it is refused for want of liquidity."""
    try:
        return floor.enter(account, "BUY", price, size, order_type=order_type).shares // 1_000_000
    except Rejection:
        return 0


def rest(floor: Floor, account: Account, side: Side, price: str, size: str, *, outcome: int = 0) -> Order:
    return floor.enter(account, side, price, size, outcome=outcome).order


def filled(order: Order) -> int:
    return order.filled // 1_000_000


def test_the_book_is_the_real_one_and_its_mirror_image(real: RealMarket, floor: Floor) -> None:
    real.shows(bids={"0.48": 200, "0.49": 100}, asks={"0.51": 50})
    assert shown(floor) == ({"0.48": 200, "0.49": 100}, {"0.51": 50})
    assert shown(floor, 1) == ({"0.49": 50}, {"0.52": 200, "0.51": 100})
    real.level("ask", "0.51", 0)
    real.level("bid", "0.49", 7)
    assert shown(floor) == ({"0.48": 200, "0.49": 7}, {})
    assert floor.discrepancies() == []


def test_real_orders_are_shown_even_where_the_real_book_is_crossed(real: RealMarket, floor: Floor) -> None:
    real.shows(bids={"0.52": 10}, asks={"0.51": 20})
    assert shown(floor) == ({"0.52": 10}, {"0.51": 20})
    assert not floor.exchange.registry.trades


def test_orders_stand_for_what_is_displayed_only_while_they_are_needed(real: RealMarket, floor: Floor) -> None:
    real.shows(bids={"0.48": 200}, asks={"0.51": 50, "0.52": 7})
    book, resting = floor.listing(EMPTY).book, floor.exchange.registry.resting_orders
    before = shown(floor), len(resting())
    book.stand_for_all()
    assert (shown(floor), len(resting())) == (before[0], before[1] + 3)
    assert floor.discrepancies() == []
    real.level("ask", "0.52", 9)
    assert (shown(floor)[1], len(resting())) == ({"0.51": 50, "0.52": 9}, before[1])
    assert floor.discrepancies() == []


def test_two_equal_buys_do_not_both_take_the_same_depth(real: RealMarket, floor: Floor, alice: Account) -> None:
    real.shows(asks={"0.51": 100})
    assert bought(floor, alice, "0.51", "100") == 100
    real.shows(asks={"0.51": 100})
    assert bought(floor, alice, "0.51", "100") == 0


def test_a_level_that_i_took_is_gone_until_new_size_shows(real: RealMarket, floor: Floor, alice: Account) -> None:
    real.shows(asks={"0.51": 100, "0.52": 40})
    assert bought(floor, alice, "0.51", "80") == 80
    assert shown(floor)[1] == {"0.51": 20, "0.52": 40}
    real.level("ask", "0.51", 130)
    assert shown(floor)[1]["0.51"] == 50
    real.level("ask", "0.51", 60)
    assert "0.51" not in shown(floor)[1]
    real.level("ask", "0.51", 0)
    real.level("ask", "0.51", 25)
    assert shown(floor)[1]["0.51"] == 25
    assert floor.discrepancies() == []


def test_a_resting_bid_waits_for_those_who_were_there_first(real: RealMarket, floor: Floor, alice: Account) -> None:
    real.shows(bids={"0.50": 100}, asks={"0.52": 10})
    order = rest(floor, alice, "BUY", "0.50", "50")
    real.trades("SELL", "0.50", 60)
    real.level("bid", "0.50", 40)
    assert filled(order) == 0
    real.trades("SELL", "0.50", 55)
    assert filled(order) == 15
    real.trades("SELL", "0.50", 100)
    assert filled(order) == 50
    assert floor.discrepancies() == []


def test_a_trade_told_after_the_level_shrank_does_not_count_twice(
    real: RealMarket, floor: Floor, alice: Account
) -> None:
    real.shows(bids={"0.50": 100, "0.49": 100}, asks={"0.52": 10})
    order = rest(floor, alice, "BUY", "0.50", "50")
    real.level("bid", "0.50", 0)
    real.level("bid", "0.49", 80)
    real.trades("SELL", "0.50", 100)
    assert filled(order) == 0
    real.trades("SELL", "0.49", 20)
    assert filled(order) == 20


def test_who_cancels_ahead_moves_me_up(real: RealMarket, floor: Floor, alice: Account) -> None:
    real.shows(bids={"0.50": 100}, asks={"0.52": 10})
    order = rest(floor, alice, "BUY", "0.50", "50")
    real.level("bid", "0.50", 20)
    real.trades("SELL", "0.50", 30, later_ms=10_000)
    assert filled(order) == 10


def test_who_comes_later_stands_behind_me(real: RealMarket, floor: Floor, alice: Account) -> None:
    real.shows(bids={"0.50": 10}, asks={"0.52": 10})
    order = rest(floor, alice, "BUY", "0.50", "50")
    real.level("bid", "0.50", 500)
    real.trades("SELL", "0.50", 30)
    assert filled(order) == 20


def test_a_resting_bid_never_fills_better_than_its_own_price(real: RealMarket, floor: Floor, alice: Account) -> None:
    real.shows(bids={"0.49": 10}, asks={"0.52": 10})
    order = rest(floor, alice, "BUY", "0.50", "50")
    cash = alice.cash
    real.shows(bids={"0.44": 10}, asks={"0.45": 500})
    assert filled(order) == 50
    assert cash - alice.cash == micro("25")
    assert [(each.price, each.cash) for each in floor.exchange.registry.trades_of(alice)[-1].makers] == [
        (5000, micro("25"))
    ]


def test_a_market_that_crosses_gives_no_more_than_it_offers(real: RealMarket, floor: Floor, alice: Account) -> None:
    real.shows(bids={"0.49": 10}, asks={"0.52": 10})
    first, second = rest(floor, alice, "BUY", "0.50", "50"), rest(floor, alice, "BUY", "0.51", "50")
    real.shows(asks={"0.50": 70, "0.52": 10})
    assert (filled(first), filled(second)) == (20, 50)
    assert shown(floor)[1] == {"0.52": 10}
    real.shows(asks={"0.50": 70, "0.52": 10})
    assert filled(first) == 20
    real.shows(asks={"0.50": 80, "0.52": 10})
    assert filled(first) == 30


def test_several_orders_share_one_trade(real: RealMarket, floor: Floor, alice: Account) -> None:
    bob = floor.account("bob", dollars="1000")
    real.shows(bids={"0.50": 10}, asks={"0.52": 10})
    first, second = rest(floor, alice, "BUY", "0.50", "40"), rest(floor, bob, "BUY", "0.50", "40")
    real.trades("SELL", "0.50", 60)
    assert (filled(first), filled(second)) == (40, 10)


def test_two_accounts_of_one_ledger_do_not_trade_with_each_other(
    real: RealMarket, floor: Floor, alice: Account
) -> None:
    """In the real market neither would find the other's order, as neither is there."""
    other = floor.account("bob", dollars="1000")
    real.shows(bids={"0.4": 100}, asks={"0.6": 100})
    offer = rest(floor, alice, "SELL", "0.5", "20")
    assert bought(floor, other, "0.5", "20") == 0
    assert bought(floor, other, "0.6", "20") == 20
    bid = rest(floor, other, "BUY", "0.5", "20")
    assert (filled(offer), filled(bid)) == (0, 0)
    real.trades("BUY", "0.51", 30)
    assert (filled(offer), filled(bid)) == (20, 0)
    assert not floor.discrepancies()


def test_a_trade_through_my_price_fills_me_whoever_stood_ahead(real: RealMarket, floor: Floor, alice: Account) -> None:
    real.shows(bids={"0.50": 100}, asks={"0.52": 10})
    order = rest(floor, alice, "BUY", "0.50", "50")
    real.trades("SELL", "0.49", 30)
    assert filled(order) == 30


def test_buyers_do_not_fill_my_bid(real: RealMarket, floor: Floor, alice: Account) -> None:
    real.shows(bids={"0.49": 10}, asks={"0.52": 10})
    order = rest(floor, alice, "BUY", "0.50", "50")
    real.trades("BUY", "0.50", 30)
    real.trades("BUY", "0.48", 30)
    assert filled(order) == 0


def test_the_other_outcome_follows_the_same_rules(real: RealMarket, floor: Floor, alice: Account) -> None:
    """A bid for the second outcome at 0.48 stands with the first one's asks at 0.52."""
    real.shows(bids={"0.50": 10}, asks={"0.52": 30})
    order = rest(floor, alice, "BUY", "0.48", "50", outcome=1)
    real.trades("BUY", "0.52", 30)
    assert filled(order) == 0
    real.trades("SELL", "0.48", 20, outcome=1)
    assert filled(order) == 20
    real.shows(bids={"0.53": 500}, asks={})
    assert filled(order) == 50
    assert floor.discrepancies() == []


def test_a_resting_sale_fills_by_the_same_rules(real: RealMarket, floor: Floor, alice: Account) -> None:
    real.shows(bids={"0.50": 10}, asks={"0.52": 30})
    order = rest(floor, alice, "SELL", "0.52", "50")
    real.trades("BUY", "0.52", 40)
    assert filled(order) == 10
    real.shows(bids={"0.55": 15}, asks={"0.56": 1})
    assert filled(order) == 25
    assert alice.shares(floor.listing(EMPTY).tokens[0]) == micro("975")


def test_a_cancelled_order_is_filled_no_more(real: RealMarket, floor: Floor, alice: Account) -> None:
    real.shows(bids={"0.49": 10}, asks={"0.52": 10})
    order = rest(floor, alice, "BUY", "0.50", "50")
    floor.exchange.trading.cancel(order)
    real.trades("SELL", "0.49", 30)
    real.shows(asks={"0.40": 100})
    assert filled(order) == 0
    assert real.book.waiting == []


def test_an_order_from_before_stands_behind_everything_unless_its_place_is_known(
    real: RealMarket, floor: Floor, alice: Account
) -> None:
    order = rest(floor, alice, "BUY", "0.50", "50")
    real.book.resume(order, None)
    real.trades("SELL", "0.50", 40)
    real.level("bid", "0.50", 70)
    assert filled(order) == 0
    real.shows(bids={"0.50": 30}, asks={"0.52": 10})
    real.trades("SELL", "0.50", 40)
    assert filled(order) == 10
    real.book.resume(order, 5_000_000)
    real.trades("SELL", "0.50", 6)
    assert filled(order) == 11


def test_real_trades_are_on_the_tape_and_move_no_money(real: RealMarket, floor: Floor) -> None:
    real.shows(bids={"0.50": 10}, asks={"0.52": 30})
    cash = floor.exchange.ledger.deposited
    real.trades("BUY", "0.52", 10)
    (trade,) = floor.exchange.registry.tape
    assert (trade.price, trade.shares, trade.status) == (5200, micro("10"), "CONFIRMED")
    assert floor.listing(EMPTY).volume == micro("5.2")
    assert (floor.exchange.ledger.deposited, floor.discrepancies()) == (cash, [])


def test_resolution_takes_the_mirrored_book_away(real: RealMarket, floor: Floor, alice: Account) -> None:
    real.shows(bids={"0.50": 10}, asks={"0.52": 30})
    assert bought(floor, alice, "0.52", "30") == 30
    floor.exchange.resolve(floor.listing(EMPTY).condition_id, None)
    assert shown(floor) == ({}, {})
    floor.exchange.ledger.redeem(alice, floor.listing(EMPTY).condition_id, at=0)
    assert floor.discrepancies() == []


def test_the_real_tick_is_followed_not_the_price(real: RealMarket, floor: Floor) -> None:
    listing = floor.listing(EMPTY)
    real.shows(bids={"0.97": 10}, asks={"0.98": 30})
    assert listing.tick == 100
    floor.exchange.trading.set_tick(listing, 10)
    assert listing.tick == 10


_PRICES = st.integers(40, 60)
_MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("level"), st.booleans(), _PRICES, st.integers(0, 100)),
        st.tuples(st.just("trade"), st.booleans(), _PRICES, st.integers(1, 100)),
        st.tuples(st.just("rest"), st.booleans(), _PRICES, st.integers(5, 100)),
        st.tuples(st.just("take"), st.booleans(), _PRICES, st.integers(5, 100)),
    ),
    max_size=60,
)


@given(moves=_MOVES)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_fills_stay_within_what_the_real_market_had(
    floor: Floor, catalogue: Catalogue, clock: ManualClock, moves: list[tuple[str, bool, int, int]]
) -> None:
    """Money is conserved, own orders never rest through offers, and one trade fills no more than its size."""
    rules = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)
    floor = type(floor)(Exchange(catalogue, rules, clock))
    exchange = floor.exchange
    real = RealMarket(Mirror(exchange).follow(floor.listing(EMPTY).recorded))
    trader = floor.account("trader", dollars="5000", shares="5000")
    for kind, is_bid, cents, size in moves:
        price = f"0.{cents}"
        side: Side = "BUY" if is_bid else "SELL"
        if kind == "level":
            real.level("bid" if is_bid else "ask", price, size)
        elif kind == "trade":
            before = sum(trade.shares for trade in exchange.registry.trades_of(trader))
            real.trades(side, price, size)
            assert sum(trade.shares for trade in exchange.registry.trades_of(trader)) - before <= size * 1_000_000
        else:
            with suppress(Rejection):
                floor.enter(trader, side, price, str(size), order_type="GTC" if kind == "rest" else "FAK")
        for order in real.book.waiting:
            best = floor.listing(EMPTY).book.opposite_of(order).best
            assert best is None or (best > order.book_price if order.is_bid else best < order.book_price)
        assert floor.discrepancies() == []
