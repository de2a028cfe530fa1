"""Kelly stakes for bets on a book of events: alone, exclusive, or simultaneous and correlated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .book import Book, Staircases
from .copula import Copula
from .kelly import Scenarios, exclusive_stakes, mean_log_wealth, shrunk_fraction, simultaneous_stakes, single_stake
from .sample_estimates import Estimate, estimate
from .scenarios import winners_of_paths
from .simulation import REPLICATES

Floats = NDArray[np.float64]

_EXACT_SCENARIOS = 4096


def size_bets(payload: Mapping[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
    """Fractions of wealth to stake.

    Takes `events` and dependence as `portfolio_risk`; `bets`, each with `event`, `outcome`, `wins_on`, `price` per
    share with fees in (0, 1), and optionally `standard_error` of the event's probability; `fraction` of the Kelly
    stakes in (0, 1]; `paths` and `seed`.

    Answers `stakes`, each with its Monte Carlo standard error (0 unless `method` is monte_carlo), `full_kelly`,
    `shrinkage`, the `growth` of log wealth that the estimates promise and `method`: single, exclusive, all scenarios
    (independent events, few enough to list) or monte_carlo. Raises ValueError.
    """
    bets = payload["bets"]
    fraction = float(payload.get("fraction", 1.0))
    if not bets:
        raise ValueError("there is nothing to size")
    if not 0 < fraction <= 1:
        raise ValueError(f"the fraction of the Kelly stake lies above 0 and is 1 at most, not {fraction}")
    prices = np.array([float(bet["price"]) for bet in bets])
    errors = [float(bet.get("standard_error") or 0.0) for bet in bets]
    if not np.all((prices > 0) & (prices < 1)):
        raise ValueError("a price lies between 0 and 1, both excluded")
    if not all(error >= 0 for error in errors):
        raise ValueError("a standard error is not negative")
    book = Book.parse(payload["events"], [{**bet, "shares": 1.0, "cost": 0.0} for bet in bets])
    copula = Copula.parse(payload, payload["events"])
    chances = np.array([_chance(book, index) for index in range(len(bets))])
    stakes, method, scenarios = _full_kelly(payload, book, copula, chances, prices, report)
    shrinkage = np.array(
        [shrunk_fraction(*each) if each[2] else 1.0 for each in zip(chances, prices, errors, strict=True)]
    )
    sized = np.array([stake["value"] for stake in stakes]) * shrinkage * fraction
    report(1.0)
    return {
        "stakes": [
            estimate(size, stake["standard_error"] * shrink * fraction)
            for size, stake, shrink in zip(sized, stakes, shrinkage, strict=True)
        ],
        "full_kelly": stakes,
        "shrinkage": shrinkage.tolist(),
        "probabilities": chances.tolist(),
        "growth": mean_log_wealth(scenarios, sized),
        "overround": [event.overround for event in book.events],
        "matrix_change": copula.matrix_change,
        "method": method,
        "engine": "numpy",
        "scenarios": len(scenarios.weights) if method in ("all scenarios", "monte_carlo") else 0,
        "seed": int(payload["seed"]),
    }


def _full_kelly(
    payload: Mapping[str, Any],
    book: Book,
    copula: Copula,
    chances: Floats,
    prices: Floats,
    report: Callable[[float], None],
) -> tuple[list[Estimate], str, Scenarios]:
    events = sorted({holding.event for holding in book.holdings})
    combinations = math.prod(book.events[event].chances.size for event in events)
    if len(events) == 1:
        listed = _all_scenarios(book, events, prices)
        if len(prices) == 1:
            return [estimate(single_stake(float(chances[0]), float(prices[0])), 0.0)], "single", listed
        if _one_bet_an_outcome(book):
            return (
                [estimate(each, 0.0) for each in exclusive_stakes(chances.tolist(), prices.tolist())],
                "exclusive",
                listed,
            )
    if combinations <= _EXACT_SCENARIOS and not copula.correlated[events].any():
        listed = _all_scenarios(book, events, prices)
        return [estimate(each, 0.0) for each in simultaneous_stakes(listed)], "all scenarios", listed
    stairs = Staircases.of(book)
    winners = winners_of_paths(
        book, stairs, copula, paths=int(payload["paths"]), seed=int(payload["seed"]), report=report
    )
    returns = (
        np.stack(
            [
                holding.payout(book.events[holding.event].chances.size)[winners[holding.event]]
                for holding in book.holdings
            ],
            axis=-1,
        )
        / prices
    )
    whole = returns.reshape(-1, len(prices))
    scenarios = Scenarios(whole, np.full(len(whole), 1 / len(whole)))
    stakes = simultaneous_stakes(scenarios)
    # The optima of single replicates spread as the one over all of them does, times the root of their number.
    apart = np.array([simultaneous_stakes(Scenarios(part, np.full(len(part), 1 / len(part)))) for part in returns])
    spread = apart.std(axis=0, ddof=1) / math.sqrt(REPLICATES)
    return [estimate(*each) for each in zip(stakes, spread, strict=True)], "monte_carlo", scenarios


def _chance(book: Book, index: int) -> float:
    holding = book.holdings[index]
    chance = float(book.events[holding.event].chances[holding.outcome])
    return chance if holding.wins_on else 1 - chance


def _one_bet_an_outcome(book: Book) -> bool:
    return all(holding.wins_on for holding in book.holdings) and len(
        {holding.outcome for holding in book.holdings}
    ) == len(book.holdings)


def _all_scenarios(book: Book, events: Sequence[int], prices: Floats) -> Scenarios:
    """Every combination of winners of independent events."""
    grids = np.meshgrid(*(np.arange(book.events[event].chances.size) for event in events), indexing="ij")
    winners = {event: grid.ravel() for event, grid in zip(events, grids, strict=True)}
    weights = np.prod([book.events[event].chances[winners[event]] for event in events], axis=0)
    returns = np.stack(
        [holding.payout(book.events[holding.event].chances.size)[winners[holding.event]] for holding in book.holdings],
        axis=1,
    )
    possible = weights > 0
    return Scenarios(returns[possible] / prices, weights[possible])
