"""Each screen finds what it is for, says why, and leaves the rest."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from polydesk.core.forecasting.screens import Best, closing_soon, momentum, new, set_hit, set_offer, wide_spread
from polydesk.core.identifiers import ConditionId, EventId, Slug
from polydesk.core.models import Event, Market, Resolution
from polydesk.core.money import NO_FEES, FeeSchedule

if TYPE_CHECKING:
    from tests.core.conftest import MakeMarket

D = Decimal


def event_of(markets: list[Market]) -> Event:
    return Event(
        id=EventId("9"),
        slug=Slug("rates"),
        title="Rates",
        description="",
        neg_risk=True,
        active=True,
        closed=False,
        end_date=None,
        volume=D(1000),
        liquidity=D(10),
        tags=(),
        markets=tuple(markets),
    )


def outcomes(make_market: MakeMarket, count: int, fees: FeeSchedule = NO_FEES, **changes: object) -> list[Market]:
    return [
        make_market(condition_id=ConditionId(f"0x{number:064x}"), fees=fees, neg_risk=True, **changes)
        for number in range(1, count + 1)
    ]


def quoted(markets: list[Market], bid: str | None, ask: str | None, size: str = "50") -> dict[ConditionId, Best]:
    best = Best(D(bid) if bid else None, D(ask) if ask else None, D(size), D(size))
    return {market.condition_id: best for market in markets}


def test_a_move_of_eight_cents_in_a_day_is_momentum(make_market: MakeMarket, now: datetime) -> None:
    quotes = {"best_bid": D("0.59"), "best_ask": D("0.61"), "volume_24h": D(2500)}
    hit = momentum(make_market(one_day_change=D("0.12"), **quotes), now)
    assert hit is not None
    assert hit.why == "+0.120 in a day, to 0.600; $2,500 traded"
    assert momentum(make_market(one_day_change=D("0.07"), **quotes), now) is None
    assert momentum(make_market(one_day_change=None, **quotes), now) is None
    near_the_edge = momentum(make_market(one_day_change=D("-0.12"), best_bid=D("0.01"), best_ask=D("0.03")), now)
    assert near_the_edge is not None
    assert near_the_edge.rank > hit.rank


def test_a_wide_spread_counts_where_it_is_traded(make_market: MakeMarket, now: datetime) -> None:
    hit = wide_spread(make_market(best_bid=D("0.40"), best_ask=D("0.46"), volume_24h=D(1000)), now)
    assert hit is not None
    assert hit.why == "spread 0.060 (0.40 / 0.46) at $1,000 traded in 24 h"
    assert wide_spread(make_market(best_bid=D("0.40"), best_ask=D("0.43"), volume_24h=D(1000)), now) is None
    assert wide_spread(make_market(best_bid=D("0.40"), best_ask=D("0.46"), volume_24h=D(0)), now) is None
    assert wide_spread(make_market(best_bid=None, best_ask=D("0.46"), volume_24h=D(1000)), now) is None


@pytest.mark.parametrize(
    ("hours", "price", "found"), [(5, "0.5", True), (25, "0.5", False), (-1, "0.5", False), (5, "0.99", False)]
)
def test_a_market_that_ends_within_a_day_and_is_open_closes_soon(
    make_market: MakeMarket, now: datetime, hours: int, price: str, found: bool
) -> None:
    market = make_market(end_date=now + timedelta(hours=hours), best_bid=D(price), best_ask=D(price))
    hit = closing_soon(market, now)
    assert (hit is not None) is found
    if hit is not None:
        assert hit.why.startswith("ends in 5.0 h at 0.500")


def test_a_market_of_the_last_two_days_is_new(make_market: MakeMarket, now: datetime) -> None:
    hit = new(make_market(start_date=now - timedelta(hours=7), outcomes=()), now)
    assert hit is not None
    assert hit.why.startswith("opened 7 h ago, unpriced")
    assert new(make_market(start_date=now - timedelta(hours=49)), now) is None
    assert new(make_market(start_date=now + timedelta(hours=1)), now) is None
    assert new(make_market(start_date=None), now) is None


def test_bids_that_sum_to_more_than_one_pay_for_every_no(make_market: MakeMarket) -> None:
    markets = outcomes(make_market, 4)
    offer = set_offer(event_of(markets), quoted(markets, "0.27", "0.30"))
    assert offer is not None
    # four times 0.73, of which three pay at least
    assert (offer.outcome, offer.total, offer.cost, offer.pays, offer.sets) == ("No", D("1.08"), D("2.92"), D(3), D(50))
    assert offer.profit == D("0.08")
    hit = set_hit(event_of(markets), offer)
    assert hit.why.startswith("bids of 4 outcomes sum to 1.080: No of each costs 2.920 with fees and pays 3; 50 sets")


def test_fees_take_what_looked_free(make_market: MakeMarket) -> None:
    markets = outcomes(make_market, 4, FeeSchedule(rate=D("0.05")))
    assert set_offer(event_of(markets), quoted(markets, "0.255", "0.30")) is None


def test_asks_that_sum_to_less_than_one_pay_where_every_outcome_is_offered(make_market: MakeMarket) -> None:
    markets = outcomes(make_market, 4)
    offer = set_offer(event_of(markets), quoted(markets, "0.20", "0.23"))
    assert offer is not None
    assert (offer.outcome, offer.cost) == ("Yes", D("0.92"))
    assert set_offer(event_of(markets), quoted(markets[:3], "0.20", "0.23")) is None
    assert "if one of them must win" in set_hit(event_of(markets), offer).why


def test_after_one_outcome_has_won_the_others_are_no_set(make_market: MakeMarket) -> None:
    won = make_market(closed=True, resolution=Resolution("", "resolved", "Yes", "", None))
    markets = outcomes(make_market, 3)
    assert set_offer(event_of([*markets, won]), quoted(markets, "0.01", "0.02")) is None
