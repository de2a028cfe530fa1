"""However much each slice gets, the slices add up and stay within what was asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polydesk.core.models import OrderSide, TimeInForce
from polydesk.core.money import round_down
from polydesk.core.trading.intent import OrderIntent
from polydesk.core.trading.slicing import SlicedOrder, order_from_text, order_to_text

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook, MakeMarket

D = Decimal
START = datetime(2026, 5, 17, 6, tzinfo=UTC)
same_fixtures = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def sliced(make_market: MakeMarket) -> Any:
    def make(size: Decimal, *, side: OrderSide = OrderSide.BUY, price: str = "0.52", **how: Any) -> SlicedOrder:
        market = make_market()
        intent = OrderIntent(market, market.outcomes[0], side, size=size, price=D(price), time_in_force=TimeInForce.FAK)
        return SlicedOrder(intent=intent, **({"slices": 4, "every_s": 10} | how))

    return make


@given(
    size=st.integers(800, 10**6).map(lambda cents: D(cents) / 100),
    slices=st.integers(2, 4),
    got=st.lists(st.integers(0, 100).map(lambda percent: D(percent) / 100), min_size=4, max_size=4),
    side=st.sampled_from(OrderSide),
)
@same_fixtures
def test_slices_never_add_up_to_more_than_the_order(
    sliced: Any, make_book: MakeBook, size: Decimal, slices: int, got: list[Decimal], side: OrderSide
) -> None:
    order = sliced(size, slices=slices, side=side, price="0.52" if side is OrderSide.BUY else "0.40")
    book, remaining = make_book(), size
    for number in range(slices):
        if order.too_small(remaining, book):
            break
        shares = order.slice_size(remaining, book, left=slices - number)
        assert D(0) < shares <= remaining
        assert shares == round_down(shares, 2)
        assert not order.too_small(shares, book)
        remaining -= round_down(shares * got[number], 2)
    if all(part == 1 for part in got):
        assert remaining == 0


@given(share=st.integers(1, 100).map(lambda percent: D(percent) / 100), size=st.integers(1, 10**5).map(D))
@same_fixtures
def test_by_depth_a_slice_is_at_most_its_share_of_what_rests_within_reach(
    sliced: Any, make_book: MakeBook, share: Decimal, size: Decimal
) -> None:
    book = make_book()
    assert sliced(size, depth_share=share).slice_size(size, book, left=1) <= share * 300
    assert sliced(size, depth_share=share, depth_within=D("0.001")).slice_size(size, book, left=1) <= share * 100
    assert sliced(size, depth_share=share, price="0.50").slice_size(size, book, left=1) <= share * 100


def test_an_order_comes_back_from_its_text_as_it_was(sliced: Any) -> None:
    order = sliced(D("40.5"), jitter=D("0.2"), depth_share=D("0.25"))
    again = order_from_text(order_to_text(order))
    assert again.fingerprint == order.fingerprint
    assert (again.size, again.limit, again.depth_share) == (D("40.5"), D("0.52"), D("0.25"))


def test_its_time_is_over_a_minute_after_its_last_slice_could_be_due(sliced: Any) -> None:
    assert sliced(D(40), jitter=D("0.5")).ends_at(START) == START + timedelta(seconds=4 * 10 * 1.5 + 60)
    assert sliced(D(40)).next_at("r1", START, []) == START
