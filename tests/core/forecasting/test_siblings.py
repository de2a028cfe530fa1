"""Outcomes that exclude each other sum to 1 at most, and the vaguest quotes give way first."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.forecasting.calibration import log_odds_of, probability_of
from polydesk.core.forecasting.siblings import Quoted, coherence, sibling_quotes
from polydesk.core.identifiers import ConditionId

if TYPE_CHECKING:
    from tests.core.conftest import MakeMarket

D = Decimal
quotes = st.builds(Quoted, st.floats(0.01, 0.9), st.floats(0.001, 0.2))


def adjusted(quoted: list[Quoted]) -> list[float]:
    """Each one's probability after what its siblings say."""
    found = []
    for index, own in enumerate(quoted):
        way = coherence(own, [*quoted[:index], *quoted[index + 1 :]]).log_odds
        found.append(probability_of(log_odds_of(own.probability) + way))
    return found


@given(st.lists(quotes, min_size=2, max_size=12))
def test_all_of_them_sum_to_one_at_most_and_none_rises(quoted: list[Quoted]) -> None:
    after = adjusted(quoted)
    assert sum(after) <= 1 + 1e-6 or sum(each.probability for each in quoted) <= 1
    assert all(now <= before.probability + 1e-9 for now, before in zip(after, quoted, strict=True))


def test_equally_tight_quotes_are_divided_by_the_same_odds_ratio() -> None:
    ways = [coherence(Quoted(0.6, 0.005), [Quoted(0.5, 0.005)]), coherence(Quoted(0.5, 0.005), [Quoted(0.6, 0.005)])]
    assert ways[0].log_odds == pytest.approx(ways[1].log_odds, rel=0.01)
    assert ways[0].log_odds < 0


def test_a_wide_quote_takes_more_of_the_overround() -> None:
    tight, wide = Quoted(0.5, 0.005), Quoted(0.6, 0.2)
    after = adjusted([tight, wide])
    assert 0.6 - after[1] > 5 * (0.5 - after[0]) > 0


def test_a_sum_below_one_says_nothing() -> None:
    assert coherence(Quoted(0.3, 0.01), [Quoted(0.4, 0.01)]).log_odds == 0
    assert coherence(Quoted(0.3, 0.01), []).log_odds == 0


def test_only_other_markets_that_trade_and_are_quoted_count(make_market: MakeMarket) -> None:
    own = make_market()
    others = [
        make_market(condition_id=ConditionId("0x" + digit * 64), best_bid=bid, best_ask=D("0.3"), closed=closed)
        for digit, bid, closed in (
            ("1", D("0.1"), False),
            ("2", None, False),
            ("3", D("0.1"), True),
            ("4", D("0.3"), False),
        )
    ]
    (found,) = sibling_quotes([own, *others], besides=own)
    assert (found.probability, found.half_spread) == pytest.approx((0.2, 0.1))
