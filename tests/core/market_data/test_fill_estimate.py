"""Walking a book gives exactly what each level would."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from polydesk.core.market_data.fill_estimate import estimate_fill
from polydesk.core.models import OrderSide
from polydesk.core.money import NO_FEES, FeeSchedule

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook

D = Decimal
FEES = FeeSchedule(rate=D("0.05"))


def test_shares_take_level_after_level_and_each_pays_its_fee(make_book: MakeBook) -> None:
    fill = estimate_fill(make_book(), OrderSide.BUY, FEES, shares=D(150))
    assert (fill.shares, fill.dollars, fill.worst_price, fill.complete) == (D(150), D("75.5"), D("0.51"), True)
    assert fill.fee == FEES.taker_fee(D(100), D("0.5")) + FEES.taker_fee(D(50), D("0.51"))
    assert fill.average_price == D("75.5") / 150


def test_dollars_buy_what_they_can_to_the_micro_share(make_book: MakeBook) -> None:
    fill = estimate_fill(make_book(), OrderSide.BUY, NO_FEES, dollars=D(60))
    assert fill.complete
    assert fill.shares == D(100) + D("19.607843")
    assert D(0) <= D(60) - fill.dollars < D("0.000001")


def test_a_limit_stops_the_walk(make_book: MakeBook) -> None:
    bought = estimate_fill(make_book(), OrderSide.BUY, NO_FEES, shares=D(1000), limit=D("0.51"))
    assert (bought.shares, bought.complete) == (D(300), False)
    sold = estimate_fill(make_book(), OrderSide.SELL, NO_FEES, shares=D(1000), limit=D("0.48"))
    assert (sold.shares, sold.worst_price) == (D(100), D("0.48"))


def test_an_empty_side_fills_nothing(make_book: MakeBook) -> None:
    fill = estimate_fill(make_book(asks=()), OrderSide.BUY, NO_FEES, dollars=D(10))
    assert (fill.shares, fill.average_price, fill.worst_price) == (D(0), None, None)
    assert not fill.complete


def test_exactly_one_amount_is_needed(make_book: MakeBook) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        estimate_fill(make_book(), OrderSide.BUY, NO_FEES)
