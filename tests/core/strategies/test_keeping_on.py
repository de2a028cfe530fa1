"""What was bought is not sold in one look and bought in the next: positions are kept on less than they began with."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from polydesk.core.identifiers import ConditionId
from polydesk.core.strategies import statistical_arbitrage, trend
from polydesk.core.strategies.cointegration import Tie
from polydesk.core.strategies.ensemble import Record
from polydesk.core.strategies.surroundings import Holding
from polydesk.core.strategies.time_series import Slope
from polydesk.core.strategies.trend import Continuation
from tests.support.strategy_surroundings import Surrounded

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook, MakeMarket

D = Decimal
Surround = Callable[..., Surrounded]


@pytest.mark.parametrize(("t", "verdict"), [(4.1, "no_edge"), (3.9, "no_edge"), (2.1, "no_edge"), (1.9, "sell")])
async def test_a_trend_is_kept_on_half_of_what_it_took_to_follow_it(
    surround: Surround,
    make_market: MakeMarket,
    make_book: MakeBook,
    monkeypatch: pytest.MonkeyPatch,
    t: float,
    verdict: str,
) -> None:
    market = make_market()
    yes = market.outcomes[0].token_id
    around = surround(held={yes: Holding(D(5000), D(2500), D(5000))})
    around.books[yes] = make_book(bids=(("0.49", "100"),), asks=(("0.51", "100"),))
    found = Continuation(Slope(t / 10, 0.1, 100), move=0.2, level=0.0)
    monkeypatch.setattr(trend, "continuation_of", lambda history, *, window, now: found)
    assert (await around.strategy("momentum").analyze_market(market)).verdict == verdict


@pytest.mark.parametrize(
    ("gap", "statistic", "verdict"),
    [
        (-2.6, -3.0, "no_edge"),  # tied a little less surely than it took to buy
        (-2.6, -1.0, "sell"),  # come apart
        (-0.3, -4.0, "sell"),  # closed
        (1.5, -4.0, "sell"),  # closed, and gone beyond
        (2.6, -4.0, "sell"),
    ],
)
async def test_a_pair_is_left_when_its_gap_has_closed_or_it_has_come_apart(
    surround: Surround,
    make_market: MakeMarket,
    make_book: MakeBook,
    monkeypatch: pytest.MonkeyPatch,
    gap: float,
    statistic: float,
    verdict: str,
) -> None:
    market = make_market()
    yes = market.outcomes[0].token_id
    around = surround(held={yes: Holding(D(5000), D(2500), D(5000))})
    strategy = around.strategy("statistical_arbitrage")
    assert isinstance(strategy, statistical_arbitrage.StatisticalArbitrageStrategy)
    book = make_book(bids=(("0.49", "100"),), asks=(("0.51", "100"),))
    each = statistical_arbitrage._Quoted(market, book, [0.0] * 100)
    tie = Tie(0.0, 1.0, gap * 0.1, 0.1, 5.0, statistic, -3.37)
    kept = tie if statistical_arbitrage._still_tied(tie) else None
    signal = strategy._signal(each, kept, await around.holdings(), compared=True, now=around.now)
    assert signal.verdict == verdict
    unread = strategy._signal(each, None, await around.holdings(), compared=False, now=around.now)
    assert unread.verdict == "no_edge"


def test_no_belief_is_lost_before_it_can_be_scored(surround: Surround) -> None:
    record, now, rng = Record(), surround().now, random.Random(1)
    horizon = timedelta(hours=6)
    for look in range(37):
        for number in range(200):
            record.note(
                ConditionId(f"0x{number}"), rng.random(), 0.5, now=now + timedelta(minutes=10 * look), horizon=horizon
            )
    assert record.pending[0][0] == now
    assert len(record.pending) < 2000
