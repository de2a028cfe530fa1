"""Portfolio risk by simulation: our engines, the loop a user would write first, and plain Python.

Fifty correlated binary markets of one cluster and fifty independent ones; every candidate ends with mean, standard
deviation, probability of loss, VaR and CVaR at 95 and 99 %. A chance of 1e-4 is compared by the processor time that
each way needs for the same standard error.
"""

from __future__ import annotations

import importlib.util
import math
import random
import time
from collections.abc import Callable
from functools import partial
from statistics import NormalDist
from typing import Any

import numpy as np

from polydesk.gpu.monte_carlo import sample_estimates
from polydesk.gpu.monte_carlo.book import Book, Staircases
from polydesk.gpu.monte_carlo.copula import Copula
from polydesk.gpu.monte_carlo.exact import exact_distribution
from polydesk.gpu.monte_carlo.portfolio_risk import portfolio_risk

from .measure import best_of
from .registry import Result

_MARKETS = 50
_PATHS = 1_000_000
_MORE_PATHS = 10_000_000
_PYTHON_PATHS = 2_000
_TAIL_PATHS = 65_536
_LOADING = math.sqrt(0.3)
_RARE = 1e-4
_SEED = 20_260_517

Book50 = tuple[list[float], list[float]]


def run() -> Result:
    book = _book()
    engines = [name for name in ("numba", "torch", "numpy") if name == "numpy" or importlib.util.find_spec(name)]
    candidates: dict[str, Callable[[], object]] = {}
    for engine in engines:
        candidates[f"{engine}, correlated"] = partial(_ours, book, _LOADING, engine=engine)
        candidates[f"{engine}, independent"] = partial(_ours, book, 0.0, engine=engine)
    candidates |= {
        "naive numpy, correlated": lambda: _figures(_naive_profits(book, _LOADING)),
        "naive numpy, independent": lambda: _figures(_naive_profits(book, 0.0)),
        "plain Python, correlated": lambda: _plain_python(book, _LOADING),
        "exact": lambda: _ours(book, _LOADING, method="exact"),
    }
    seconds = best_of(candidates, rounds=3)
    exact_s = seconds.pop("exact")
    speed = {name: (_PYTHON_PATHS if name.startswith("plain") else _PATHS) / taken for name, taken in seconds.items()}
    ratios = {}
    for engine in engines:
        for kind in ("correlated", "independent"):
            ratios[f"{kind}: {engine} / vectorised numpy float64"] = (
                speed[f"{engine}, {kind}"] / speed[f"naive numpy, {kind}"]
            )
    best = engines[0]
    ratios[f"correlated: {best} / plain Python"] = speed[f"{best}, correlated"] / speed["plain Python, correlated"]
    measured = {f"{name}, paths per second": value for name, value in speed.items()}
    if best == "numba":
        more = best_of({"ours": lambda: _ours(book, _LOADING, paths=_MORE_PATHS)}, rounds=2)["ours"]
        measured["numba, correlated, 10,000,000 paths, paths per second"] = _MORE_PATHS / more
    measured |= _errors(book, best)
    tail_ratios, tail = _tail(book, best)
    measured |= tail | {
        "exact distribution, s": exact_s,
        "exact distribution, error against 160 nodes": _convergence(book),
    }
    return Result(
        about=f"{_MARKETS} binary markets, {_PATHS:,} paths, with all risk figures",
        ratios=ratios | tail_ratios,
        measured=measured,
    )


def _book() -> Book50:
    generator = random.Random(_SEED)
    return (
        [generator.uniform(0.05, 0.95) for _ in range(_MARKETS)],
        [float(generator.randrange(10, 200)) for _ in range(_MARKETS)],
    )


def _payload(book: Book50, loading: float) -> dict[str, Any]:
    return {
        "events": [{"probabilities": [p], "complete": False, "cluster": "all", "loading": loading} for p in book[0]],
        "holdings": [
            {"event": index, "outcome": 0, "wins_on": True, "shares": size, "cost": size * probability}
            for index, (probability, size) in enumerate(zip(*book, strict=True))
        ],
        "seed": _SEED,
    }


def _ours(book: Book50, loading: float, *, paths: int = _PATHS, **options: Any) -> dict[str, Any]:
    return portfolio_risk({**_payload(book, loading), "paths": paths, **options}, lambda fraction: None)


