"""Rounding of amounts, row by row as both official SDKs do it, and fees as they were charged on chain."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.models import OrderSide
from polydesk.core.money import TICK_RULES, FeeSchedule, from_micro, to_micro
from polydesk.core.polymarket.amounts import limit_amounts, market_buy_amounts, market_sell_amounts


@pytest.mark.parametrize(
    ("side", "tick", "price", "size", "maker", "taker"),
    [
        ("BUY", "0.01", "0.45", "10", 4500000, 10000000),
        ("BUY", "0.01", "0.57", "12.345", 7033800, 12340000),
        ("SELL", "0.01", "0.57", "12.345", 12340000, 7033800),
        ("BUY", "0.001", "0.123", "7.77", 955710, 7770000),
        ("BUY", "0.0025", "0.4025", "33.33", 13415325, 33330000),
        ("SELL", "0.005", "0.505", "19.99", 19990000, 10094950),
        ("BUY", "0.0001", "0.9999", "5.01", 5009499, 5010000),
    ],
)
def test_limit_orders_cut_shares_and_keep_the_exact_product(
    side: str, tick: str, price: str, size: str, maker: int, taker: int
) -> None:
    amounts = limit_amounts(price=Decimal(price), size_shares=Decimal(size), tick=Decimal(tick))
    assert amounts.maker_taker(OrderSide(side)) == (maker, taker)


@pytest.mark.parametrize(
    ("tick", "price", "spend", "maker", "taker"),
    [
        ("0.01", "0.51", "20", 20000000, 39215600),
        ("0.01", "0.33", "1", 1000000, 3030300),
        ("0.001", "0.985", "9.98", 9980000, 10131970),
    ],
)
def test_market_buys_cut_the_shares_to_the_tick(tick: str, price: str, spend: str, maker: int, taker: int) -> None:
    amounts = market_buy_amounts(worst_price=Decimal(price), spend_dollars=Decimal(spend), tick=Decimal(tick))
    assert amounts.maker_taker(OrderSide.BUY) == (maker, taker)


@pytest.mark.parametrize(
    ("tick", "price", "size", "maker", "taker"),
    [("0.01", "0.49", "10.555", 10550000, 5169500), ("0.0001", "0.0123", "7.77", 7770000, 95571)],
)
def test_market_sales_cut_the_dollars_to_the_tick(tick: str, price: str, size: str, maker: int, taker: int) -> None:
    amounts = market_sell_amounts(worst_price=Decimal(price), size_shares=Decimal(size), tick=Decimal(tick))
    assert amounts.maker_taker(OrderSide.SELL) == (maker, taker)


@pytest.mark.parametrize("price", ["0", "1", "0.455", "1.01"])
def test_prices_off_the_grid_are_refused(price: str) -> None:
    tick, number = Decimal("0.01"), Decimal(price)
    with pytest.raises(ValueError, match="ticks"):
        limit_amounts(price=number, size_shares=Decimal(10), tick=tick)
    with pytest.raises(ValueError, match="ticks"):
        market_buy_amounts(worst_price=number, spend_dollars=Decimal(10), tick=tick)
    with pytest.raises(ValueError, match="ticks"):
        market_sell_amounts(worst_price=number, size_shares=Decimal(10), tick=tick)


@given(
    tick=st.sampled_from(sorted(TICK_RULES)),
    steps=st.integers(1, 9999),
    size=st.decimals("0.01", "100000", places=6),
)
def test_no_rounding_ever_gives_more_than_was_asked(tick: Decimal, steps: int, size: Decimal) -> None:
    price = min(tick * steps, 1 - tick)
    limit = limit_amounts(price=price, size_shares=size, tick=tick)
    assert limit.shares <= size
    assert limit.dollars == limit.shares * price
    bought = market_buy_amounts(worst_price=price, spend_dollars=size, tick=tick)
    assert bought.dollars <= size
    assert bought.shares * price <= bought.dollars
    sold = market_sell_amounts(worst_price=price, size_shares=size, tick=tick)
    assert sold.shares <= size
    assert sold.dollars <= sold.shares * price
    for amounts in (limit, bought, sold):
        assert all(unit >= 0 for unit in amounts.maker_taker(OrderSide.SELL))


def test_fees_equal_those_charged_on_chain(shared_data: Path) -> None:
    rows = json.loads((shared_data / "wire/clob/taker_fee_vectors_onchain_2026-09.json").read_text())
    assert rows
    for row in rows:
        shares = from_micro(int(row["taker_amount_filled" if row["side"] == "BUY" else "maker_amount_filled"]))
        fee = FeeSchedule(rate=Decimal(row["fee_rate"])).taker_fee(shares, Decimal(row["price"]))
        assert to_micro(fee) == int(row["fee"]), row
