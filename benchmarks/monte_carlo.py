"""Portfolio risk by simulation: our numpy kernel, the loop a user would write first, and plain Python.

Fifty correlated binary markets of one cluster and fifty independent ones; every candidate ends with mean, standard
deviation, probability of loss, VaR and CVaR at 95 and 99 %.
"""

from __future__ import annotations

import math
import random
from statistics import NormalDist
from typing import Any

import numpy as np

from polydesk.gpu.monte_carlo.portfolio_risk import portfolio_risk

from .measure import best_of
from .registry import Result

_MARKETS = 50
_PATHS = 1_000_000
_PYTHON_PATHS = 2_000
_LOADING = math.sqrt(0.3)
_SEED = 20_260_517


def run() -> Result:
    probabilities, shares = _book()
    agreement = _agreement(probabilities, shares)
    seconds = best_of(
        {
            "ours, correlated": lambda: _ours(probabilities, shares, _LOADING),
            "ours, independent": lambda: _ours(probabilities, shares, 0.0),
            "naive numpy, correlated": lambda: _naive_numpy(probabilities, shares, _LOADING),
            "naive numpy, independent": lambda: _naive_numpy(probabilities, shares, 0.0),
            "plain Python, correlated": lambda: _plain_python(probabilities, shares, _LOADING),
        },
        rounds=3,
    )
    paths_per_s = {
        name: (_PYTHON_PATHS if name.startswith("plain") else _PATHS) / taken for name, taken in seconds.items()
    }
    return Result(
        about=f"{_MARKETS} binary markets, {_PATHS:,} paths, with all risk figures",
        ratios={
            "correlated: ours / naive numpy (unchunked float64)": paths_per_s["ours, correlated"]
            / paths_per_s["naive numpy, correlated"],
            "independent: ours / naive numpy (unchunked float64)": paths_per_s["ours, independent"]
            / paths_per_s["naive numpy, independent"],
            "correlated: ours / plain Python": paths_per_s["ours, correlated"]
            / paths_per_s["plain Python, correlated"],
        },
        measured={
            **{f"{name}, paths per second": value for name, value in paths_per_s.items()},
            "difference of VaR 95 from naive numpy, in standard errors": agreement,
        },
    )


def _book() -> tuple[list[float], list[float]]:
    generator = random.Random(_SEED)
    return (
        [generator.uniform(0.05, 0.95) for _ in range(_MARKETS)],
        [float(generator.randrange(10, 200)) for _ in range(_MARKETS)],
    )


def _ours(probabilities: list[float], shares: list[float], loading: float) -> dict[str, Any]:
    payload = {
        "events": [
            {"probabilities": [p], "complete": False, "cluster": "all", "loading": loading} for p in probabilities
        ],
        "holdings": [
            {"event": index, "outcome": 0, "wins_on": True, "shares": size, "cost": size * probability}
            for index, (probability, size) in enumerate(zip(probabilities, shares, strict=True))
        ],
        "paths": _PATHS,
        "seed": _SEED,
    }
    return portfolio_risk(payload, lambda fraction: None)


def _naive_numpy(probabilities: list[float], shares: list[float], loading: float) -> dict[str, float]:
    """One matrix of normals for all paths at once, in double precision."""
    generator = np.random.default_rng(_SEED)
    thresholds = np.array([NormalDist().inv_cdf(p) for p in probabilities])
    normals = generator.standard_normal((_PATHS, _MARKETS))
    if loading:
        correlation = np.full((_MARKETS, _MARKETS), loading**2)
        np.fill_diagonal(correlation, 1.0)
        normals = normals @ np.linalg.cholesky(correlation).T
    won = normals < thresholds
    size = np.array(shares)
    profits = np.where(won, size * (1 - np.array(probabilities)), -size * np.array(probabilities)).sum(axis=1)
    figures = {"mean": profits.mean(), "sd": profits.std(), "loss": (profits < 0).mean()}
    for level in (0.95, 0.99):
        at_risk = -np.quantile(profits, 1 - level)
        figures[f"var {level}"] = at_risk
        figures[f"cvar {level}"] = -profits[profits <= -at_risk].mean()
    return {name: float(value) for name, value in figures.items()}


def _plain_python(probabilities: list[float], shares: list[float], loading: float) -> dict[str, float]:
    generator = random.Random(_SEED)
    thresholds = [NormalDist().inv_cdf(p) for p in probabilities]
    own = math.sqrt(1 - loading**2)
    profits = []
    for _ in range(_PYTHON_PATHS):
        factor = loading * generator.gauss(0, 1)
        profit = 0.0
        for threshold, probability, size in zip(thresholds, probabilities, shares, strict=True):
            won = factor + own * generator.gauss(0, 1) < threshold
            profit += size * (1 - probability) if won else -size * probability
        profits.append(profit)
    profits.sort()
    mean = sum(profits) / len(profits)
    figures = {
        "mean": mean,
        "sd": math.sqrt(sum((profit - mean) ** 2 for profit in profits) / len(profits)),
        "loss": sum(profit < 0 for profit in profits) / len(profits),
    }
    for level in (0.95, 0.99):
        tail = profits[: round((1 - level) * len(profits))]
        figures[f"var {level}"] = -tail[-1]
        figures[f"cvar {level}"] = -sum(tail) / len(tail)
    return figures


def _agreement(probabilities: list[float], shares: list[float]) -> float:
    tail = _ours(probabilities, shares, _LOADING)["tails"][0]["value_at_risk"]
    other = _naive_numpy(probabilities, shares, _LOADING)["var 0.95"]
    return float((tail["value"] - other) / (math.sqrt(2) * tail["standard_error"]))
