"""A book on its way to resolution: its value at a horizon, its drawdown, and which price levels are touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import numba_installed
from . import sample_estimates as estimates
from .book import Book
from .copula import Copula
from .latent_paths import walk_latent
from .path_models import LatentBrownian, Outcomes, PathModel, path_model, touch_probability
from .sampling import check_paths, chunks

Floats = NDArray[np.float64]

TAIL_LEVELS = (0.95, 0.99)
QUANTILES = (0.05, 0.5, 0.95)
MAX_STEPS = 1000


def book_paths(payload: Mapping[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
    """Simulated paths of every price, and what they do to the book. Dollars.

    Takes `events` with `days` to resolution each, dependence and `holdings` as `portfolio_risk`; `horizon_days`, or
    None for the last resolution; `steps` of equal length, to which resolutions are added; `model` (see path_model);
    `levels`, each an `event`, `outcome` and `price` whose touch before the horizon is wanted; `paths`, `seed` and
    `engine`: numba knows latent Brownian paths without levels, numpy all.

    Answers the `profit` at the horizon (value less cost), the `drawdown`, the largest fall from a peak seen at the
    steps, and per level the chance to be touched: at the steps and, by the Brownian bridge, between them;
    `before_resolution` is exact where the model is continuous (price over level, or the same of the other side).
    Correlation between events that resolve on different days acts while both are open. Raises ValueError.
    """
    book = Book.parse(payload["events"], payload["holdings"])
    copula = Copula.parse(payload, payload["events"])
    if copula.degrees is not None:
        raise ValueError("price paths take a Gaussian copula: a t copula has no paths of this kind")
    days = [float(event["days"]) for event in payload["events"]]
    if not all(0 < each < 1e5 for each in days):
        raise ValueError("days to resolution lie above 0")
    last = max(days)
    horizon = last if payload.get("horizon_days") is None else float(payload["horizon_days"])
    steps = int(payload.get("steps", 64))
    if not horizon > 0:
        raise ValueError(f"a horizon lies above 0 days, not {horizon:g}")
    if not 1 <= steps <= MAX_STEPS:
        raise ValueError(f"steps must be between 1 and {MAX_STEPS}, not {steps}")
    horizon = min(horizon, last)
    outcomes = Outcomes.of(book.events, days)
    model = path_model(payload.get("model"), outcomes)
    if not model.takes_correlation and copula.correlated.any():
        raise ValueError("Wright-Fisher paths are independent of each other: leave the correlation out")
    grid = sorted({horizon * step / steps for step in range(1, steps + 1)} | {each for each in days if each < horizon})
    levels = _levels(payload.get("levels") or [], outcomes)

    paths, seed = int(payload["paths"]), int(payload["seed"])
    check_paths(paths, seed=seed)
    engine = _engine(payload, model, levels)
    touched = np.empty((len(levels), paths))
    if engine == "numba":
        profit, drawdown = walk_latent(book, copula, resolves=days, grid=grid, paths=paths, seed=seed, report=report)
    else:
        walk = _Walk(book, copula, outcomes, model, [0.0, *grid], levels)
        profit, drawdown = np.empty(paths), np.empty(paths)
        for rows, generator in chunks(paths, seed=seed, report=report):
            walk.fill(profit[rows], drawdown[rows], touched[:, rows], generator)
    profit.sort()
    drawdown.sort()
    losses = int(np.searchsorted(profit, -estimates.SMALLEST_LOSS, side="left"))
    return {
        "profit": {
            "mean": estimates.mean(profit),
            "standard_deviation": estimates.standard_deviation(profit),
            "loss_probability": estimates.share(losses, paths),
            "tails": estimates.tail_losses(profit, TAIL_LEVELS),
            "quantiles": [{"level": level, **estimates.quantile(profit, level)} for level in QUANTILES],
        },
        "drawdown": {
            "mean": estimates.mean(drawdown),
            "quantiles": [{"level": level, **estimates.quantile(drawdown, level)} for level in QUANTILES],
        },
        "touches": [
            {
                "event": int(outcomes.event[level.outcome]),
                "outcome": int(level.outcome - outcomes.first[outcomes.event[level.outcome]]),
                "price": level.price,
                "by_horizon": estimates.mean(touched[index]),
                "before_resolution": float(touch_probability(outcomes.chances[level.outcome], level.price))
                if model.continuous_to_the_end
                else None,
            }
            for index, level in enumerate(levels)
        ],
        "horizon_days": horizon,
        "steps": len(grid),
        "overround": [event.overround for event in book.events],
        "matrix_change": copula.matrix_change,
        "model": (payload.get("model") or {}).get("name", "latent_brownian"),
        "paths": paths,
        "seed": seed,
        "engine": engine,
    }


def _engine(payload: Mapping[str, Any], model: PathModel, levels: Sequence[_Level]) -> str:
    """numba where it is installed and knows how: latent Brownian paths without levels. Raises ValueError."""
    wanted = payload.get("engine", "auto")
    knows = isinstance(model, LatentBrownian) and not levels
    if wanted == "numba" and not (knows and numba_installed()):
        raise ValueError("numba walks latent Brownian paths without levels, where it is installed")
    if wanted not in ("auto", "numba", "numpy"):
        raise ValueError(f"an engine of paths is auto, numba or numpy, not {wanted!r}")
    return "numba" if wanted != "numpy" and knows and numba_installed() else "numpy"


@dataclass(frozen=True, slots=True)
class _Level:
    outcome: int
    price: float
    upward: bool

    def reached(self, prices: Floats) -> NDArray[np.bool_]:
        price = prices[:, self.outcome]
        return np.asarray(price >= self.price if self.upward else price <= self.price)


@dataclass(frozen=True, slots=True)
class _Walk:
    book: Book
    copula: Copula
    outcomes: Outcomes
    model: PathModel
    grid: list[float]
    levels: list[_Level]

    def fill(self, profit: Floats, drawdown: Floats, touched: Floats, generator: np.random.Generator) -> None:
        """Walk fresh paths over the grid."""
        weights, constant = self._value_weights()
        events = self.model.event_of_driver
        loadings, own = self.copula.loadings[events], self.copula.own[events]
        count = profit.size
        drivers = self.model.start(count)
        prices = self.model.prices(drivers, 0.0)
        value = prices @ weights + constant
        peak = value.copy()
        fall = np.zeros(count)
        untouched = np.ones((len(self.levels), count))
        for start, end in zip(self.grid, self.grid[1:], strict=False):
            common = generator.standard_normal((count, loadings.shape[1])) @ loadings.T
            normals = common + own * generator.standard_normal((count, events.size))
            following = self.model.advance(drivers, normals, start=start, end=end, generator=generator)
            new_prices = self.model.prices(following, end)
            for index, level in enumerate(self.levels):
                untouched[index] *= self._not_touched(level, drivers, prices, following, new_prices, start, end)
            drivers, prices = following, new_prices
            value = prices @ weights + constant
            np.maximum(peak, value, out=peak)
            np.maximum(fall, peak - value, out=fall)
        profit[:] = value
        drawdown[:] = fall
        touched[:] = 1 - untouched

    def _not_touched(
        self, level: _Level, before: Floats, prices: Floats, after: Floats, new_prices: Floats, start: float, end: float
    ) -> Floats:
        """P(the level is not touched within the step), given its ends; 0 once an end is beyond it."""
        lasts = self.outcomes.resolves[self.outcomes.event[level.outcome]]
        if start >= lasts:
            return np.ones(len(before))
        beyond = level.reached(prices)
        if end >= lasts and self.model.continuous_to_the_end:
            # Up to resolution the chance is known from the price, wherever the path then goes.
            return np.where(beyond, 0.0, 1 - touch_probability(prices[:, level.outcome], level.price))
        beyond |= level.reached(new_prices)
        crossing = self.model.crossing(before, after, outcome=level.outcome, level=level.price, start=start, end=end)
        return np.where(beyond, 0.0, 1 - crossing)

    def _value_weights(self) -> tuple[Floats, float]:
        """The book's value less its cost is prices @ weights + constant."""
        weights = np.zeros(self.outcomes.event.size)
        constant = -self.book.cost
        for holding in self.book.holdings:
            place = int(self.outcomes.first[holding.event]) + holding.outcome
            weights[place] += holding.shares if holding.wins_on else -holding.shares
            constant += 0.0 if holding.wins_on else holding.shares
        return weights, constant


def _levels(raw: Sequence[Mapping[str, Any]], outcomes: Outcomes) -> list[_Level]:
    levels = []
    for each in raw:
        event, outcome, price = int(each["event"]), int(each["outcome"]), float(each["price"])
        if not 0 <= event < outcomes.first.size or not 0 <= outcome < int(np.sum(outcomes.event == event)):
            raise ValueError(f"there is no outcome {outcome} of event {event}")
        if not 0 < price < 1:
            raise ValueError("a level lies between 0 and 1, both excluded")
        place = int(outcomes.first[event]) + outcome
        levels.append(_Level(place, price, upward=price >= outcomes.chances[place]))
    return levels
