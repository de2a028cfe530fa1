"""Orders meet by price, then time; complementary orders mint and merge; every fraction of a cent is accounted for."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from polydesk.core.exchange.events import BookChanged, ExchangeEvent, OrderChanged
from polydesk.core.exchange.rejections import FAK_KILLED, FOK_KILLED, POST_ONLY_CROSSES, Rejection
from polydesk.core.money import to_micro

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Floor

FEE = 12


def micro(amount: str) -> int:
    return to_micro(Decimal(amount))


def test_an_order_that_meets_nobody_rests_and_holds_its_cost_back(floor: Floor) -> None:
    ann = floor.account("ann", dollars="10")
    entry = floor.enter(ann, "BUY", "0.45", "10")
    assert not entry.trades
    assert ann.open_cash == micro("4.5")
    assert floor.listing(11).book.best_for(0) == (4500, None)
    assert floor.listing(11).book.best_for(1) == (None, 5500)


def test_the_better_price_trades_first_and_then_the_older_order(floor: Floor) -> None:
    sellers = [floor.account(name, shares="10") for name in ("early", "late", "cheap")]
    early = floor.enter(sellers[0], "SELL", "0.5", "10").order
    late = floor.enter(sellers[1], "SELL", "0.5", "10").order
    cheap = floor.enter(sellers[2], "SELL", "0.49", "10").order
    entry = floor.enter(floor.account("buyer", dollars="100"), "BUY", "0.5", "15")
    assert [fill.order for trade in entry.trades for fill in trade.makers] == [cheap, early]
    assert (early.open_size, late.open_size) == (micro("5"), micro("10"))


def test_the_taker_gets_the_makers_better_price(floor: Floor) -> None:
    floor.enter(floor.account("seller", shares="10"), "SELL", "0.3", "10")
    buyer = floor.account("buyer", dollars="100")
    entry = floor.enter(buyer, "BUY", "0.9", "10")
    assert entry.cash == micro("3")
    assert buyer.cash == micro("97")


def test_two_buyers_of_opposite_outcomes_mint_sets(floor: Floor) -> None:
    yes, no = floor.account("yes", dollars="100"), floor.account("no", dollars="100")
    listing = floor.listing(11)
    locked = floor.exchange.ledger.locked[listing.condition_id]
    resting = floor.enter(yes, "BUY", "0.6", "10").order
    entry = floor.enter(no, "BUY", "0.4", "10", outcome=1)
    assert entry.cash == micro("4")
    maker = entry.trades[0].makers[0]
    assert (maker.order, maker.price, maker.cash) == (resting, 6000, micro("6"))
    assert floor.exchange.ledger.locked[listing.condition_id] - locked == micro("10")
    assert (yes.shares(listing.tokens[0]), no.shares(listing.tokens[1])) == (micro("10"), micro("10"))
    assert not floor.discrepancies()


def test_two_sellers_of_opposite_outcomes_merge_sets(floor: Floor) -> None:
    ann, ben = floor.account("ann", shares="10"), floor.account("ben", shares="10")
    locked = floor.exchange.ledger.locked[floor.listing(11).condition_id]
    floor.enter(ann, "SELL", "0.7", "10")
    entry = floor.enter(ben, "SELL", "0.25", "10", outcome=1)
    assert entry.cash == micro("3")
    assert (ann.cash, ben.cash) == (micro("7"), micro("3"))
    assert locked - floor.exchange.ledger.locked[floor.listing(11).condition_id] == micro("10")
    assert not floor.discrepancies()


def test_a_fee_is_charged_to_the_taker_only_rounded_down_to_five_decimals(floor: Floor) -> None:
    seller = floor.account("seller", shares="100", market=FEE)
    buyer = floor.account("buyer", dollars="100")
    floor.enter(seller, "SELL", "0.37", "33.33", market=FEE)
    entry = floor.enter(buyer, "BUY", "0.37", "33.33", market=FEE)
    fee = micro("0.54384")  # 33.33 x 0.07 x 0.37 x 0.63 = 0.543848...
    assert entry.trades[0].fee == fee == floor.exchange.ledger.fees
    assert buyer.cash == micro("100") - micro("12.3321") - fee
    assert seller.cash == micro("12.3321")


def test_a_sellers_fee_comes_out_of_the_proceeds(floor: Floor) -> None:
    floor.enter(floor.account("buyer", dollars="100"), "BUY", "0.5", "100", market=FEE)
    seller = floor.account("seller", shares="100", market=FEE)
    floor.enter(seller, "SELL", "0.5", "100", market=FEE)
    assert seller.cash == micro("50") - micro("1.75")
    assert not floor.discrepancies()


def test_a_market_buy_spends_its_dollars_and_takes_the_improvement_in_shares(floor: Floor) -> None:
    """As recorded on chain: one dollar at 0.48 is 2.083334 shares."""
    floor.enter(floor.account("seller", shares="10"), "SELL", "0.48", "10")
    buyer = floor.account("buyer", dollars="1")
    entry = floor.enter(buyer, "BUY", "0.5", "2", order_type="FOK", budget="1")
    assert (entry.shares, entry.cash, buyer.cash) == (2_083_334, 1_000_000, 0)
    assert not floor.discrepancies()


def test_rounding_adds_up_to_the_exact_value_over_the_life_of_a_resting_order(floor: Floor) -> None:
    seller = floor.account("seller", shares="10")
    floor.enter(seller, "SELL", "0.48", "10")
    for name in ("one", "two", "three"):
        floor.enter(floor.account(name, dollars="1"), "BUY", "0.48", "2", order_type="FAK", budget="1")
    floor.enter(floor.account("rest", dollars="9"), "BUY", "0.48", "10")
    assert seller.cash == micro("4.8")
    assert not floor.discrepancies()


def test_a_resting_buyer_never_pays_more_than_its_order_was_worth(floor: Floor) -> None:
    buyer = floor.account("buyer", dollars="5.2")
    floor.enter(buyer, "BUY", "0.52", "10", outcome=1)
    for name in ("one", "two"):
        floor.enter(floor.account(name, dollars="1"), "BUY", "0.48", "2", order_type="FAK", budget="1")
        assert buyer.cash - buyer.open_cash == 0
    floor.enter(floor.account("rest", dollars="9"), "BUY", "0.48", "10")
    assert (buyer.cash, buyer.open_cash) == (0, 0)
    assert not floor.discrepancies()


def test_a_market_buy_walks_several_levels_and_each_level_is_a_trade(floor: Floor) -> None:
    seller = floor.account("seller", shares="100")
    floor.enter(seller, "SELL", "0.2", "10")
    floor.enter(seller, "SELL", "0.3", "10")
    buyer = floor.account("buyer", dollars="10")
    entry = floor.enter(buyer, "BUY", "0.5", "8", order_type="FAK", budget="4")
    assert [(trade.price, trade.shares, trade.bucket_index) for trade in entry.trades] == [
        (2000, micro("10"), 0),
        (3000, 6_666_667, 1),
    ]
    assert buyer.cash == micro("6")


def test_fill_or_kill_leaves_no_trace_when_it_cannot_fill(floor: Floor) -> None:
    seller = floor.account("seller", shares="10")
    floor.enter(seller, "SELL", "0.5", "10")
    buyer = floor.account("buyer", dollars="100")
    seen: list[ExchangeEvent] = []
    stop = floor.exchange.events.subscribe(seen.append)
    with pytest.raises(Rejection, match=FOK_KILLED):
        floor.enter(buyer, "BUY", "0.5", "10.5", order_type="FOK")
    stop()
    assert (buyer.cash, buyer.open_cash) == (micro("100"), 0)
    assert floor.listing(11).book.asks.size_at(5000) == micro("10")
    (killed,) = seen
    assert isinstance(killed, OrderChanged)
    assert (killed.kind, killed.order.status) == ("CANCELLATION", f"CANCELED_{FOK_KILLED}")


def test_fill_and_kill_takes_what_there_is_and_never_rests(floor: Floor) -> None:
    floor.enter(floor.account("seller", shares="10"), "SELL", "0.5", "10")
    buyer = floor.account("buyer", dollars="100")
    entry = floor.enter(buyer, "BUY", "0.5", "15", order_type="FAK")
    assert entry.shares == micro("10")
    assert (entry.order.status, entry.order.open_size) == ("MATCHED", 0)
    with pytest.raises(Rejection, match=FAK_KILLED):
        floor.enter(buyer, "BUY", "0.5", "15", order_type="FAK")


def test_a_post_only_order_that_would_trade_is_refused(floor: Floor) -> None:
    floor.enter(floor.account("seller", shares="10"), "SELL", "0.5", "10")
    buyer = floor.account("buyer", dollars="100")
    with pytest.raises(Rejection, match=POST_ONLY_CROSSES):
        floor.enter(buyer, "BUY", "0.5", "10", post_only=True)
    assert not floor.enter(buyer, "BUY", "0.49", "10", post_only=True).trades


def test_an_account_does_not_trade_with_itself(floor: Floor) -> None:
    ann = floor.account("ann", dollars="100", shares="10")
    own = floor.enter(ann, "SELL", "0.5", "10").order
    other = floor.enter(floor.account("ben", shares="10"), "SELL", "0.5", "10").order
    entry = floor.enter(ann, "BUY", "0.5", "10")
    assert [fill.order for fill in entry.trades[0].makers] == [other]
    assert (own.status, ann.open_shares[own.token_id]) == ("CANCELED", 0)
    assert floor.listing(11).book.best_for(0) == (None, None)


def test_a_marketable_buy_is_worth_a_dollar_at_least(floor: Floor) -> None:
    floor.enter(floor.account("seller", shares="50"), "SELL", "0.1", "50")
    buyer = floor.account("buyer", dollars="100")
    with pytest.raises(Rejection) as refused:
        floor.enter(buyer, "BUY", "0.1", "9.9")
    assert refused.value.text == "invalid amount for a marketable BUY order ($0.99), min size: $1"
    floor.enter(buyer, "BUY", "0.09", "9.9")


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        ("4.49", "the balance is not enough -> balance: 4490000, order amount: 4500000"),
        ("0", "the balance is not enough -> balance: 0, order amount: 4500000"),
    ],
)
def test_a_buy_beyond_the_balance_is_refused_in_base_units(floor: Floor, dollars: str, text: str) -> None:
    with pytest.raises(Rejection) as refused:
        floor.enter(floor.account("ann", dollars=dollars), "BUY", "0.45", "10")
    assert refused.value.text == f"not enough balance / allowance: {text}"


def test_open_orders_and_the_fee_count_against_the_balance(floor: Floor) -> None:
    floor.enter(floor.account("seller", shares="100", market=FEE), "SELL", "0.5", "100", market=FEE)
    buyer = floor.account("buyer", dollars="55")
    floor.enter(buyer, "BUY", "0.4", "10")
    with pytest.raises(Rejection) as refused:
        floor.enter(buyer, "BUY", "0.5", "100", market=FEE)
    assert refused.value.text == (
        "not enough balance / allowance: the balance is not enough -> balance: 55000000, sum of active orders: "
        "4000000, sum of matched orders: 0, order amount (inc. fees): 51750000"
    )


def test_shares_can_be_offered_once_only(floor: Floor) -> None:
    seller = floor.account("seller", shares="10")
    floor.enter(seller, "SELL", "0.5", "6")
    with pytest.raises(Rejection, match=r"balance: 10000000, sum of active orders: 6000000"):
        floor.enter(seller, "SELL", "0.6", "6")
    floor.enter(seller, "SELL", "0.6", "6", outcome=1)


def test_cancelling_frees_what_was_held_back(floor: Floor) -> None:
    ann = floor.account("ann", dollars="10", shares="10")
    buy = floor.enter(ann, "BUY", "0.45", "10").order
    sell = floor.enter(ann, "SELL", "0.55", "10").order
    changes: list[ExchangeEvent] = []
    floor.exchange.events.subscribe(changes.append)
    floor.exchange.trading.cancel_many([buy, sell])
    assert (ann.open_cash, ann.open_shares[sell.token_id]) == (0, 0)
    assert (buy.status, sell.status) == ("CANCELED", "CANCELED")
    assert not floor.exchange.registry.open_orders(ann)
    (book_change,) = [event for event in changes if isinstance(event, BookChanged)]
    assert (book_change.levels, book_change.best_changed) == (((True, 4500), (False, 5500)), True)


def test_the_rest_of_a_partly_filled_order_stays_with_its_own_cost(floor: Floor) -> None:
    floor.enter(floor.account("seller", shares="4"), "SELL", "0.4", "4")
    buyer = floor.account("buyer", dollars="10")
    order = floor.enter(buyer, "BUY", "0.5", "10").order
    assert (order.status, order.filled, order.open_size) == ("LIVE", micro("4"), micro("6"))
    assert (buyer.cash, buyer.open_cash) == (micro("8.4"), micro("3"))
