"""What can happen to one position in one binary market: its result, and its price on the way there.

The price is the probability that a Brownian motion ends above zero: with p0 now and a time T to resolution,
p_t = Phi((Phi^-1(p0) sqrt(T) + W_t) / sqrt(T - t)). It is a martingale that ends at 0 or 1 and has no free
parameter (N. Archak and P. Ipeirotis, "Modeling volatility in prediction markets", 2009).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..normal_distribution import normal_cdf, normal_quantile
from . import sample_estimates as estimates
from .sampling import chunks

Floats = NDArray[np.float64]

HORIZONS = (0.25, 0.5, 0.75, 0.9)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TAIL_LEVELS = (0.95, 0.99)
_GRID_STEPS = 48
_LAST_REMAINING = 1e-4


def market_risk(payload: Mapping[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
    """Exact and simulated risk of holding one outcome until its market resolves.

    Takes `probability` of the outcome, `price` paid per share, `shares`, `fee` in dollars, `paths`, `seed`,
    optionally `horizons` (fractions of the time to resolution) and the price levels `stop` (below the
    probability) and `target` (above it). Time is measured in fractions of what is left, so that nothing depends
    on its unit.

    Answers `exact` and `simulated` results at resolution in dollars, per horizon the price's mean and standard
    deviation (simulated) and quantiles (exact: the price is monotone in W_t), and per level the chance that the
    price touches it by each horizon (simulated) and before resolution (exact: p0 / target, and
    (1 - p0) / (1 - stop), because the price is a continuous martingale that ends at 0 or 1).
    """
    bet = _Bet.parse(payload)
    horizons = sorted({float(fraction) for fraction in payload.get("horizons", HORIZONS)})
    if not all(0 < fraction < 1 for fraction in horizons):
        raise ValueError("a horizon is a fraction of the time to resolution, between 0 and 1")
    levels = _levels(payload, bet.probability)

    paths = int(payload["paths"])
    sampled = _Sampled.empty(paths, horizons, levels)
    for rows, generator in chunks(paths, seed=int(payload["seed"]), report=report):
        _simulate(bet.probability, sampled, rows, generator)

    wins = int(np.count_nonzero(sampled.won))
    profits = np.sort(np.where(sampled.won, bet.if_right, bet.if_wrong))
    return {
        "exact": _exact(bet),
        "simulated": {
            "win_probability": estimates.share(wins, paths),
            "mean": estimates.mean(profits),
            "standard_deviation": estimates.standard_deviation(profits),
            "loss_probability": estimates.share(int(np.searchsorted(profits, -estimates.SMALLEST_LOSS)), paths),
            "tails": estimates.tail_losses(profits, TAIL_LEVELS),
        },
        "horizons": [
            {
                "fraction": fraction,
                "mean": estimates.mean(sampled.prices[index]),
                "standard_deviation": estimates.standard_deviation(sampled.prices[index]),
                "quantiles": [
                    {"level": level, "price": price}
                    for level, price in zip(
                        QUANTILES, price_quantiles(bet.probability, fraction, QUANTILES), strict=True
                    )
                ],
            }
            for index, fraction in enumerate(horizons)
        ],
        "touches": [
            {
                "level": name,
                "price": level,
                "before_resolution": float(touch_probability(bet.probability, level)),
                "simulated": estimates.mean(sampled.touched[name][-1]),
                "by_horizon": [
                    {"fraction": fraction, "probability": estimates.mean(sampled.touched[name][index])}
                    for index, fraction in enumerate(horizons)
                ],
            }
            for name, level in levels.items()
        ],
        "paths": paths,
        "seed": int(payload["seed"]),
        "engine": "numpy",
    }


def price_quantiles(probability: float, fraction: float, levels: Sequence[float]) -> list[float]:
    """Exact quantiles of the price once `fraction` of the time to resolution has passed."""
    start = normal_quantile(probability)
    moved = start + math.sqrt(fraction) * normal_quantile(levels)
    return [float(price) for price in normal_cdf(moved / math.sqrt(1 - fraction))]


@dataclass(frozen=True, slots=True)
class _Bet:
    """`if_right` and `if_wrong` are the dollars won (negative: lost) at resolution, after the fee."""

    probability: float
    if_right: float
    if_wrong: float

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> _Bet:
        probability, price, shares, fee = (float(payload[name]) for name in ("probability", "price", "shares", "fee"))
        if not (0 < probability < 1 and 0 < price < 1):
            raise ValueError("probability and price must lie between 0 and 1")
        if not (shares > 0 and fee >= 0):
            raise ValueError("shares must be positive and the fee not negative")
        return cls(probability, shares * (1 - price) - fee, -shares * price - fee)


@dataclass(frozen=True, slots=True)
class _Sampled:
    """What each path is asked for: `touched` is the chance, given the path's grid points, of having touched.

    `touched` has one row per horizon and a last one for the time until resolution.
    """

    horizons: list[float]
    levels: dict[str, float]
    won: NDArray[np.bool_]
    prices: Floats
    touched: dict[str, Floats]

    @classmethod
    def empty(cls, paths: int, horizons: list[float], levels: dict[str, float]) -> _Sampled:
        return cls(
            horizons=horizons,
            levels=levels,
            won=np.empty(paths, dtype=np.bool_),
            prices=np.empty((len(horizons), paths)),
            touched={name: np.empty((len(horizons) + 1, paths)) for name in levels},
        )


def _simulate(probability: float, sampled: _Sampled, rows: slice, generator: np.random.Generator) -> None:
    """Fill `rows` of `sampled` with fresh paths of the latent Brownian motion on a grid that ends at resolution."""
    count = rows.stop - rows.start
    latent = np.full(count, float(normal_quantile(probability)))
    thresholds = {name: float(normal_quantile(level)) for name, level in sampled.levels.items()}
    untouched = {name: np.ones(count) for name in thresholds}
    grid = _grid(sampled.horizons, fine=bool(thresholds))
    for start, end in itertools.pairwise(grid):
        step = end - start
        before = latent
        latent = before + math.sqrt(step) * generator.standard_normal(count)
        for name, threshold in thresholds.items():
            untouched[name] *= 1 - _crossing_probability(
                threshold * math.sqrt(1 - start) - before, threshold * math.sqrt(1 - end) - latent, step
            )
        if end in sampled.horizons:
            index = sampled.horizons.index(end)
            sampled.prices[index, rows] = normal_cdf(latent / math.sqrt(1 - end))
            for name in thresholds:
                sampled.touched[name][index, rows] = 1 - untouched[name]
    remaining = 1 - grid[-1]
    for name, threshold in thresholds.items():
        # Past the grid the chance to touch is known from the price reached, as it was for the whole at the start.
        final = normal_cdf(latent / math.sqrt(remaining))
        later = touch_probability(final, sampled.levels[name])
        on_its_side = (latent < threshold * math.sqrt(remaining)) == (sampled.levels[name] > probability)
        untouched[name] *= np.where(on_its_side, 1 - later, 0.0)
        sampled.touched[name][-1, rows] = 1 - untouched[name]
    sampled.won[rows] = latent + math.sqrt(remaining) * generator.standard_normal(count) > 0


def _grid(horizons: Sequence[float], *, fine: bool) -> list[float]:
    """Times from 0 to just before resolution that include the horizons.

    Only barriers need a fine grid. Its steps are a constant fraction of the time that remains, because the
    price moves faster and faster as resolution comes near.
    """
    times = {0.0, *horizons}
    if fine:
        times.update(1 - _LAST_REMAINING ** (step / _GRID_STEPS) for step in range(1, _GRID_STEPS + 1))
    return sorted(times)


def _crossing_probability(gap_before: Floats, gap_after: Floats, step: float) -> Floats:
    """The chance that a Brownian bridge reached a straight boundary within a step, from its distances to it.

    exp(-2 a b / step) while both ends are on the same side, else 1 (Brownian bridge crossing; P. Glasserman,
    Monte Carlo Methods in Financial Engineering, 2003, section 6.4).
    """
    product = gap_before * gap_after
    return np.exp(-2 * np.maximum(product, 0.0) / step)


def touch_probability(probability: ArrayLike, level: float) -> Floats:
    """Chance that the price touches `level` before resolution, from `probability` on either side of it."""
    now = np.asarray(probability, dtype=np.float64)
    return np.where(now <= level, now / level, (1 - now) / (1 - level))


def _levels(payload: Mapping[str, Any], probability: float) -> dict[str, float]:
    levels = {name: float(payload[name]) for name in ("stop", "target") if payload.get(name) is not None}
    if "stop" in levels and not 0 < levels["stop"] < probability:
        raise ValueError("the stop must lie between 0 and the probability")
    if "target" in levels and not probability < levels["target"] < 1:
        raise ValueError("the target must lie between the probability and 1")
    return levels


def _exact(bet: _Bet) -> dict[str, Any]:
    """The result has two values, so everything about it is known without drawing."""
    p, right, wrong = bet.probability, bet.if_right, bet.if_wrong
    return {
        "if_right": right,
        "if_wrong": wrong,
        "mean": p * right + (1 - p) * wrong,
        "standard_deviation": math.sqrt(p * (1 - p)) * (right - wrong),
        "loss_probability": p * (right < -estimates.SMALLEST_LOSS) + (1 - p),
        "tails": [
            {
                "level": level,
                "value_at_risk": -right if p >= level else -wrong,
                "conditional_value_at_risk": _worst_share(p, right, wrong, 1 - level),
            }
            for level in TAIL_LEVELS
        ],
    }


def _worst_share(p: float, right: float, wrong: float, tail: float) -> float:
    """Mean loss over the worst `tail` of outcomes."""
    lost = min(1 - p, tail)
    return -(lost * wrong + (tail - lost) * right) / tail
