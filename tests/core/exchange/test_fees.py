"""Takers are charged by the market's schedule, to the micro-dollar as fills recorded on chain show."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.exchange.book import Order, OrderBook
from polydesk.core.exchange.engine import MatchingEngine
from polydesk.core.exchange.fees import TakerFee
from polydesk.core.exchange.ledger import Account
from polydesk.core.exchange.units import price_units
from polydesk.core.money import MICRO, FeeSchedule, to_micro

PLENTY = 10**9 * MICRO


def rich(name: str) -> Account:
    account = Account(name, cash=PLENTY)
    account.position("1").acquire(PLENTY, cost=0, fee=0, at=0)
    return account


def order(account: Account, *, buys: bool, price: int, size: int) -> Order:
    return Order(
        id=f"0x{account.address}",
        account=account,
        condition_id="0x1",
        token_id="1",
        outcome=0,
        side="BUY" if buys else "SELL",
        price=price,
        size=size,
        order_type="GTC",
        created_at_ms=0,
    )


def test_every_fill_recorded_on_chain_costs_here_what_it_cost_there(shared_data: Path) -> None:
    fills = json.loads((shared_data / "wire/clob/taker_fee_vectors_onchain_2026-09.json").read_text(encoding="utf-8"))
    assert len(fills) > 10
    for fill in fills:
        buys = fill["side"] == "BUY"
        given_amount, taken = int(fill["maker_amount_filled"]), int(fill["taker_amount_filled"])
        shares, dollars = (taken, given_amount) if buys else (given_amount, taken)
        engine = MatchingEngine(OrderBook(), TakerFee(FeeSchedule(rate=Decimal(fill["fee_rate"]))))
        price = price_units(Decimal(fill["price"]))
        engine.enter(order(rich("maker"), buys=not buys, price=price, size=1000 * MICRO))
        taker = rich("taker")
        plan = engine.enter(order(taker, buys=buys, price=price, size=shares))
        assert (plan.shares, plan.cash, plan.fee) == (shares, dollars, int(fill["fee"])), fill
        assert taker.matched_cash == (dollars + int(fill["fee"]) if buys else 0)


@given(
    shares=st.integers(0, 10**13),
    price=st.integers(1, 9999),
    rate=st.sampled_from(["0", "0.03", "0.04", "0.05", "0.07", "0.0125"]),
    exponent=st.integers(1, 2),
)
def test_the_fee_in_integers_is_the_schedules_fee(shares: int, price: int, rate: str, exponent: int) -> None:
    schedule = FeeSchedule(rate=Decimal(rate), exponent=exponent)
    with localcontext() as context:
        context.prec = 60
        exact = schedule.taker_fee(Decimal(shares) / MICRO, Decimal(price) / 10_000)
    assert TakerFee(schedule)(shares, price) == to_micro(exact)
