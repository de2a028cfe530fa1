"""Plans are executable orders, and refusals name the nearest one."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polydesk.core.errors import InputRejected
from polydesk.core.models import OrderSide, TimeInForce
from polydesk.core.money import TICK_RULES, on_tick
from polydesk.core.portfolio.account_state import AccountState
from polydesk.core.trading.intent import OrderIntent
from polydesk.core.trading.order_plan import OrderPlan
from polydesk.core.trading.planner import plan_order

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook, MakeMarket

D = Decimal


@pytest.fixture
def plan(make_market: MakeMarket, make_book: MakeBook, now: datetime) -> Any:
    """Plan an order on the hand-made market; `book` and `holding` can be given."""

    def make(
        *,
        book: Any = None,
        cash: str = "100000",
        reserved: str = "0",
        holding: str = "0",
        settling: str = "0",
        market: Any = None,
        **intent: Any,
    ) -> OrderPlan:
        account = AccountState(
            cash=D(cash),
            reserved=D(reserved),
            owed=D(0),
            sellable=D(holding),
            settling=D(settling),
            open_orders=(),
            trades=(),
            undelivered=(),
            positions=(),
            read_at=now,
        )
        market = market or make_market()
        intent.setdefault("side", OrderSide.BUY)
        return plan_order(
            OrderIntent(market=market, outcome=market.outcomes[0], **intent),
            book or make_book(),
            account=account,
            now=now,
        )

    return make


def refusal(plan: Any, **arguments: Any) -> InputRejected:
    with pytest.raises(InputRejected) as caught:
        plan(**arguments)
    return caught.value


def test_the_three_argument_call_buys_shares_at_most_two_cents_beyond_the_best(plan: Any) -> None:
    planned = plan(size=D(50))
    assert planned.ticket.time_in_force is TimeInForce.FAK
    assert planned.ticket.price == D("0.52")
    assert planned.ticket.dollars == D("25")
    assert planned.estimate.shares == D(50)
    assert not planned.rests


def test_a_buy_that_needs_several_levels_costs_what_they_cost(plan: Any) -> None:
    planned = plan(size=D(150))
    assert planned.ticket.dollars == D("75.5")  # 100 at 0.50 and 50 at 0.51
    assert planned.estimate.fee == D("1.25") + D("0.62475")


def test_spend_usd_never_lets_more_leave_the_account_fee_included(plan: Any) -> None:
    planned = plan(spend_usd=D(20))
    assert planned.worst_cost <= 20
    assert planned.estimate.dollars + planned.estimate.fee <= 20
    assert planned.worst_cost > D("19.85")


def test_both_or_neither_amount_is_refused_with_both_readings(plan: Any) -> None:
    for amounts in ({}, {"size": D(20), "spend_usd": D(20)}):
        error = refusal(plan, **amounts)
        assert error.code == "ambiguous_amount"
        assert "20 shares" in error.message
        assert "$20" in error.message


def test_a_price_off_the_grid_names_its_two_neighbours(plan: Any) -> None:
    error = refusal(plan, size=D(10), price=D("0.455"), time_in_force=TimeInForce.GTC)
    assert error.code == "price_off_tick"
    assert "0.45 or 0.46" in error.fix


def test_a_price_needs_a_time_in_force(plan: Any) -> None:
    assert refusal(plan, size=D(10), price=D("0.45")).code == "time_in_force_missing"


def test_a_resting_order_below_the_minimum_is_refused_in_the_unit_it_was_given(plan: Any) -> None:
    by_shares = refusal(plan, size=D(4), price=D("0.45"), time_in_force=TimeInForce.GTC)
    assert by_shares.code == "below_minimum"
    assert "size of at least 5" in by_shares.fix
    by_dollars = refusal(plan, spend_usd=D(1), price=D("0.45"), time_in_force=TimeInForce.GTC)
    assert "spend_usd of at least 2.32" in by_dollars.fix


def test_a_buy_under_a_dollar_is_refused_and_its_fix_is_accepted(plan: Any) -> None:
    error = refusal(plan, size=D(1))
    assert error.code == "below_minimum"
    size = D(error.fix.rsplit(" ", 1)[1])
    assert plan(size=size).ticket.dollars >= 1


def test_shares_are_cut_to_two_decimals_and_that_is_said(plan: Any) -> None:
    planned = plan(size=D("10.555"), price=D("0.45"), time_in_force=TimeInForce.GTC)
    assert planned.ticket.shares == D("10.55")
    assert "10.555 became 10.55" in planned.adjustments[0]
    assert planned.rests


def test_a_crossing_limit_order_pays_no_more_than_its_worst_cost(plan: Any) -> None:
    planned = plan(size=D(400), price=D("0.51"), time_in_force=TimeInForce.GTC)
    assert planned.rests  # 100 of it will be left
    assert planned.estimate.shares == D(300)
    assert planned.worst_cost == D("204") + D("400") * D("0.05") * D("0.25")


def test_post_only_refuses_to_cross(plan: Any) -> None:
    crossing = {"size": D(10), "price": D("0.50"), "time_in_force": TimeInForce.GTC, "post_only": True}
    assert refusal(plan, **crossing).code == "post_only_would_cross"
    assert plan(**(crossing | {"price": D("0.49")})).worst_cost == D("4.9")


def test_a_gtd_order_is_signed_a_minute_longer_because_the_venue_takes_it_off_that_much_early(
    plan: Any, now: datetime
) -> None:
    order = {"size": D(10), "price": D("0.45"), "time_in_force": TimeInForce.GTD}
    assert refusal(plan, **order).code == "expiry_too_soon"
    assert refusal(plan, **order, expires_at=now + timedelta(seconds=119)).code == "expiry_too_soon"
    assert plan(**order, expires_at=now + timedelta(seconds=120)).ticket.expires_at == now + timedelta(seconds=180)


def test_what_the_account_cannot_pay_is_refused_in_dollars_with_what_it_can(plan: Any) -> None:
    error = refusal(plan, spend_usd=D(30), cash="50", reserved="25.5")
    assert error.code == "insufficient_funds"
    assert "of $50 cash $24.5 is free and $25.5 is held by other orders" in error.message
    assert "at most 24.5" in error.fix
    assert plan(spend_usd=D("24.5"), cash="50", reserved="25.5").worst_cost <= D("24.5")


def test_following_the_fix_of_a_small_order_is_enough(plan: Any) -> None:
    for price in ("0.05", "0.45", "0.49"):
        order = {"price": D(price), "time_in_force": TimeInForce.GTC}
        error = refusal(plan, spend_usd=D("0.1"), **order)
        assert plan(spend_usd=D(error.fix.rsplit(" ", 1)[1]), **order).ticket.shares >= 5


def test_a_plan_on_a_later_book_keeps_its_ticket(plan: Any, make_book: MakeBook) -> None:
    planned = plan(spend_usd=D(20))
    later = planned.on(make_book(asks=(("0.52", "10"),)))
    assert later.ticket == planned.ticket
    assert later.worst_cost == planned.worst_cost
    assert later.estimate.shares == D(10)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"size": D(10), "time_in_force": TimeInForce.GTC}, "price_missing"),
        ({"size": D(10), "post_only": True}, "invalid_combination"),
        (
            {"size": D(10), "price": D("0.5"), "time_in_force": TimeInForce.FAK, "post_only": True},
            "invalid_combination",
        ),
        (
            {"size": D(10), "price": D("0.5"), "time_in_force": TimeInForce.GTC, "max_slippage": D("0.1")},
            "invalid_combination",
        ),
        ({"size": D(-1)}, "invalid_amount"),
        ({"size": "all"}, "invalid_amount"),
        ({"spend_usd": D(5), "side": OrderSide.SELL}, "invalid_amount"),
        ({"size": D(10), "price": D("0.40"), "time_in_force": TimeInForce.FAK}, "not_marketable"),
        ({"size": D(10), "side": OrderSide.SELL}, "not_enough_shares"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    plan: Any, arguments: dict[str, Any], code: str
) -> None:
    assert refusal(plan, **arguments).code == code


def test_gtc_takes_no_expiry(plan: Any, now: datetime) -> None:
    error = refusal(
        plan, size=D(10), price=D("0.45"), time_in_force=TimeInForce.GTC, expires_at=now + timedelta(hours=1)
    )
    assert error.code == "invalid_combination"


def test_selling_all_sells_the_settled_shares(plan: Any) -> None:
    planned = plan(side=OrderSide.SELL, size="all", holding="25.4332")
    assert planned.ticket.shares == D("25.43")
    assert planned.ticket.price == D("0.46")
    assert planned.worst_cost == 0
    assert planned.estimate.dollars == D("25.43") * D("0.48")


def test_selling_what_still_settles_says_to_wait(plan: Any) -> None:
    error = refusal(plan, side=OrderSide.SELL, size=D(10), settling="10")
    assert "still settling" in error.message
    assert error.fix == "try again in a few seconds"


def test_a_thin_book_is_planned_for_what_it_holds_and_says_so(plan: Any, make_book: MakeBook) -> None:
    bought = plan(size=D(100), book=make_book(asks=(("0.50", "10"),)))
    assert bought.estimate.shares == D(10)
    assert "only 10 shares" in bought.adjustments[0]
    sold = plan(side=OrderSide.SELL, size=D(100), holding="100", book=make_book(bids=(("0.48", "10"),)))
    assert "only 10 shares" in sold.adjustments[0]


def test_an_empty_side_cannot_be_taken(plan: Any, make_book: MakeBook) -> None:
    assert refusal(plan, size=D(10), book=make_book(asks=())).code == "no_liquidity"
    assert refusal(plan, side=OrderSide.SELL, size=D(10), holding="10", book=make_book(bids=())).code == "no_liquidity"


def test_a_closed_market_is_refused(plan: Any, make_market: MakeMarket) -> None:
    assert refusal(plan, size=D(10), market=make_market(closed=True)).code == "market_closed"
    assert refusal(plan, size=D(10), market=make_market(accepting_orders=False)).code == "market_closed"


def test_no_fee_is_reserved_on_a_fee_free_market(plan: Any, make_market: MakeMarket) -> None:
    from polydesk.core.money import NO_FEES

    planned = plan(spend_usd=D(20), market=make_market(fees=NO_FEES))
    assert planned.worst_cost == 20


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tick=st.sampled_from(sorted(TICK_RULES)),
    ticks=st.integers(1, 9999),
    amount=st.decimals("0.01", "5000", places=4),
    by=st.sampled_from(["size", "spend_usd"]),
    resting=st.booleans(),
)
def test_every_plan_obeys_the_rules_of_every_tick(
    plan: Any, make_book: MakeBook, tick: Decimal, ticks: int, amount: Decimal, by: str, resting: bool
) -> None:
    rule = TICK_RULES[tick]
    price = tick * (1 + ticks % int(1 / tick - 1))
    book = make_book(bids=(), asks=((str(price), "100000"),), tick=str(tick))
    arguments: dict[str, Any] = {by: amount, "book": book}
    if resting:
        arguments |= {"price": price, "time_in_force": TimeInForce.GTC}
    try:
        planned = plan(**arguments)
    except InputRejected as refused:
        assert refused.code in ("below_minimum", "not_marketable")
        return
    ticket = planned.ticket
    assert on_tick(ticket.price, tick)
    if resting:
        assert ticket.shares == round(ticket.shares, rule.size_decimals)
        assert ticket.dollars == ticket.shares * ticket.price
        assert ticket.dollars == round(ticket.dollars, rule.amount_decimals)
    else:
        assert ticket.dollars == round(ticket.dollars, 2)
        assert ticket.shares == round(ticket.shares, rule.amount_decimals)
        assert ticket.shares * ticket.price <= ticket.dollars
    if by == "spend_usd":
        assert planned.worst_cost <= amount
