"""One position: simulated figures against the closed forms of the latent Brownian price."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from polydesk.gpu.executors.execution import TaskStopped
from polydesk.gpu.monte_carlo.market_risk import market_risk, price_quantiles, touch_probability

WITHIN = 4.5
"""Standard errors; the seeds are fixed, so this cannot flicker."""


def run(**changes: Any) -> dict[str, Any]:
    payload = {
        "probability": 0.3,
        "price": 0.25,
        "shares": 100.0,
        "fee": 0.5,
        "paths": 40_000,
        "seed": 11,
        **changes,
    }
    return market_risk(payload, lambda fraction: None)


def close(found: dict[str, float], exact: float) -> bool:
    return abs(found["value"] - exact) <= WITHIN * found["standard_error"]


def test_the_result_at_resolution_is_exact_and_the_simulation_agrees() -> None:
    result = run()
    exact = result["exact"]
    assert exact["if_right"] == pytest.approx(74.5)
    assert exact["if_wrong"] == pytest.approx(-25.5)
    assert exact["mean"] == pytest.approx(0.3 * 74.5 - 0.7 * 25.5)
    assert exact["standard_deviation"] == pytest.approx(100 * math.sqrt(0.21))
    assert exact["loss_probability"] == pytest.approx(0.7)
    simulated = result["simulated"]
    assert close(simulated["win_probability"], 0.3)
    for name in ("mean", "standard_deviation", "loss_probability"):
        assert close(simulated[name], exact[name])


@pytest.mark.parametrize(
    ("probability", "at_risk_95", "conditional_95"),
    [(0.3, 25.5, 25.5), (0.97, -74.5, (0.03 * 25.5 - 0.02 * 74.5) / 0.05)],
)
def test_tails_of_a_bet_with_two_results(probability: float, at_risk_95: float, conditional_95: float) -> None:
    result = run(probability=probability)
    exact, simulated = result["exact"]["tails"][0], result["simulated"]["tails"][0]
    assert exact["value_at_risk"] == pytest.approx(at_risk_95)
    assert exact["conditional_value_at_risk"] == pytest.approx(conditional_95)
    assert simulated["value_at_risk"]["value"] == pytest.approx(at_risk_95)
    assert close(simulated["conditional_value_at_risk"], conditional_95) or probability == 0.3


def test_a_fee_larger_than_the_gain_makes_every_result_a_loss() -> None:
    assert run(price=0.99, fee=2.0)["exact"]["loss_probability"] == pytest.approx(1.0)


def test_the_expected_price_never_moves() -> None:
    for horizon in run()["horizons"]:
        assert close(horizon["mean"], 0.3)


@pytest.mark.parametrize(("fraction", "second_moment"), [(0.25, 0.12147), (0.5, 0.15677), (0.9, 0.23759)])
def test_the_price_s_spread_is_that_of_the_bivariate_normal(fraction: float, second_moment: float) -> None:
    (horizon,) = run(horizons=[fraction], paths=200_000)["horizons"]
    exact = math.sqrt(second_moment - 0.3**2)
    found = horizon["standard_deviation"]
    # The second moments are known to five digits.
    assert abs(found["value"] - exact) <= WITHIN * found["standard_error"] + 1e-5 / exact


def test_price_quantiles_agree_with_simulated_prices() -> None:
    assert price_quantiles(0.5, 0.5, [0.5]) == pytest.approx([0.5])
    low, high = price_quantiles(0.3, 0.5, [0.05, 0.95])
    mirrored_low, mirrored_high = price_quantiles(0.7, 0.5, [0.05, 0.95])
    assert (low, high) == pytest.approx((1 - mirrored_high, 1 - mirrored_low))
    nodes = (np.arange(200_000) + 0.5) / 200_000
    assert np.mean(price_quantiles(0.3, 0.5, nodes.tolist())) == pytest.approx(0.3, abs=1e-4)


@pytest.mark.parametrize(("probability", "stop", "target"), [(0.3, 0.15, 0.6), (0.5, 0.45, 0.55), (0.92, 0.5, 0.98)])
def test_the_chance_to_touch_a_level_is_the_martingale_s(probability: float, stop: float, target: float) -> None:
    touches = {t["level"]: t for t in run(probability=probability, stop=stop, target=target, seed=5)["touches"]}
    assert touches["target"]["before_resolution"] == pytest.approx(probability / target)
    assert touches["stop"]["before_resolution"] == pytest.approx((1 - probability) / (1 - stop))
    for touch in touches.values():
        assert close(touch["simulated"], touch["before_resolution"])


def test_the_crossing_correction_finds_touches_between_grid_points() -> None:
    (touch,) = run(target=0.6, paths=200_000, seed=2)["touches"]
    assert touch["simulated"]["standard_error"] < 0.0012
    assert abs(touch["simulated"]["value"] - 0.5) < 0.005


def test_the_chance_to_have_touched_grows_with_time() -> None:
    (touch,) = run(stop=0.2)["touches"]
    chances = [point["probability"]["value"] for point in touch["by_horizon"]] + [touch["simulated"]["value"]]
    assert chances == sorted(chances) and chances[0] > 0


def test_touching_is_certain_at_the_level_itself() -> None:
    assert touch_probability([0.2, 0.6, 0.8], 0.6).tolist() == pytest.approx([1 / 3, 1.0, 0.5])


def test_a_seed_fixes_the_result_and_another_changes_it() -> None:
    assert run(paths=20_000) == run(paths=20_000)
    assert run(paths=20_000)["simulated"] != run(paths=20_000, seed=12)["simulated"]


def test_progress_ends_at_one_and_a_stop_in_it_ends_the_task() -> None:
    seen: list[float] = []
    payload = {"probability": 0.5, "price": 0.5, "shares": 1, "fee": 0, "paths": 40_000, "seed": 1}
    market_risk(payload, seen.append)
    assert seen == sorted(seen) and len(seen) == 3 and seen[-1] == 1.0

    def stop(fraction: float) -> None:
        raise TaskStopped

    with pytest.raises(TaskStopped):
        market_risk(payload, stop)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probability": 1.0}, "between 0 and 1"),
        ({"price": 0.0}, "between 0 and 1"),
        ({"shares": 0}, "must be positive"),
        ({"fee": -1}, "must be positive"),
        ({"horizons": [1.0]}, "fraction of the time"),
        ({"stop": 0.4}, "the stop must lie"),
        ({"target": 0.2}, "the target must lie"),
        ({"paths": 0}, "paths must be between"),
        ({"seed": -1}, "must not be negative"),
    ],
)
def test_input_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(**changes)
