"""What can be lost at most, checked by hand and against every ending."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.identifiers import ConditionId, TokenId
from polydesk.core.risk.worst_case import Claim, WorstCase, worst_by_event, worst_by_market, worst_case

D = Decimal


def claim(market: int, first: bool, shares: str | int, cost: str | int, *, event: str = "", held: bool = True) -> Claim:
    return Claim(
        condition_id=ConditionId(f"m{market}"),
        token_id=TokenId(f"{market}{'y' if first else 'n'}"),
        event=event,
        first_outcome=first,
        shares=D(shares),
        cost=D(cost),
        held=held,
    )


def of(*claims: Claim, market: int = 1, event: str = "") -> WorstCase:
    return worst_case(claims, condition_id=ConditionId(f"m{market}"), event=event)


def test_a_lone_purchase_can_lose_what_it_costs() -> None:
    assert of(claim(1, True, 100, 40)) == WorstCase(D(40), D(40), D(40))
    assert of() == WorstCase(D(0), D(0), D(0))


def test_both_outcomes_of_a_market_cannot_both_lose() -> None:
    assert of(claim(1, True, 100, 40), claim(1, False, 100, 55)).market == D(0)  # a dollar for 95 cents
    assert of(claim(1, True, 100, 40), claim(1, False, 50, 30)).market == D(20)  # No wins: 70 paid, 50 back


def test_an_open_purchase_counts_only_where_it_makes_things_worse() -> None:
    hedge = claim(1, False, 100, 55, held=False)
    assert of(claim(1, True, 100, 40), hedge).market == D(40)  # it may not fill


def test_an_open_sale_counts_where_the_shares_would_have_won() -> None:
    yes, no = claim(1, True, 100, 40), claim(1, False, 100, 55)
    sale_of_the_hedge = claim(1, False, -100, -50, held=False)
    assert of(yes, no).market == D(0)
    assert of(yes, no, sale_of_the_hedge).market == D(45)  # No wins: 95 paid, 50 from the sale, nothing else
    assert of(yes, claim(1, True, -100, -60, held=False)).market == D(40)  # unsold, and No wins


def test_different_markets_may_all_end_badly() -> None:
    found = of(claim(1, True, 100, 40), claim(2, True, 100, 30))
    assert (found.market, found.event, found.total) == (D(40), D(40), D(70))


def test_of_a_neg_risk_event_at_most_one_market_pays() -> None:
    yes = [claim(number, True, 100, 30, event="fed") for number in (1, 2, 3)]
    assert of(*yes, event="fed").event == D(90)  # a fourth may win
    no = [claim(number, False, 100, 60, event="fed") for number in (1, 2, 3)]
    # Of three Nos at least two pay: 180 paid, 200 back.
    assert of(*no, event="fed") == WorstCase(D(60), D(0), D(0))


_CLAIMS = st.lists(
    st.builds(
        claim,
        st.integers(1, 3),
        st.booleans(),
        st.integers(-50, 50),
        st.integers(-50, 50),
        event=st.just("e"),
        held=st.booleans(),
    ),
    max_size=6,
)


@given(_CLAIMS)
def test_the_event_figure_is_the_worst_of_all_endings_and_all_fills(claims: list[Claim]) -> None:
    worst = D(0)
    open_ones = [each for each in claims if not each.held]
    for winner, fills in product((None, "m1", "m2", "m3"), product((False, True), repeat=len(open_ones))):
        filled = [each for each in claims if each.held] + [
            each for each, fills_it in zip(open_ones, fills, strict=True) if fills_it
        ]
        loss = sum(
            (
                each.cost - (each.shares if each.first_outcome == (each.condition_id == winner) else 0)
                for each in filled
            ),
            D(0),
        )
        worst = max(worst, loss)
    assert of(*claims, event="e").event == worst
    assert of(*claims, event="e").total == worst


def test_the_worst_of_each_event_and_market_add_up_to_the_whole() -> None:
    claims = [claim(1, True, 10, 4, event="e"), claim(2, True, 10, 3, event="e"), claim(3, True, 10, 5)]
    by_event = worst_by_event(claims)
    assert by_event == {"e": Decimal(7), claims[2].condition_id: Decimal(5)}
    assert sum(by_event.values()) == worst_case(claims, condition_id=claims[0].condition_id, event="e").total
    assert worst_by_market(claims) == {
        claims[0].condition_id: Decimal(4),
        claims[1].condition_id: Decimal(3),
        claims[2].condition_id: Decimal(5),
    }
