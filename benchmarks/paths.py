"""A book of fifty markets followed over 64 steps: our engines and vectorised numpy, with profit and drawdown.

Latent Brownian prices, one common factor; every candidate ends with the sorted profits and drawdowns of all paths.
"""

from __future__ import annotations

import importlib.util
import math
import random
from functools import partial
from typing import Any

import numpy as np

from polydesk.gpu.monte_carlo.book_paths import book_paths
from polydesk.gpu.normal_distribution import normal_cdf, normal_quantile

from .measure import best_of
from .registry import Result

_MARKETS, _STEPS, _PATHS = 50, 64, 16_384
_LOADING = math.sqrt(0.3)
_SEED = 5


def run() -> Result:
    generator = random.Random(_SEED)
    chances = [generator.uniform(0.05, 0.95) for _ in range(_MARKETS)]
    shares = [float(generator.randrange(10, 200)) for _ in range(_MARKETS)]
    engines = ["numba", "numpy"] if importlib.util.find_spec("numba") else ["numpy"]
    seconds = best_of(
        {
            **{engine: partial(_ours, chances, shares, engine) for engine in engines},
            "vectorised numpy": lambda: _vectorised(np.array(chances), np.array(shares)),
        },
        rounds=4,
    )
    steps = _MARKETS * _STEPS * _PATHS
    ours = _ours(chances, shares, engines[0])["drawdown"]["mean"]
    theirs = float(_vectorised(np.array(chances), np.array(shares))[1].mean())
    return Result(
        about=f"{_MARKETS} markets, {_STEPS} steps, {_PATHS:,} paths, profit and drawdown",
        ratios={
            f"{engine} / vectorised numpy float64": seconds["vectorised numpy"] / seconds[engine] for engine in engines
        },
        measured={
            **{f"{name}, market steps per second": steps / taken for name, taken in seconds.items()},
            "mean drawdown: difference, in standard errors": (ours["value"] - theirs)
            / (math.sqrt(2) * ours["standard_error"]),
        },
    )


def _ours(chances: list[float], shares: list[float], engine: str) -> dict[str, Any]:
    return book_paths(
        {
            "events": [
                {"probabilities": [p], "complete": False, "days": 1.0, "cluster": "all", "loading": _LOADING}
                for p in chances
            ],
            "holdings": [
                {"event": index, "outcome": 0, "wins_on": True, "shares": size, "cost": 0.0}
                for index, size in enumerate(shares)
            ],
            "steps": _STEPS,
            "paths": _PATHS,
            "seed": _SEED,
            "engine": engine,
        },
        lambda fraction: None,
    )


def _vectorised(chances: Any, shares: Any) -> tuple[Any, Any]:
    """All paths of a step at once, in double precision; with scipy's distribution function where it is installed."""
    try:
        from scipy.special import ndtr as cdf
    except ModuleNotFoundError:
        cdf = normal_cdf
    generator = np.random.default_rng(_SEED)
    starts = normal_quantile(chances)
    motion = np.zeros((_PATHS, _MARKETS))
    peak = np.full(_PATHS, float(chances @ shares))
    fall = np.zeros(_PATHS)
    own, root = math.sqrt(1 - _LOADING**2), math.sqrt(1 / _STEPS)
    for step in range(1, _STEPS + 1):
        common = generator.standard_normal((_PATHS, 1))
        motion += root * (_LOADING * common + own * generator.standard_normal((_PATHS, _MARKETS)))
        left = 1 - step / _STEPS
        prices = cdf((starts - motion) / math.sqrt(left)) if left > 0 else (starts > motion) * 1.0
        value = prices @ shares
        np.maximum(peak, value, out=peak)
        np.maximum(fall, peak - value, out=fall)
    return np.sort(value), np.sort(fall)
