"""Edge and size by hand-computed examples and by their laws, over all of the book that the size needs."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.forecasting.edge import (
    LARGEST_SHARE_OF_BANKROLL,
    book_of_complement,
    buying_edge,
    kelly_fraction,
    stake,
    worst_price,
)
from polydesk.core.forecasting.fair_value import FairValue
from polydesk.core.forecasting.suggestion import suggest, two_sides
from polydesk.core.identifiers import TokenId
from polydesk.core.money import NO_FEES, FeeSchedule

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook, MakeMarket

D = Decimal
prices = st.decimals("0.01", "0.99", places=2)


def sure_of(value: str, margin: str = "0.03") -> FairValue:
    return FairValue(D(value), D(value) - D(margin), D(value) + D(margin), "caller")


def test_the_edge_is_value_less_price_less_fee(make_book: MakeBook) -> None:
    edge = buying_edge(sure_of("0.6"), make_book(), FeeSchedule(rate=D("0.04")), dollars=D(50))
    assert edge is not None
    assert (edge.shares, edge.price, edge.slippage, edge.fee, edge.cost) == (
        D(100),
        D("0.5"),
        D(0),
        D("0.01"),
        D("0.51"),
    )
    assert (edge.expected, edge.sure) == (D("0.09"), D("0.06"))
    assert edge.worth_taking


def test_a_larger_size_walks_the_book_and_loses_the_edge(make_book: MakeBook) -> None:
    fair = sure_of("0.56")
    small, large = (buying_edge(fair, make_book(), NO_FEES, dollars=D(dollars)) for dollars in (50, 752))
    assert small is not None
    assert large is not None
    assert small.worth_taking
    # 100 at 0.50, 200 at 0.51 and 1000 at 0.60
    assert (large.shares, large.complete) == (D(1300), True)
    assert large.price == pytest.approx(D(752) / 1300, abs=D("0.000001"))
    assert large.slippage == large.price - D("0.50")
    assert not large.worth_taking


def test_nothing_offered_has_no_edge(make_book: MakeBook) -> None:
    assert buying_edge(sure_of("0.6"), make_book(asks=()), NO_FEES, dollars=D(50)) is None
    assert stake(sure_of("0.6"), make_book(asks=()), NO_FEES, bankroll=D(1000)) == 0


def test_a_stake_stops_where_the_next_share_costs_more_than_the_low_end(make_book: MakeBook) -> None:
    # Offers up to 0.51 are below 0.53; the twentieth of a large bankroll would reach further.
    assert stake(sure_of("0.56"), make_book(), NO_FEES, bankroll=D(100_000)) == D("152.00")
    assert stake(sure_of("0.52"), make_book(), NO_FEES, bankroll=D(100_000)) == 0


def test_a_stake_is_a_quarter_of_kelly_and_a_twentieth_at_most(make_book: MakeBook) -> None:
    book = make_book(asks=(("0.50", "100000"),))
    # Kelly: (0.56 - 0.50) / (1 - 0.50); its probability is known to 0.03 / 1.645, so that 0.9154 of it is left.
    assert stake(sure_of("0.56"), book, NO_FEES, bankroll=D(1000)) == pytest.approx(
        D(1000) * D("0.12") / 4 * D("0.9154"), abs=D("0.02")
    )
    assert stake(sure_of("0.90"), book, NO_FEES, bankroll=D(1000)) == 1000 * LARGEST_SHARE_OF_BANKROLL
    assert stake(sure_of("0.90"), book, NO_FEES, bankroll=D(0)) == 0


def test_the_worst_price_is_the_last_at_which_the_low_end_pays_for_price_and_fee() -> None:
    fair, tick = sure_of("0.56"), D("0.01")
    assert worst_price(fair, NO_FEES, tick) == D("0.52")  # at 0.53, the low end, nothing would be left
    fees = FeeSchedule(rate=D("0.05"), exponent=1)
    found = worst_price(fair, fees, tick)
    assert found + fees.taker_fee(D(1), found) < fair.low <= found + tick + fees.taker_fee(D(1), found + tick)
    assert worst_price(sure_of("0.03"), NO_FEES, tick) == 0


def test_buying_the_other_outcome_is_selling_this_one(make_book: MakeBook) -> None:
    other = book_of_complement(make_book(), TokenId("2"))
    assert [(level.price, level.size) for level in other.asks] == [(D("0.52"), D(100)), (D("0.53"), D(200))]
    assert other.best_bid is not None
    assert other.best_bid.price == D("0.50")


def test_the_suggested_side_is_the_one_with_the_edge(make_market: MakeMarket, make_book: MakeBook) -> None:
    market = make_market()

    def suggested(value: str, **means: Decimal) -> tuple[str, str, Decimal]:
        sides = two_sides(market, market.outcomes[0], sure_of(value), make_book())
        found = suggest(sides, **({"bankroll": D(1000)} | means))
        return found.verdict, found.outcome.label, found.dollars

    assert suggested("0.70")[:2] == ("buy", "Yes")
    assert suggested("0.20")[:2] == ("buy", "No")
    assert suggested("0.49") == ("no_edge", "Yes", D(0))
    assert suggested("0.70", amount_usd=D(5)) == ("buy", "Yes", D(5))
    assert suggested("0.70", bankroll=D(0))[0] == "no_edge"


def test_an_amount_that_the_book_cannot_fill_cheaply_has_no_edge(make_market: MakeMarket, make_book: MakeBook) -> None:
    market = make_market(fees=NO_FEES)
    sides = two_sides(market, market.outcomes[0], sure_of("0.56"), make_book())
    found = suggest(sides, bankroll=D(1000), amount_usd=D(700))
    assert (found.verdict, found.shares) == ("no_edge", D(0))
    assert "depth takes the edge at 700 dollars" in found.reason


@given(believed=prices)
def test_the_complement_mirrors(believed: Decimal) -> None:
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
