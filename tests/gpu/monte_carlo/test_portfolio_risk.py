"""A book of outcomes: copula, exclusive events and riskless combinations against exact values."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydesk.gpu.monte_carlo.portfolio_risk import portfolio_risk

WITHIN = 4.5


def binary(probability: float, *, cluster: str | None = None, loading: float = 0.0) -> dict[str, Any]:
    return {"probabilities": [probability], "complete": False, "cluster": cluster, "loading": loading}


def held(
    event: int, outcome: int = 0, *, shares: float = 100.0, cost: float = 0.0, wins_on: bool = True
) -> dict[str, Any]:
    return {"event": event, "outcome": outcome, "wins_on": wins_on, "shares": shares, "cost": cost}


def run(
    events: list[dict[str, Any]], holdings: list[dict[str, Any]], *, paths: int = 100_000, seed: int = 4
) -> dict[str, Any]:
    payload = {"events": events, "holdings": holdings, "paths": paths, "seed": seed}
    return portfolio_risk(payload, lambda fraction: None)


def close(found: dict[str, float], exact: float) -> bool:
    return abs(found["value"] - exact) <= WITHIN * found["standard_error"] + 1e-9


@pytest.mark.parametrize("loading", [0.0, 0.6])
def test_a_single_market_wins_with_its_probability(loading: float) -> None:
    result = run([binary(0.37, cluster="c", loading=loading)], [held(0, cost=40.0)])
    assert result["expected"] == pytest.approx(-3.0)
    assert close(result["mean"], -3.0)
    assert close(result["loss_probability"], 0.63)
    assert close(result["standard_deviation"], 100 * math.sqrt(0.37 * 0.63))
    assert (result["worst"], result["best"]) == (-40.0, 60.0)


@pytest.mark.parametrize(
    ("loadings", "correlation"), [((0.0, 0.0), 0.0), ((0.8, 0.8), 0.64), ((0.9, -0.5), -0.45), ((0.7, 0.0), 0.0)]
)
def test_two_even_markets_win_together_as_the_orthant_formula_says(
    loadings: tuple[float, float], correlation: float
) -> None:
    events = [binary(0.5, cluster="c", loading=loading) for loading in loadings]
    # It loses only when both lose: both win and both lose are equally likely at one half.
    result = run(events, [held(0, cost=49.0), held(1, cost=50.0)], paths=200_000)
    assert close(result["loss_probability"], 0.25 + math.asin(correlation) / (2 * math.pi))


def test_three_even_markets_follow_the_three_dimensional_orthant() -> None:
    rho = 0.5
    events = [binary(0.5, cluster="c", loading=math.sqrt(rho)) for _ in range(3)]
    result = run(events, [held(index, cost=33.0) for index in range(3)], paths=200_000)
    assert close(result["loss_probability"], 1 / 8 + 3 * math.asin(rho) / (4 * math.pi))


def test_markets_of_different_clusters_are_independent() -> None:
    events = [binary(0.5, cluster="a", loading=0.9), binary(0.5, cluster="b", loading=0.9)]
    result = run(events, [held(0, cost=49.0), held(1, cost=50.0)], paths=200_000)
    assert close(result["loss_probability"], 0.25)


@pytest.mark.parametrize("loading", [0.0, 0.7])
def test_a_complete_set_pays_exactly_one_dollar_on_every_path(loading: float) -> None:
    event = {"probabilities": [0.2, 0.3, 0.55], "complete": True, "cluster": "c", "loading": loading}
    result = run([event], [held(0, outcome, cost=31.0) for outcome in range(3)], paths=20_000)
    assert result["worst"] == result["best"] == result["quantiles"][0]["value"] == pytest.approx(7.0)
    assert result["standard_deviation"]["value"] == pytest.approx(0.0, abs=1e-9)
    assert result["loss_probability"]["value"] == 0.0
    assert result["overround"] == [pytest.approx(0.05)]


def test_one_winner_at_most_in_an_exclusive_event() -> None:
    event = {"probabilities": [0.2, 0.3], "complete": False}
    result = run([event], [held(0, 0), held(0, 1)])
    assert result["best"] == 100.0 and result["worst"] == 0.0
    assert close(result["mean"], 50.0)
    assert result["overround"] == [0.0]


def test_each_outcome_of_an_event_wins_with_its_share_after_normalising() -> None:
    event = {"probabilities": [0.2, 0.4, 0.4, 0.25], "complete": True}
    for outcome, weight in enumerate(event["probabilities"]):  # type: ignore[arg-type, var-annotated]
        assert close(run([event], [held(0, outcome)], seed=outcome)["mean"], 100 * weight / 1.25)


def test_yes_and_no_of_a_market_together_are_riskless() -> None:
    result = run([binary(0.3)], [held(0, cost=30.0), held(0, cost=69.0, wins_on=False)], paths=20_000)
    assert result["standard_deviation"]["value"] == 0.0
    assert result["mean"]["value"] == pytest.approx(1.0)
    assert result["loss_probability"]["value"] == 0.0


def test_no_shares_of_all_outcomes_but_one_pay_all_but_one_dollar() -> None:
    event = {"probabilities": [0.3, 0.3, 0.4], "complete": True}
    result = run([event], [held(0, outcome, wins_on=False) for outcome in range(3)], paths=10_000)
    assert result["quantiles"][0]["value"] == result["best"] == pytest.approx(200.0)


def test_a_decided_market_is_certain() -> None:
    result = run([binary(1.0), binary(0.0)], [held(0, cost=90.0), held(1, shares=50.0)], paths=1_000)
    assert result["mean"] == {"value": pytest.approx(10.0), "standard_error": 0.0}
    assert (result["worst"], result["best"]) == (pytest.approx(10.0), pytest.approx(10.0))


def test_correlation_deepens_the_tail_and_leaves_the_mean() -> None:
    def book(loading: float) -> dict[str, Any]:
        events = [binary(0.6, cluster="c", loading=loading) for _ in range(12)]
        return run(events, [held(index, cost=58.0) for index in range(12)])

    loose, tight = book(0.0), book(0.8)
    assert close(loose["mean"], 24.0) and close(tight["mean"], 24.0)
    assert tight["tails"][0]["value_at_risk"]["value"] > loose["tails"][0]["value_at_risk"]["value"]
    # Twelve independent markets: P(at most 4 of 12 win) is the binomial sum.
    losing = sum(math.comb(12, wins) * 0.6**wins * 0.4 ** (12 - wins) for wins in range(7))
    assert close(loose["loss_probability"], losing)


@settings(max_examples=25, deadline=None)
@given(
    probabilities=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=6),
    loading=st.floats(-0.95, 0.95),
    shares=st.floats(1, 500),
)
def test_scaling_a_book_scales_its_figures_and_bounds_hold(
    probabilities: list[float], loading: float, shares: float
) -> None:
    events = [binary(p, cluster="c", loading=loading) for p in probabilities]
    one = run(events, [held(i, shares=shares, cost=shares * p) for i, p in enumerate(probabilities)], paths=2_000)
    two = run(
        events, [held(i, shares=2 * shares, cost=2 * shares * p) for i, p in enumerate(probabilities)], paths=2_000
    )
    assert two["mean"]["value"] == pytest.approx(2 * one["mean"]["value"], abs=1e-6)
    for single, double in zip(one["tails"], two["tails"], strict=True):
        for name in ("value_at_risk", "conditional_value_at_risk"):
            assert double[name]["value"] == pytest.approx(2 * single[name]["value"], abs=1e-6)
        assert single["conditional_value_at_risk"]["value"] >= single["value_at_risk"]["value"] - 1e-9
        assert single["conditional_value_at_risk"]["value"] <= -one["worst"] + 1e-6
    levels = [point["value"] for point in one["quantiles"]]
    assert levels == sorted(levels)
    assert one["worst"] - 1e-6 <= levels[0] and levels[-1] <= one["best"] + 1e-6


def test_the_same_seed_gives_the_same_figures() -> None:
    book = ([binary(0.4, cluster="c", loading=0.5), binary(0.7)], [held(0, cost=39.0), held(1, cost=71.0)])
    assert run(*book, paths=40_000) == run(*book, paths=40_000)


@pytest.mark.parametrize(
    ("event", "holding", "message"),
    [
        (binary(1.2), held(0), "probabilities between 0 and 1"),
        ({"probabilities": [0.0, 0.0], "complete": True}, held(0), "not all 0"),
        ({"probabilities": [], "complete": True}, held(0), "needs probabilities"),
        (binary(0.5, cluster="c", loading=1.0), held(0), "a loading lies"),
        (binary(0.5), held(1), "no outcome 0 of event 1"),
        (binary(0.5), held(0, 1), "no outcome 1 of event 0"),
        (binary(0.5), held(0, shares=-5), "must not be negative"),
    ],
)
def test_books_that_make_no_sense_are_refused(event: dict[str, Any], holding: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run([event], [holding])


def test_memory_stays_far_below_the_scenario_matrix() -> None:
    markets, paths = 50, 200_000
    events = [binary(0.5, cluster="c", loading=0.5) for _ in range(markets)]
    book = [held(index, cost=50.0) for index in range(markets)]
    run(events, book, paths=1_000)
    tracemalloc.start()
    try:
        run(events, book, paths=paths)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * markets * paths / 4


@pytest.mark.parametrize("method", ["exact", "monte_carlo"])
def test_the_histogram_has_the_probability_of_each_bin_from_the_worst_to_the_best(method: str) -> None:
    payload = {
        "events": [binary(0.3), binary(0.5)],
        "holdings": [held(0, cost=30.0), held(1, cost=50.0)],
        "paths": 100_000,
        "seed": 4,
        "method": method,
        "bins": 4,
    }
    result = portfolio_risk(payload, lambda fraction: None)
    assert (result["worst"], result["best"]) == (-80.0, 120.0)
    # -80 in the first bin, 20 in the third, 120 in the last.
    assert result["histogram"] == pytest.approx([0.35, 0.0, 0.5, 0.15], abs=0.01)
    assert sum(result["histogram"]) == pytest.approx(1)


def test_what_is_certain_has_no_histogram() -> None:
    sure = {"events": [binary(1.0)], "holdings": [held(0, cost=30.0)], "paths": 1000, "seed": 1, "bins": 4}
    assert "histogram" not in portfolio_risk(sure, lambda fraction: None)
    assert "histogram" not in run([binary(0.5)], [held(0)])