def _naive_profits(book: Book50, loading: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """One matrix of normals for all paths at once, in double precision."""
    generator = np.random.default_rng(_SEED)
    probabilities, size = (np.array(each) for each in book)
    thresholds = np.array([NormalDist().inv_cdf(p) for p in probabilities])
    normals = generator.standard_normal((_PATHS, _MARKETS))
    if loading:
        correlation = np.full((_MARKETS, _MARKETS), loading**2)
        np.fill_diagonal(correlation, 1.0)
        normals = normals @ np.linalg.cholesky(correlation).T
    won = normals < thresholds
    return np.asarray(np.where(won, size * (1 - probabilities), -size * probabilities).sum(axis=1))


def _figures(profits: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    figures = {"mean": profits.mean(), "sd": profits.std(), "loss": (profits < 0).mean()}
    for level in (0.95, 0.99):
        at_risk = -np.quantile(profits, 1 - level)
        figures[f"var {level}"] = at_risk
        figures[f"cvar {level}"] = -profits[profits <= -at_risk].mean()
    return {name: float(value) for name, value in figures.items()}


def _plain_python(book: Book50, loading: float) -> dict[str, float]:
    generator = random.Random(_SEED)
    thresholds = [NormalDist().inv_cdf(p) for p in book[0]]
    own = math.sqrt(1 - loading**2)
    profits = []
    for _ in range(_PYTHON_PATHS):
        factor = loading * generator.gauss(0, 1)
        profit = 0.0
        for threshold, probability, size in zip(thresholds, *book, strict=True):
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


def _errors(book: Book50, engine: str) -> dict[str, float]:
    """How near both are to the exact figures, and their standard errors against each other."""
    exact = _ours(book, _LOADING, method="exact")["tails"]
    ours = _ours(book, _LOADING, engine=engine)["tails"]
    naive = sample_estimates.tail_losses(np.sort(_naive_profits(book, _LOADING)), (0.95, 0.99))
    found = {}
    for index, level in enumerate(("95", "99")):
        name = "conditional_value_at_risk"
        mine, theirs, true = (each[index][name] for each in (ours, naive, exact))
        found[f"CVaR {level}: standard error, ours / naive numpy"] = mine["standard_error"] / theirs["standard_error"]
        found[f"CVaR {level}: ours off the exact value, in standard errors"] = (mine["value"] - true["value"]) / mine[
            "standard_error"
        ]
    return found


def _tail(book: Book50, engine: str) -> tuple[dict[str, float], dict[str, float]]:
    """Processor seconds for one standard error of the chance of a rare loss."""
    stairs, copula = _parsed(book)
    distribution = exact_distribution(stairs, copula)
    place = int(np.searchsorted(np.cumsum(distribution.chances), _RARE))
    loss, chance = -float(distribution.profits[place]), float(distribution.chances[: place + 1].sum())

    def shifted() -> Any:
        return _ours(book, _LOADING, paths=_TAIL_PATHS, tail_loss=loss, engine=engine)["tail"]["probability"]

    def plain() -> object:
        return _figures(_naive_profits(book, _LOADING))

    def compiled() -> object:
        return _ours(book, _LOADING, engine=engine)

    found = shifted()
    error = float(found["standard_error"])
    needed = chance * (1 - chance) / error**2
    ours_s, naive_s, same_engine_s = (_processor_s(each) for each in (shifted, plain, compiled))
    return {
        "chance of 1e-4: processor time, naive numpy / importance sampling": naive_s * needed / _PATHS / ours_s,
        f"chance of 1e-4: processor time, plain {engine} / importance sampling": same_engine_s
        * needed
        / _PATHS
        / ours_s,
    }, {
        "chance of 1e-4: standard error / chance": error / chance,
        "chance of 1e-4: off the exact value, in standard errors": (float(found["value"]) - chance) / error,
        "chance of 1e-4: plain paths for the same error": needed,
    }


def _processor_s(work: Callable[[], object]) -> float:
    work()
    taken = []
    for _ in range(3):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


def _convergence(book: Book50) -> float:
    stairs, copula = _parsed(book)
    one, other = (exact_distribution(stairs, copula, nodes=nodes).chances for nodes in (96, 160))
    return float(np.abs(np.cumsum(one) - np.cumsum(other)).max())


def _parsed(book: Book50) -> tuple[Staircases, Copula]:
    payload = _payload(book, _LOADING)
    return Staircases.of(Book.parse(payload["events"], payload["holdings"])), Copula.parse(payload, payload["events"])
