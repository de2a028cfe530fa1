"""Fair value, edge and Kelly size by hand-computed examples and by their laws."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.forecasting.fair_value import CALLERS_MARGIN, buying_edge, fair_value, kelly_fraction
from polydesk.core.money import FeeSchedule

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook

D = Decimal
prices = st.decimals("0.01", "0.99", places=2)


def test_the_micro_price_leans_away_from_the_heavier_ask(make_book: MakeBook) -> None:
    book = make_book(bids=(("0.48", "100"),), asks=(("0.50", "300"),))
    fair = fair_value(book, 0.0, believed=None)
    assert fair is not None
    assert (fair.value, fair.low, fair.high, fair.basis) == (D("0.485"), D("0.475"), D("0.495"), "micro_price")


def test_a_wider_history_widens_the_interval_and_none_is_assumed_wide(make_book: MakeBook) -> None:
    calm, wild, unknown = (fair_value(make_book(), each, believed=None) for each in (0.01, 0.2, None))
    assert calm is not None
    assert wild is not None
    assert unknown is not None
    assert calm.high - calm.low < unknown.high - unknown.low < wild.high - wild.low


def test_a_one_sided_book_has_no_fair_value_of_its_own(make_book: MakeBook) -> None:
    assert fair_value(make_book(asks=()), None, believed=None) is None
    believed = fair_value(make_book(asks=()), None, believed=D("0.7"))
    assert believed is not None
    assert believed.high == D("0.7") + CALLERS_MARGIN


def test_the_edge_is_value_less_price_less_fee(make_book: MakeBook) -> None:
    fair = fair_value(make_book(), None, believed=D("0.6"))
    assert fair is not None
    edge = buying_edge(fair, D("0.5"), FeeSchedule(rate=D("0.04")))
    assert (edge.fee, edge.cost, edge.expected, edge.sure) == (D("0.01"), D("0.51"), D("0.09"), D("0.06"))
    assert edge.worth_taking


@given(believed=prices)
def test_the_complement_mirrors(believed: Decimal) -> None:
    from polydesk.core.forecasting.fair_value import FairValue

    fair = FairValue(believed, believed - D("0.01"), believed + D("0.01"), "caller")
    other = fair.complement()
    assert other.value == 1 - fair.value
    assert other.low == 1 - fair.high
    assert other.complement() == fair


@given(probability=prices, cost=prices)
def test_kelly_bets_nothing_without_an_edge_and_never_more_than_all(probability: Decimal, cost: Decimal) -> None:
    fraction = kelly_fraction(probability, cost)
    assert 0 <= fraction < 1
    assert (fraction > 0) == (probability > cost)


def test_kelly_by_hand() -> None:
    assert kelly_fraction(D("0.6"), D("0.5")) == D("0.2")
    assert kelly_fraction(D("0.6"), D("1")) == 0
