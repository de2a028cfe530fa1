"""Price paths against the closed forms of their models."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from polydesk.gpu.monte_carlo.book import Event
from polydesk.gpu.monte_carlo.book_paths import book_paths
from polydesk.gpu.monte_carlo.path_models import Outcomes, WrightFisher

WITHIN = 4.5
LOGIT = {"name": "logit_jump", "volatility": 0.9, "jump_rate": 0.5, "jump_size": 1.2}
FISHER = {"name": "wright_fisher", "volatility": 1.0}
ALL = [None, LOGIT, FISHER]


def event(*probabilities: float, days: float = 1.0, complete: bool = False, **more: Any) -> dict[str, Any]:
    return {"probabilities": list(probabilities), "complete": complete, "days": days, **more}


def held(
    number: int, outcome: int = 0, *, wins_on: bool = True, shares: float = 1.0, cost: float = 0.0
) -> dict[str, Any]:
    return {"event": number, "outcome": outcome, "wins_on": wins_on, "shares": shares, "cost": cost}


def run(events: list[dict[str, Any]], holdings: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    payload = {"events": events, "holdings": holdings, "paths": 40_000, "seed": 6, "steps": 32, **changes}
    return book_paths(payload, lambda fraction: None)


def close(found: dict[str, float], exact: float, slack: float = 0.0) -> bool:
    return abs(found["value"] - exact) <= WITHIN * found["standard_error"] + slack


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize("horizon", [0.3, None])
@pytest.mark.parametrize("engine", ["auto", "numpy"])
def test_the_expected_price_never_moves(model: Any, horizon: float | None, engine: str) -> None:
    book = ([event(0.3, 0.25)], [held(0), held(0, 1, wins_on=False)])
    found = run(*book, model=model, horizon_days=horizon, engine=engine)
    assert close(found["profit"]["mean"], 0.3 + 0.75)


@pytest.mark.parametrize(("time", "second"), [(0.25, 0.12147), (0.5, 0.15677), (0.9, 0.23759)])
@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_a_latent_price_has_the_second_moment_of_the_bivariate_normal(time: float, second: float, engine: str) -> None:
    answer = run([event(0.3)], [held(0)], horizon_days=time, paths=100_000, engine=engine)
    found = answer["profit"]["standard_deviation"]
    assert close(found, math.sqrt(second - 0.09), 1e-4)


@pytest.mark.parametrize("steps", [16, 64])
def test_the_chance_to_touch_is_price_over_level(steps: int) -> None:
    levels = [{"event": 0, "outcome": 0, "price": 0.6}, {"event": 0, "outcome": 0, "price": 0.1}]
    up, down = run([event(0.3)], [held(0)], levels=levels, steps=steps)["touches"]
    assert up["before_resolution"] == pytest.approx(0.5)
    assert down["before_resolution"] == pytest.approx(0.7 / 0.9)
    assert close(up["by_horizon"], 0.5, 1e-3) and close(down["by_horizon"], 0.7 / 0.9, 1e-3)


def test_touches_of_one_of_several_outcomes_are_nearly_as_good() -> None:
    (touch,) = run(
        [event(0.3, 0.3, 0.4, complete=True)],
        [held(0)],
        levels=[{"event": 0, "outcome": 1, "price": 0.6}],
        steps=100,
        paths=10_000,
    )["touches"]
    assert touch["before_resolution"] == pytest.approx(0.5)
    assert close(touch["by_horizon"], 0.5, 0.01)


@pytest.mark.parametrize("model", [LOGIT, FISHER])
def test_other_models_touch_no_more_often_than_a_martingale_can(model: Any) -> None:
    (touch,) = run([event(0.3)], [held(0)], levels=[{"event": 0, "outcome": 0, "price": 0.6}], model=model)["touches"]
    assert touch["before_resolution"] is None
    found = touch["by_horizon"]
    # The price may jump over the level, but never reaches it more often than price / level.
    assert 0.3 <= found["value"] <= 0.5 + WITHIN * found["standard_error"]


def test_a_wright_fisher_price_spreads_as_it_should() -> None:
    found = run([event(0.3, days=5.0)], [held(0)], horizon_days=1.0, model=FISHER)["profit"]["standard_deviation"]
    assert close(found, math.sqrt(0.21 * (1 - math.exp(-1.0))), 1e-3)


def test_a_wright_fisher_price_is_absorbed_when_and_where_it_should_be() -> None:
    model = WrightFisher(Outcomes.of([Event(np.array([0.3, 0.7]), 0.0)], [1e4]), volatility=1.0)
    generator = np.random.default_rng(4)
    paths, step = 20_000, 0.01
    drivers = model.start(paths)
    lived = np.zeros(paths)
    for index in range(1500):
        lived += step * ((drivers > 0) & (drivers < 1))[:, 0]
        drivers = model.advance(drivers, drivers, start=index * step, end=(index + 1) * step, generator=generator)
    exact = -2 * (0.3 * math.log(0.3) + 0.7 * math.log(0.7))
    assert lived.mean() == pytest.approx(exact, abs=5 * lived.std() / math.sqrt(paths) + step)
    assert drivers.mean() == pytest.approx(0.3, abs=5 * math.sqrt(0.21 / paths))


def test_a_jump_makes_the_logit_price_wilder_and_a_quiet_one_stays() -> None:
    calm = run([event(0.3)], [held(0)], horizon_days=0.5, model={"name": "logit_jump", "volatility": 0.2})
    wild = run([event(0.3)], [held(0)], horizon_days=0.5, model=LOGIT)
    small, large = (each["profit"]["standard_deviation"]["value"] for each in (calm, wild))
    # For small moves the price's deviation is p (1 - p) sigma sqrt(t).
    assert small == pytest.approx(0.21 * 0.2 * math.sqrt(0.5), rel=0.05)
    assert large > 3 * small


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_correlated_paths_end_as_the_copula_of_the_same_correlation(engine: str) -> None:
    rho = 0.6
    events = [event(p, cluster="c", loading=math.sqrt(rho)) for p in (0.3, 0.45)]
    found = run(events, [held(0, cost=0.9), held(1, cost=0.9)], engine=engine)["profit"]["loss_probability"]
    both = float(multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([norm.ppf(0.3), norm.ppf(0.45)]))
    assert close(found, 1 - both)


def test_the_drawdown_of_a_single_market_lies_between_nothing_and_everything() -> None:
    found = run([event(0.5)], [held(0, shares=100, cost=50)], steps=64)["drawdown"]
    values = [point["value"] for point in found["quantiles"]]
    assert 0 <= values[0] <= values[1] <= values[2] <= 100
    # A loss of everything is at least the fall from 50 to 0.
    assert found["mean"]["value"] > 25
    riskless = run([event(0.5)], [held(0), held(0, wins_on=False)])["drawdown"]
    assert riskless["mean"]["value"] == pytest.approx(0.0, abs=1e-12)


def test_the_expected_largest_price_of_a_path_is_known() -> None:
    # Doob: P(max >= b) = p0 / b, so E[max] = p0 (1 - log p0); the drawdown of a short position is max - p at its end.
    fine = run([event(0.3)], [held(0, wins_on=False)], steps=800, paths=8_000)["drawdown"]["mean"]
    # It falls from the least price seen: by symmetry the drawdown of NO has mean E[max of YES since its last low] > 0.
    assert fine["value"] > 0.3 * (1 - math.log(0.3)) - 0.3 - WITHIN * fine["standard_error"]


def test_both_engines_know_the_same_drawdowns_of_events_that_end_on_different_days() -> None:
    events = [event(0.4, 0.3, days=1.0, cluster="c", loading=0.6), event(0.7, days=2.0, cluster="c", loading=0.5)]
    book = (events, [held(0, 1), held(0, wins_on=False, shares=2), held(1, shares=3)])
    one, other = (run(*book, engine=engine, paths=60_000) for engine in ("numba", "numpy"))
    assert (one["engine"], other["engine"]) == ("numba", "numpy")
    for part, name in (("drawdown", "mean"), ("profit", "standard_deviation"), ("profit", "loss_probability")):
        error = math.hypot(one[part][name]["standard_error"], other[part][name]["standard_error"])
        assert abs(one[part][name]["value"] - other[part][name]["value"]) <= WITHIN * error


def test_threads_change_nothing_on_compiled_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.append(run([event(0.4), event(0.6)], [held(0), held(1)], paths=9_000, engine="numba"))
    assert found[0] == found[1]


def test_the_compiled_walk_means_what_its_source_says() -> None:
    from polydesk.gpu.monte_carlo import latent_paths, numba_kernel, numba_paths

    def source_of(function: Any) -> Any:
        return function.py_func

    keys = np.arange(1, 3, dtype=np.uint64)
    arguments = (
        np.array([0, 1]),
        np.array([0.1], dtype=np.float32),
        np.array([2.0]),
        -0.5,
        0.4,
        np.array([[0.6]], dtype=np.float32),
        np.array([0.8], dtype=np.float32),
        np.full((2, 1), math.sqrt(0.5), dtype=np.float32),
        np.array([[math.sqrt(2.0)], [0.0]], dtype=np.float32),
        keys,
        *latent_paths._quantile_table(),
        *latent_paths._chance_table(),
        8.0,
        256.0,
    )
    compiled, plain = np.empty((2, 64)), np.empty((2, 64))
    numba_paths.walk(*arguments, compiled[0], compiled[1])
    with np.errstate(over="ignore"), pytest.MonkeyPatch.context() as patch:
        for name in ("_begin", "_draw", "_normals"):
            patch.setattr(numba_paths, name, source_of(getattr(numba_paths, name)))
        patch.setattr(numba_kernel, "_mixed", source_of(numba_kernel._mixed))
        source_of(numba_paths.walk)(*arguments, plain[0], plain[1])
    assert plain.ravel().tolist() == pytest.approx(compiled.ravel().tolist(), abs=1e-5)


def test_events_resolve_on_their_days() -> None:
    events = [event(0.5, days=1.0), event(0.5, days=3.0)]
    found = run(events, [held(0), held(1)], horizon_days=2.0, steps=8)
    assert found["steps"] == 8 and found["horizon_days"] == 2.0
    assert run(events, [held(0)], horizon_days=50)["horizon_days"] == 3.0
    assert run(events, [held(0)], horizon_days=2.5, steps=4)["steps"] == 5
    sure = run(events, [held(0)], horizon_days=1.0)["profit"]["quantiles"]
    assert {point["value"] for point in sure} <= {0.0, 1.0}


@pytest.mark.parametrize("model", ALL)
def test_decided_outcomes_stay_decided_and_a_seed_fixes_the_rest(model: Any) -> None:
    found = run([event(1.0), event(0.0)], [held(0), held(1)], model=model, paths=500)
    assert found["profit"]["standard_deviation"]["value"] == pytest.approx(0.0, abs=1e-9)
    assert found["profit"]["mean"]["value"] == pytest.approx(1.0)
    book = ([event(0.4), event(0.2, 0.3)], [held(0), held(1, 1)])
    assert run(*book, model=model, paths=2_000) == run(*book, model=model, paths=2_000)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizon_days": 0}, "above 0 days"),
        ({"horizon_days": -3}, "above 0 days"),
        ({"steps": 0}, "steps must be"),
        ({"model": {"name": "garch"}}, "a path model is one of"),
        ({"model": {"name": "wright_fisher"}}, "needs a volatility"),
        ({"model": {"name": "logit_jump"}}, "a volatility or jumps"),
        ({"model": {"name": "logit_jump", "volatility": -1}}, "between 0 and 10"),
        ({"levels": [{"event": 0, "outcome": 0, "price": 1.0}]}, "a level lies"),
        ({"levels": [{"event": 0, "outcome": 4, "price": 0.5}]}, "no outcome 4"),
        ({"paths": 10**9}, "paths must be"),
        ({"engine": "torch"}, "an engine of paths"),
        ({"engine": "numba", "model": LOGIT}, "without levels"),
        ({"copula": {"family": "t", "degrees_of_freedom": 4}}, "Gaussian copula"),
        ({"correlation": [[1.0, 0.5], [0.5, 1.0]], "model": FISHER}, "independent of each other"),
        ({"events": [event(0.5, days=-1.0)]}, "days to resolution"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    events = changes.pop("events", [event(0.5), event(0.5)])
    with pytest.raises(ValueError, match=message):
        run(events, [held(0)], **changes)
