"""A whole book as the desk sees it: named events, dependence, and refusals that say what would do."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from polydesk.core.errors import InputRejected
from polydesk.core.identifiers import ConditionId
from polydesk.core.risk.bet_sizing import Bet, size_bets
from polydesk.core.risk.book_simulation import PriceLevel, WalkModel, portfolio_risk, walk_book
from polydesk.core.risk.dependence import Dependence, Holding
from polydesk.gpu.executors.inline import InlineExecutor
from polydesk.gpu.executors.process_pool import ProcessPool
from polydesk.gpu.interface import Executor


@pytest.fixture
async def executor() -> AsyncIterator[Executor]:
    async with InlineExecutor() as executor:
        yield executor


def holding(market: str, probability: str, *, shares: str = "100", cost: str = "50", **more: Any) -> Holding:
    return Holding(ConditionId(market), Decimal(probability), Decimal(shares), Decimal(cost), **more)


async def test_markets_of_one_event_exclude_each_other(executor: Executor) -> None:
    held = [holding("a", "0.5", event="fed"), holding("b", "0.5", event="fed")]
    risk = await portfolio_risk(executor, holdings=held, seed=1)
    assert risk.worst == risk.best == risk.expected == Decimal(0)
    assert risk.cost == Decimal(100)
    assert risk.overround == {}


async def test_the_other_outcomes_of_an_event_complete_it_and_the_overround_is_reported(executor: Executor) -> None:
    held = [holding("a", "0.6", event="fed", cost="0")]
    risk = await portfolio_risk(
        executor, holdings=held, other_outcomes={"fed": [Decimal("0.4"), Decimal("0.2")]}, seed=1
    )
    assert risk.expected == Decimal(50)
    assert risk.overround == {"fed": Decimal("0.2")}


async def test_both_sides_of_a_market_cancel(executor: Executor) -> None:
    held = [holding("a", "0.3", cost="30"), holding("a", "0.3", cost="68", first_outcome=False)]
    risk = await portfolio_risk(executor, holdings=held, seed=1)
    assert risk.standard_deviation.value == 0
    assert risk.mean.value == Decimal(2)


async def test_correlation_acts_within_a_cluster_only(executor: Executor) -> None:
    def book(*clusters: str) -> list[Holding]:
        return [holding(str(index), "0.5", cluster=cluster) for index, cluster in enumerate(clusters)]

    same = await portfolio_risk(executor, holdings=book("x", "x"), dependence=Dependence(Decimal("0.8")), seed=3)
    other = await portfolio_risk(executor, holdings=book("x", "y"), dependence=Dependence(Decimal("0.8")), seed=3)
    # Both even markets agree with probability 1/2 + asin(0.8) / pi; then 100 dollars are won or lost, else nothing.
    together = Decimal(100 * math.sqrt(0.5 + math.asin(0.8) / math.pi))
    assert abs(same.standard_deviation.value - together) < 5 * same.standard_deviation.standard_error
    assert abs(other.standard_deviation.value - Decimal("70.7107")) < 5 * other.standard_deviation.standard_error


async def test_a_portfolio_runs_in_a_worker_process_and_reports_progress() -> None:
    seen: list[float] = []
    async with ProcessPool() as pool:
        risk = await portfolio_risk(pool, holdings=[holding("a", "0.5")], seed=9, progress=seen.append)
        assert pool.describe().kinds[0].engine.startswith("numpy ")
    assert abs(risk.mean.value) < 5 * risk.mean.standard_error
    assert seen[-1] == 1.0
    async with InlineExecutor() as inline:
        assert await portfolio_risk(inline, holdings=[holding("a", "0.5")], seed=9) == risk


@pytest.mark.parametrize(
    "held",
    [
        [],
        [holding("a", "1.5")],
        [holding("a", "0.5", shares="-1")],
        [holding("a", "0.5"), holding("a", "0.6")],
        [holding("a", "0.5", event="e", cluster="x"), holding("b", "0.4", event="e", cluster="y")],
    ],
)
async def test_impossible_books_are_refused(executor: Executor, held: list[Holding]) -> None:
    with pytest.raises(InputRejected):
        await portfolio_risk(executor, holdings=held, seed=1)


@pytest.mark.parametrize("wrong", [Decimal("NaN"), Decimal("Infinity"), Decimal(-1)])
async def test_numbers_that_are_none_are_refused_wherever_they_stand(executor: Executor, wrong: Decimal) -> None:
    held = [holding("a", "0.5")]
    with pytest.raises(InputRejected):
        await portfolio_risk(executor, holdings=[Holding(ConditionId("a"), wrong, Decimal(1), Decimal(1))], seed=1)
    with pytest.raises(InputRejected):
        await portfolio_risk(executor, holdings=held, seed=1, tail_loss=wrong)
    with pytest.raises(InputRejected):
        await portfolio_risk(executor, holdings=held, seed=1, dependence=Dependence(wrong))
    with pytest.raises(InputRejected):
        await walk_book(executor, holdings=held, days_to_resolution={"a": 3.0}, horizon_days=wrong, seed=1)
    with pytest.raises(InputRejected):
        await size_bets(executor, bets=[Bet(ConditionId("a"), Decimal("0.6"), wrong)], seed=1)
    with pytest.raises(InputRejected):
        await size_bets(executor, bets=[Bet(ConditionId("a"), Decimal("0.6"), Decimal("0.5"))], fraction=wrong, seed=1)


async def test_a_billion_paths_are_refused_with_the_limit(executor: Executor) -> None:
    with pytest.raises(InputRejected) as refused:
        await portfolio_risk(executor, holdings=[holding("a", "0.5")], paths=10**9, seed=1)
    assert "10000000" in (refused.value.fix or "")


async def test_an_exact_answer_has_no_errors_and_marginals_sum_to_the_tail(executor: Executor) -> None:
    held = [holding(name, "0.5", cluster="x") for name in "abc"]
    risk = await portfolio_risk(
        executor,
        holdings=held,
        dependence=Dependence(Decimal("0.3")),
        method="auto",
        marginals=True,
        tail_loss=Decimal(150),
        seed=1,
    )
    assert (risk.method, risk.paths, risk.mean.standard_error) == ("exact", 0, Decimal(0))
    total = sum((each.value for each in risk.marginals[0].losses), Decimal(0))
    assert abs(total - risk.tails[0].conditional_value_at_risk.value) < Decimal("0.001")
    # All three lose: 1/8 + 3 asin(0.3) / 4 pi.
    assert risk.rare_loss is not None
    assert float(risk.rare_loss.probability.value) == pytest.approx(
        1 / 8 + 3 * math.asin(0.3) / (4 * math.pi), rel=1e-3
    )


async def test_pairs_that_cannot_hold_together_are_replaced_and_told(executor: Executor) -> None:
    held = [holding(name, "0.5") for name in "abc"]
    pairs = {("a", "b"): Decimal("0.9"), ("b", "c"): Decimal("0.9"), ("a", "c"): Decimal("-0.9")}
    risk = await portfolio_risk(executor, holdings=held, dependence=Dependence(pairs=pairs), seed=1, paths=2_000)
    assert risk.matrix_change > Decimal("0.1")
    with pytest.raises(InputRejected, match="a correlation of a and z"):
        await portfolio_risk(executor, holdings=held, dependence=Dependence(pairs={("a", "z"): Decimal(0)}), seed=1)


async def test_a_book_is_walked_to_a_horizon(executor: Executor) -> None:
    walk = await walk_book(
        executor,
        holdings=[holding("a", "0.4", cost="40"), holding("b", "0.5", event="e", cost="50")],
        other_outcomes={"e": [Decimal("0.5")]},
        days_to_resolution={"a": 10.0, "e": 5.0},
        horizon_days=Decimal(4),
        levels=[PriceLevel(ConditionId("a"), Decimal("0.8"))],
        paths=4_000,
        seed=1,
    )
    assert walk.horizon_days == 4.0 and walk.model == "latent_brownian"
    assert abs(walk.mean.value) < 5 * walk.mean.standard_error
    (touch,) = walk.touches
    assert touch.before_resolution == Decimal("0.5") and touch.by_horizon.value < Decimal("0.5")
    with pytest.raises(InputRejected, match="t copula"):
        await walk_book(
            executor,
            holdings=[holding("a", "0.4")],
            days_to_resolution={"a": 1.0},
            dependence=Dependence(degrees_of_freedom=4),
            seed=1,
        )
    with pytest.raises(InputRejected, match="Wright-Fisher"):
        await walk_book(
            executor,
            holdings=[holding("a", "0.4")],
            days_to_resolution={"a": 1.0},
            dependence=Dependence(Decimal("0.2")),
            model=WalkModel("wright_fisher", Decimal(1)),
            seed=1,
        )


async def test_bets_are_sized_together(executor: Executor) -> None:
    bets = [Bet(ConditionId(name), Decimal("0.6"), Decimal("0.5"), cluster="x") for name in "ab"]
    alone = await size_bets(executor, bets=bets[:1], fraction=Decimal("0.5"), seed=1)
    assert (alone.method, alone.stakes[0].value) == ("single", Decimal("0.1"))
    together = await size_bets(executor, bets=bets, dependence=Dependence(Decimal("0.7")), seed=1)
    assert together.method == "monte_carlo"
    assert together.stakes[0].value < alone.full_kelly[0].value
