"""Exact, simulated and importance-sampled figures of a book against each other and against closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, multivariate_t, norm, t

from polydesk.gpu.monte_carlo.portfolio_risk import portfolio_risk

WITHIN = 5.0
ROOT = math.sqrt(0.3)


def book(*, markets: int = 20, loading: float = ROOT, seed: int = 5, **more: Any) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    chances = generator.uniform(0.05, 0.95, markets)
    shares = generator.integers(10, 200, markets)
    return {
        "events": [
            {"probabilities": [float(p)], "complete": False, "cluster": "all", "loading": loading} for p in chances
        ],
        "holdings": [
            {"event": i, "outcome": 0, "wins_on": True, "shares": float(size), "cost": float(size * p)}
            for i, (p, size) in enumerate(zip(chances, shares, strict=True))
        ],
        "paths": 100_000,
        "seed": 1,
        **more,
    }


def run(payload: dict[str, Any]) -> dict[str, Any]:
    return portfolio_risk(payload, lambda fraction: None)


def pairs(exact: dict[str, Any], simulated: dict[str, Any]) -> list[tuple[float, dict[str, float]]]:
    """Every figure of both, exact value first."""
    named = ("mean", "standard_deviation", "loss_probability")
    found = [(exact[name]["value"], simulated[name]) for name in named]
    for one, other in zip(exact["tails"], simulated["tails"], strict=True):
        for name in ("value_at_risk", "conditional_value_at_risk"):
            found.append((one[name]["value"], other[name]))
    found += [(one["value"], other) for one, other in zip(exact["quantiles"], simulated["quantiles"], strict=True)]
    return found


@pytest.mark.parametrize("loading", [0.0, ROOT, -0.6, 0.85])
def test_simulated_figures_agree_with_the_exact_distribution(loading: float) -> None:
    exact = run(book(loading=loading, method="exact"))
    simulated = run(book(loading=loading, method="monte_carlo"))
    for value, found in pairs(exact, simulated):
        # Quantiles are among the sums that shares can make, some of them dollars apart.
        assert abs(found["value"] - value) <= WITHIN * found["standard_error"] + 8.0
    for name in ("mean", "standard_deviation", "loss_probability"):
        found = simulated[name]
        assert abs(found["value"] - exact[name]["value"]) <= WITHIN * found["standard_error"]
    for one, other in zip(exact["tails"], simulated["tails"], strict=True):
        found = other["conditional_value_at_risk"]
        assert abs(found["value"] - one["conditional_value_at_risk"]["value"]) <= WITHIN * found["standard_error"] + 1.0


def test_standard_errors_are_those_that_repetitions_show() -> None:
    runs = [run(book(markets=10, paths=20_000, seed_of_run=s) | {"seed": s}) for s in range(40)]
    for name in ("mean", "standard_deviation", "loss_probability"):
        spread = float(np.std([each[name]["value"] for each in runs], ddof=1))
        claimed = math.sqrt(float(np.mean([each[name]["standard_error"] ** 2 for each in runs])))
        assert claimed == pytest.approx(spread, rel=0.4)


def test_stratified_factors_are_no_worse_than_independent_paths() -> None:
    payload = book(markets=50, loading=ROOT, paths=200_000)
    exact = run(payload | {"method": "exact"})
    simulated = run(payload | {"method": "monte_carlo"})
    plain = exact["standard_deviation"]["value"] / math.sqrt(simulated["paths"])
    assert simulated["mean"]["standard_error"] < plain


@pytest.mark.takeover
def test_the_exact_method_has_converged_at_its_nodes() -> None:
    from polydesk.gpu.monte_carlo.book import Book, Staircases
    from polydesk.gpu.monte_carlo.copula import Copula
    from polydesk.gpu.monte_carlo.exact import exact_distribution

    payload = book(markets=50)
    parsed = Staircases.of(Book.parse(payload["events"], payload["holdings"]))
    copula = Copula.parse(payload, payload["events"])
    one, other = (exact_distribution(parsed, copula, nodes=nodes) for nodes in (96, 160))
    assert np.abs(one.chances - other.chances).max() < 1e-10
    assert one.chances.sum() == pytest.approx(1.0, abs=1e-12)


def test_independent_markets_are_exact_by_the_binomial() -> None:
    payload = book(markets=1, method="exact")
    payload["events"] = [{"probabilities": [0.6], "complete": False} for _ in range(12)]
    payload["holdings"] = [{"event": i, "outcome": 0, "wins_on": True, "shares": 1.0, "cost": 0.5} for i in range(12)]
    found = run(payload)
    losing = sum(math.comb(12, wins) * 0.6**wins * 0.4 ** (12 - wins) for wins in range(6))
    assert found["loss_probability"]["value"] == pytest.approx(losing, abs=1e-12)
    assert found["standard_deviation"]["value"] == pytest.approx(math.sqrt(12 * 0.24))


def test_an_exact_figure_says_so_and_auto_takes_it_where_it_can() -> None:
    assert run(book(method="auto"))["method"] == "exact"
    assert run(book(method="auto", copula={"family": "t", "degrees_of_freedom": 4}))["method"] == "monte_carlo"
    assert run(book(method="auto", loading=0.95))["method"] == "monte_carlo"
    odd = book(markets=2, method="auto")
    odd["holdings"][0]["shares"] = math.pi
    assert run(odd)["method"] == "monte_carlo"
    rounded = run(odd | {"method": "exact"})
    assert 0 < rounded["rounding"] < 0.01


@pytest.mark.parametrize("degrees", [None, 3, 8])
def test_two_markets_win_together_as_the_copula_says(degrees: int | None) -> None:
    first, second, rho = 0.2, 0.35, 0.5
    if degrees is None:
        latent: Any = multivariate_normal([0, 0], [[1, rho], [rho, 1]])
        exact = float(latent.cdf([norm.ppf(first), norm.ppf(second)]))
        copula: dict[str, Any] = {"family": "gaussian"}
    else:
        latent = multivariate_t([0, 0], [[1, rho], [rho, 1]], df=degrees, seed=1)
        exact = float(latent.cdf([t.ppf(first, degrees), t.ppf(second, degrees)], random_state=1))
        copula = {"family": "t", "degrees_of_freedom": degrees}
    found = run(
        {
            "events": [
                {"probabilities": [p], "complete": False, "cluster": "c", "loading": math.sqrt(rho)}
                for p in (first, second)
            ],
            # Both must win for the book not to lose.
            "holdings": [{"event": i, "outcome": 0, "wins_on": True, "shares": 1.0, "cost": 0.9} for i in range(2)],
            "paths": 400_000,
            "seed": 2,
            "copula": copula,
        }
    )["loss_probability"]
    assert abs(1 - found["value"] - exact) <= WITHIN * found["standard_error"] + 1e-4
    assert found["standard_error"] < 1e-3


def test_exclusive_outcomes_of_correlated_events_agree_with_the_exact_distribution() -> None:
    events = [
        {"probabilities": [0.2, 0.3, 0.1], "complete": False, "cluster": "c", "loading": 0.7},
        {"probabilities": [0.5, 0.25, 0.25], "complete": True, "cluster": "c", "loading": 0.7},
        {"probabilities": [0.4], "complete": False},
    ]
    holdings = [
        {"event": 0, "outcome": 0, "wins_on": True, "shares": 40.0, "cost": 9.0},
        {"event": 0, "outcome": 2, "wins_on": False, "shares": 25.0, "cost": 20.0},
        {"event": 1, "outcome": 1, "wins_on": True, "shares": 60.0, "cost": 14.0},
        {"event": 2, "outcome": 0, "wins_on": False, "shares": 30.0, "cost": 18.0},
    ]
    payload = {"events": events, "holdings": holdings, "paths": 200_000, "seed": 3, "marginals": True}
    exact, simulated = run(payload | {"method": "exact"}), run(payload | {"method": "monte_carlo"})
    assert exact["mean"]["value"] == pytest.approx(exact["expected"])
    for value, found in pairs(exact, simulated):
        assert abs(found["value"] - value) <= WITHIN * found["standard_error"] + 1e-6
    for one, other in zip(exact["marginals"], simulated["marginals"], strict=True):
        for exact_loss, loss in zip(one["losses"], other["losses"], strict=True):
            assert abs(loss["value"] - exact_loss["value"]) <= WITHIN * loss["standard_error"] + 0.05


@pytest.mark.parametrize("method", ["exact", "monte_carlo"])
def test_marginal_tail_losses_sum_to_the_whole(method: str) -> None:
    found = run(book(markets=8, method=method, marginals=True))
    for marginal, tail in zip(found["marginals"], found["tails"], strict=True):
        total = math.fsum(loss["value"] for loss in marginal["losses"])
        assert total == pytest.approx(tail["conditional_value_at_risk"]["value"], abs=1e-6)


def test_marginals_of_holdings_that_cannot_win_or_lose_are_their_cost() -> None:
    payload = book(markets=1)
    payload["events"] = [{"probabilities": [1.0], "complete": False}, {"probabilities": [0.5], "complete": False}]
    payload["holdings"] = [
        {"event": 0, "outcome": 0, "wins_on": True, "shares": 10.0, "cost": 9.0},
        {"event": 1, "outcome": 0, "wins_on": True, "shares": 10.0, "cost": 5.0},
    ]
    for method in ("exact", "monte_carlo"):
        found = run(payload | {"method": method, "marginals": True})
        sure, even = found["marginals"][0]["losses"]
        assert sure["value"] == pytest.approx(-1.0)
        assert even["value"] == pytest.approx(5.0)


@pytest.mark.parametrize(
    "chance", [1e-2, pytest.param(1e-4, marks=pytest.mark.takeover), pytest.param(1e-6, marks=pytest.mark.takeover)]
)
def test_importance_sampling_finds_rare_losses(chance: float) -> None:
    payload = book(markets=50)
    from polydesk.gpu.monte_carlo.book import Book, Staircases
    from polydesk.gpu.monte_carlo.copula import Copula
    from polydesk.gpu.monte_carlo.exact import exact_distribution

    stairs = Staircases.of(Book.parse(payload["events"], payload["holdings"]))
    exact = exact_distribution(stairs, Copula.parse(payload, payload["events"]))
    place = int(np.searchsorted(np.cumsum(exact.chances), chance))
    loss = -float(exact.profits[place])
    wanted = float(exact.chances[: place + 1].sum())
    tail = run(payload | {"tail_loss": loss, "paths": 50_000})["tail"]
    found = tail["probability"]
    assert abs(found["value"] - wanted) <= WITHIN * found["standard_error"]
    assert found["standard_error"] < 0.05 * wanted
    assert tail["mean_loss"]["value"] >= loss
    assert run(payload | {"tail_loss": loss, "method": "exact"})["tail"]["probability"]["value"] == pytest.approx(
        wanted
    )


def test_importance_sampling_holds_for_several_factors_and_exclusive_events_and_t() -> None:
    payload = book(markets=12)
    for index, event in enumerate(payload["events"]):
        event["cluster"] = "ab"[index % 2]
    payload["events"][0] = {"probabilities": [0.2, 0.3], "complete": False, "cluster": "a", "loading": ROOT}
    loss = 380.0
    exact = run(payload | {"method": "exact", "tail_loss": loss})["tail"]["probability"]["value"]
    found = run(payload | {"tail_loss": loss})["tail"]["probability"]
    assert abs(found["value"] - exact) <= WITHIN * found["standard_error"]
    heavy = book(markets=50, copula={"family": "t", "degrees_of_freedom": 3})
    rare = run(heavy | {"paths": 1_000_000})["tails"][1]["value_at_risk"]["value"]
    at_rare = run(heavy | {"tail_loss": rare})["tail"]["probability"]
    assert at_rare["value"] == pytest.approx(0.01, rel=0.03)
    assert at_rare["standard_error"] < 2e-4


def test_a_loss_that_cannot_happen_has_no_chance() -> None:
    tail = run(book(markets=3, tail_loss=1e6))["tail"]
    assert tail["probability"] == {"value": 0.0, "standard_error": 0.0}
    assert tail["mean_loss"] is None


def matrix(size: int, rho: float) -> list[list[float]]:
    return [[1.0 if i == j else rho for j in range(size)] for i in range(size)]


def test_a_matrix_says_the_same_as_its_factors() -> None:
    payload = book(markets=6)
    by_matrix = run(payload | {"correlation": matrix(6, 0.3), "method": "exact"})
    by_loading = run(payload | {"method": "exact"})
    assert by_matrix["tails"][1]["conditional_value_at_risk"]["value"] == pytest.approx(
        by_loading["tails"][1]["conditional_value_at_risk"]["value"], abs=1e-6
    )
    assert by_matrix["matrix_change"] == 0.0


def test_three_even_markets_with_any_matrix_follow_the_orthant_formula() -> None:
    rho = [[1, 0.5, -0.2], [0.5, 1, 0.3], [-0.2, 0.3, 1]]
    payload = {
        "events": [{"probabilities": [0.5], "complete": False} for _ in range(3)],
        "holdings": [{"event": i, "outcome": 0, "wins_on": True, "shares": 1.0, "cost": 0.3} for i in range(3)],
        "correlation": rho,
        "paths": 200_000,
        "seed": 1,
    }
    found = run(payload)["loss_probability"]
    exact = 1 / 8 + (math.asin(0.5) + math.asin(-0.2) + math.asin(0.3)) / (4 * math.pi)
    assert abs(found["value"] - exact) <= WITHIN * found["standard_error"]


def test_a_matrix_that_is_not_positive_definite_is_replaced_by_the_nearest_and_the_answer_says_so() -> None:
    impossible = [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]
    payload = book(markets=3, correlation=impossible)
    found = run(payload)
    assert 0.1 < found["matrix_change"] < 0.6
    assert abs(found["mean"]["value"]) <= WITHIN * found["mean"]["standard_error"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"correlation": matrix(2, 0.5)}, "20 x 20"),
        ({"correlation": matrix(20, 1.5)}, "between -1 and 1"),
        ({"correlation": (np.array(matrix(20, 0.1)) * 0.5).tolist()}, "ones on its diagonal"),
        ({"copula": {"family": "clayton"}}, "gaussian or t"),
        ({"copula": {"family": "t", "degrees_of_freedom": 1}}, "degrees of freedom"),
        ({"method": "guess"}, "a method is one of"),
        ({"engine": "fortran"}, "an engine is one of"),
        ({"paths": 1_000_000_000}, "between 1 and 10000000"),
        ({"method": "exact", "copula": {"family": "t", "degrees_of_freedom": 3}}, "Gaussian copula"),
        ({"seed": -1}, "must not be negative"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(book() | changes)


def test_probabilities_that_sum_to_more_than_one_are_scaled_and_the_overround_told() -> None:
    payload = book(markets=1, method="exact")
    payload["events"] = [{"probabilities": [0.5, 0.5, 0.3], "complete": True}]
    payload["holdings"] = [{"event": 0, "outcome": 2, "wins_on": True, "shares": 130.0, "cost": 0.0}]
    found = run(payload)
    assert found["overround"] == [pytest.approx(0.3)]
    assert found["mean"]["value"] == pytest.approx(30.0)


def test_subadditive_and_mirrored() -> None:
    payload = book(markets=6, method="exact")
    halves = [dict(payload, holdings=payload["holdings"][part]) for part in (slice(0, 3), slice(3, 6))]
    whole = run(payload)["tails"][0]["conditional_value_at_risk"]["value"]
    parts = [run(half)["tails"][0]["conditional_value_at_risk"]["value"] for half in halves]
    assert whole <= math.fsum(parts) + 1e-9

    opposite = dict(payload)
    opposite["holdings"] = [
        held | {"wins_on": False, "cost": held["shares"] - held["cost"]} for held in payload["holdings"]
    ]
    here, there = run(payload), run(opposite)
    assert there["standard_deviation"]["value"] == pytest.approx(here["standard_deviation"]["value"])
    assert there["best"] == pytest.approx(-here["worst"])
    assert there["quantiles"][3]["value"] == pytest.approx(-here["quantiles"][3]["value"], abs=1.0)
