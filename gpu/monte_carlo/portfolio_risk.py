"""Profit and loss of a book whose events may be exclusive inside and correlated among each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import devices
from .book import Book, Staircases
from .copula import Copula
from .engines import choose_engine
from .exact import LARGEST_LATTICE, ExactDistribution, PayoutLattice, exact_distribution, exact_factors
from .figures import ProfitFigures
from .importance import tail_probability
from .marginal_risk import exact_marginals, simulated_marginals
from .sample_estimates import SMALLEST_LOSS
from .simulation import Layout, Simulation

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TAIL_LEVELS = (0.95, 0.99)
METHODS = ("auto", "exact", "monte_carlo")

Report = Callable[[float], None]


def portfolio_risk(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The distribution of profit, in dollars, once every event has resolved.

    Takes `events`, each with the `probabilities` of outcomes of which at most one happens (a plain binary market is an
    event with one) and `complete` (whether no other outcome can happen); `holdings`, each with the indices `event` and
    `outcome`, `wins_on` (True for the shares that pay when the outcome happens, False for those that pay when it does
    not), `shares` and `cost` in dollars with fees; `paths` and `seed`. Optionally:

    - dependence: a `cluster` name and a `loading` in (-1, 1) per event (two events of a cluster have the correlation
      loading x loading), or a `correlation` matrix between all events; `copula`, see Copula.parse;
    - `method`: exact, monte_carlo, or auto, which is exact where every event hangs on one factor at most;
    - `engine` and `device` of the simulation, see choose_engine; a device whose memory runs out gives way to the
      processor, and `engine` in the answer says so;
    - `marginals`: whether to split the conditional value at risk over the holdings;
    - `bins`: of how many equal bins, from `worst` to `best`, the answer's `histogram` has the shares of profits;
    - `tail_loss`: dollars whose chance of being lost is wanted, by importance sampling where it is simulated.

    An event's latent variable names its winner by its place among the quantiles of the cumulative chances, so that
    exactly one outcome, or none of the listed ones, happens on every path. Probabilities of a complete event, and any
    that sum to more than 1, are scaled to sum 1; `overround` lists per event by how much they missed it. `expected`,
    `worst` and `best` are exact; every other figure has its standard error, 0 where `method` is exact. Raises
    ValueError.
    """
    book = Book.parse(payload["events"], payload["holdings"])
    copula = Copula.parse(payload, payload["events"])
    stairs = Staircases.of(book)
    method = _method(payload, stairs, copula)
    report(0.0)
    answer = {
        "expected": book.expected,
        "worst": book.worst,
        "best": book.best,
        "cost": book.cost,
        "overround": [event.overround for event in book.events],
        "matrix_change": copula.matrix_change,
        "method": method,
        "seed": int(payload["seed"]),
    }
    if method == "exact":
        found = exact_distribution(stairs, copula)
        answer |= _figures(found) | _histogram(payload, book, found)
        answer |= {"paths": 0, "engine": "numpy", "rounding": found.lattice.rounding}
        if payload.get("marginals"):
            answer["marginals"] = exact_marginals(book, stairs, copula, levels=TAIL_LEVELS, distribution=found)
        if payload.get("tail_loss") is not None:
            answer["tail"] = {
                "loss": float(payload["tail_loss"]),
                "probability": found.probability_of_losing(float(payload["tail_loss"])),
                "method": "exact",
            }
        report(1.0)
        return answer
    return answer | _simulated(payload, book, stairs, copula, report)


def _simulated(
    payload: Mapping[str, Any], book: Book, stairs: Staircases, copula: Copula, report: Report
) -> dict[str, Any]:
    seed = int(payload["seed"])
    if seed < 0:
        raise ValueError(f"the seed must not be negative, not {seed}")
    layout = Layout.of(int(payload["paths"]))
    engine = choose_engine(
        payload.get("engine", "auto"), device=payload.get("device"), draws=layout.paths * stairs.drawn.size
    )
    try:
        return _figures_of(payload, book, Simulation(stairs, copula, layout, seed, engine), report)
    except Exception as error:
        if engine.device == "cpu" or not devices.is_out_of_memory(error):
            raise
    devices.release_memory()
    on_processor = choose_engine(device="cpu")
    return _figures_of(payload, book, Simulation(stairs, copula, layout, seed, on_processor), report)


def _figures_of(payload: Mapping[str, Any], book: Book, simulation: Simulation, report: Report) -> dict[str, Any]:
    share_done = 0.5 if payload.get("tail_loss") is not None else 1.0
    found = ProfitFigures(simulation.profits(lambda fraction: report(fraction * share_done)))
    answer = _figures(found) | _histogram(payload, book, found)
    answer |= {
        "paths": simulation.layout.paths,
        "engine": simulation.engine.name,
        "rounding": 0.0,
    }
    if payload.get("marginals"):
        answer["marginals"] = simulated_marginals(book, simulation, levels=TAIL_LEVELS, tails=answer["tails"])
    if payload.get("tail_loss") is not None:
        loss = float(payload["tail_loss"])
        tail = tail_probability(
            simulation, loss, tolerance=SMALLEST_LOSS, report=lambda fraction: report((1 + fraction) / 2)
        )
        answer["tail"] = {
            "loss": loss,
            "probability": tail.probability,
            "mean_loss": tail.mean_loss,
            "method": "importance sampling",
        }
    return answer


def _figures(found: ProfitFigures | ExactDistribution) -> dict[str, Any]:
    # First, because the tails' quantiles are among them, and all of them together take little longer than one.
    quantiles = found.quantiles(QUANTILES)
    return {
        "mean": found.mean(),
        "standard_deviation": found.standard_deviation(),
        "loss_probability": found.loss_probability(),
        "tails": found.tail_losses(TAIL_LEVELS),
        "quantiles": [{"level": level, **quantile} for level, quantile in zip(QUANTILES, quantiles, strict=True)],
    }


def _histogram(payload: Mapping[str, Any], book: Book, found: ProfitFigures | ExactDistribution) -> dict[str, Any]:
    """None where the profit is certain, and unless it is asked for."""
    if not payload.get("bins") or book.best - book.worst < SMALLEST_LOSS:
        return {}
    # A hair wider, so that the sums of floats at either end fall into a bin.
    hair = (book.best - book.worst) * 1e-9
    return {"histogram": found.histogram(int(payload["bins"]), low=book.worst - hair, high=book.best + hair)}


def _method(payload: Mapping[str, Any], stairs: Staircases, copula: Copula) -> str:
    """What is asked for, or what fits best. Raises ValueError for a method that does not exist."""
    wanted = payload.get("method", "monte_carlo")
    if wanted not in METHODS:
        raise ValueError(f"a method is one of {', '.join(METHODS)}, not {wanted!r}")
    if wanted != "auto":
        return str(wanted)
    if exact_factors(stairs, copula) is None:
        return "monte_carlo"
    lattice = PayoutLattice.of(stairs)
    correlated = bool(np.any(copula.correlated[stairs.drawn]))
    affordable = stairs.drawn.size * lattice.size <= (_AFFORDABLE if correlated else LARGEST_LATTICE * 100)
    return "exact" if lattice.rounding == 0 and affordable else "monte_carlo"


_AFFORDABLE = 2_000_000
"""Events times lattice points for which the quadrature takes about a second."""
