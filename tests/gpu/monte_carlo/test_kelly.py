"""Kelly stakes against closed forms, brute force and each other."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from polydesk.gpu.monte_carlo.bet_sizing import size_bets
from polydesk.gpu.monte_carlo.kelly import (
    Scenarios,
    exclusive_stakes,
    growth_rate,
    mean_log_wealth,
    simultaneous_stakes,
    single_stake,
)


def run(**payload: Any) -> dict[str, Any]:
    return size_bets({"paths": 40_000, "seed": 3, **payload}, lambda fraction: None)


def binary(probability: float, **more: Any) -> dict[str, Any]:
    return {"probabilities": [probability], "complete": False, **more}


def bet(event: int, price: float, outcome: int = 0, *, wins_on: bool = True, **more: Any) -> dict[str, Any]:
    return {"event": event, "outcome": outcome, "wins_on": wins_on, "price": price, **more}


def stakes(found: dict[str, Any]) -> list[float]:
    return [stake["value"] for stake in found["stakes"]]


def test_a_single_bet_is_the_edge_over_the_odds() -> None:
    assert single_stake(0.6, 0.5) == pytest.approx(0.2)
    found = run(events=[binary(0.6)], bets=[bet(0, 0.5)])
    assert stakes(found) == [pytest.approx(0.2)]
    assert found["method"] == "single"
    assert found["growth"] == pytest.approx(growth_rate(0.6, 0.5, 0.2))
    best = max(np.linspace(0, 0.99, 1000), key=lambda stake: growth_rate(0.6, 0.5, float(stake)))
    assert best == pytest.approx(0.2, abs=1e-3)


def test_a_bet_against_an_outcome_is_the_same_with_its_own_price() -> None:
    # NO at 1 - c: (c - q) / c.
    assert stakes(run(events=[binary(0.3)], bets=[bet(0, 0.55, wins_on=False)])) == [pytest.approx((0.45 - 0.3) / 0.45)]


def test_without_an_edge_nothing_is_staked() -> None:
    assert stakes(run(events=[binary(0.5)], bets=[bet(0, 0.5)])) == [0.0]
    assert single_stake(0.9, 1.0) == 0.0
    found = run(events=[{"probabilities": [0.2, 0.3], "complete": False}], bets=[bet(0, 0.25), bet(0, 0.35, 1)])
    assert stakes(found) == [0.0, 0.0]


def brute_force(scenarios: Scenarios) -> np.ndarray:
    bets = scenarios.returns.shape[1]
    found = minimize(
        lambda x: -mean_log_wealth(scenarios, x),
        np.full(bets, 0.01),
        bounds=[(0, 1)] * bets,
        constraints={"type": "ineq", "fun": lambda x: 0.999999 - x.sum()},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    return np.asarray(found.x)


@settings(max_examples=40, deadline=None)
@given(
    weights=st.lists(st.floats(0.05, 1.0), min_size=2, max_size=5),
    edges=st.lists(st.floats(0.6, 1.6), min_size=5, max_size=5),
)
def test_exclusive_stakes_are_optimal(weights: list[float], edges: list[float]) -> None:
    total = sum(weights) * 1.1
    chances = [weight / total for weight in weights]
    prices = [min(0.95, chance / edge) for chance, edge in zip(chances, edges, strict=False)]
    if sum(prices) > 0.98:
        prices = [price * 1.02 / sum(prices) for price in prices] if sum(prices) < 1.02 else prices
    returns = np.vstack([np.diag(1 / np.array(prices)), np.zeros(len(prices))])
    scenarios = Scenarios(returns, np.array([*chances, 1 - sum(chances)]))
    if sum(prices) < 1:
        return  # everything can be bought for less than it pays: there is no bound but all of one's wealth
    mine = np.array(exclusive_stakes(chances, prices))
    assert mean_log_wealth(scenarios, mine) >= mean_log_wealth(scenarios, simultaneous_stakes(scenarios)) - 1e-9


def test_exclusive_stakes_of_a_worked_example() -> None:
    # Two outcomes with an edge, one without: reserve rate (1 - .75) / (1 - .6).
    found = exclusive_stakes([0.45, 0.3, 0.25], [0.35, 0.25, 0.45])
    reserve = 0.25 / 0.4
    assert found == [pytest.approx(0.45 - reserve * 0.35), pytest.approx(0.3 - reserve * 0.25), 0.0]


def test_simultaneous_independent_bets_agree_with_brute_force() -> None:
    events = [binary(0.6), binary(0.55), binary(0.3)]
    bets = [bet(0, 0.5), bet(1, 0.5), bet(2, 0.35)]
    found = run(events=events, bets=bets)
    assert found["method"] == "all scenarios" and found["scenarios"] == 8
    weights, returns = [], []
    for won in itertools.product((True, False), repeat=3):
        weights.append(math.prod(p if w else 1 - p for p, w in zip((0.6, 0.55, 0.3), won, strict=True)))
        returns.append([w / price for w, price in zip(won, (0.5, 0.5, 0.35), strict=True)])
    assert stakes(found) == pytest.approx(brute_force(Scenarios(np.array(returns), np.array(weights))), abs=1e-5)
    assert stakes(found)[2] == 0.0


def test_correlation_makes_stakes_smaller_and_they_have_errors() -> None:
    loose = run(events=[binary(0.6), binary(0.6)], bets=[bet(0, 0.5), bet(1, 0.5)])
    tight = run(
        events=[binary(0.6, cluster="c", loading=0.9), binary(0.6, cluster="c", loading=0.9)],
        bets=[bet(0, 0.5), bet(1, 0.5)],
    )
    assert tight["method"] == "monte_carlo"
    assert sum(stakes(tight)) < sum(stakes(loose))
    # Exact for two even correlated bets: by symmetry only the chance to agree matters.
    from scipy.stats import multivariate_normal, norm

    both = float(multivariate_normal([0, 0], [[1, 0.81], [0.81, 1]]).cdf([norm.ppf(0.6)] * 2))
    exact = brute_force(
        Scenarios(
            np.array([[2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]),
            np.array([both, 0.6 - both, 0.6 - both, 1 - 1.2 + both]),
        )
    )
    for found, value in zip(tight["stakes"], exact, strict=True):
        assert abs(found["value"] - value) <= 5 * found["standard_error"]
        assert 0 < found["standard_error"] < 0.02


def test_exclusive_and_other_events_are_sized_together() -> None:
    events = [{"probabilities": [0.5, 0.3], "complete": False}, binary(0.6), binary(1.0)]
    found = run(events=events, bets=[bet(0, 0.4), bet(0, 0.25, 1), bet(1, 0.5)])
    alone = exclusive_stakes([0.5, 0.3], [0.4, 0.25])
    assert 0 < stakes(found)[0] < alone[0]
    correlated = [dict(event, cluster="c", loading=1e-9) for event in events]
    sampled = run(events=correlated, bets=[bet(0, 0.4), bet(0, 0.25, 1), bet(1, 0.5)])
    assert sampled["method"] == "monte_carlo"
    for one, other in zip(sampled["stakes"], stakes(found), strict=True):
        assert abs(one["value"] - other) <= 5 * one["standard_error"] + 1e-4


def test_fractions_and_uncertainty_shrink_the_stake() -> None:
    half = run(events=[binary(0.6)], bets=[bet(0, 0.5)], fraction=0.5)
    assert stakes(half) == [pytest.approx(0.1)]
    unsure = run(events=[binary(0.6)], bets=[bet(0, 0.5, standard_error=0.1)])
    assert stakes(unsure) == [pytest.approx(0.1)]
    assert unsure["shrinkage"] == [pytest.approx(0.5)]
    assert stakes(run(events=[binary(0.4)], bets=[bet(0, 0.5, standard_error=0.1)])) == [0.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bets": []}, "nothing to size"),
        ({"fraction": 0.0}, "fraction of the Kelly"),
        ({"bets": [bet(0, 1.0)]}, "a price lies"),
        ({"bets": [bet(0, 0.5, standard_error=-1)]}, "not negative"),
        ({"bets": [bet(3, 0.5)]}, "no outcome"),
    ],
)
def test_bets_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(**({"events": [binary(0.6)], "bets": [bet(0, 0.5)]} | changes))


def test_more_scenarios_than_can_be_kept_are_refused() -> None:
    events = [binary(0.6, cluster="c", loading=0.5) for _ in range(2)]
    with pytest.raises(ValueError, match="200000"):
        run(events=events, bets=[bet(0, 0.5), bet(1, 0.5)], paths=300_000)
