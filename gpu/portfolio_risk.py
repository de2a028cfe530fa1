"""Profit and loss of a book of binary outcomes whose events may be exclusive inside and correlated among each other.

One-factor Gaussian copula per cluster: an event's latent normal is loading x (its cluster's factor) + sqrt(1 -
loading^2) x (its own noise), so two events of a cluster have correlation loading x loading. The latent variable's
position among the quantiles of the cumulative outcome probabilities names the winner; exactly one outcome of an
exclusive event, or none of the listed ones, wins on every path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import estimates
from .normal_distribution import normal_quantile
from .sampling import chunks

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TAIL_LEVELS = (0.95, 0.99)
_UINT32_RANGE = 2**32


def portfolio_risk(payload: Mapping[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
    """The distribution of profit, in dollars, once every event has resolved.

    Takes `events`, each with the `probabilities` of outcomes of which at most one happens (a plain binary market
    is an event with one), `complete` (whether no other outcome can happen), a `cluster` name or None and its
    `loading` in (-1, 1); `holdings`, each with the indices `event` and `outcome`, `wins_on` (True for the shares
    that pay when the outcome happens, False for those that pay when it does not), `shares` and `cost` in dollars
    with fees; `paths` and `seed`.

    Probabilities of a complete event, and any that sum to more than 1, are scaled to sum 1; `overround` lists
    per event by how much they missed it. `expected`, `worst` and `best` are exact, the rest is simulated.
    """
    events = [_Event.parse(raw) for raw in payload["events"]]
    payouts, cost = _payouts(events, payload["holdings"])
    factors = {name: index for index, name in enumerate(dict.fromkeys(e.cluster for e in events if e.cluster))}
    payers = [
        _Payer.of(event, payout, factors) for event, payout in zip(events, payouts, strict=True) if np.any(payout)
    ]
    certain = math.fsum(payer.base for payer in payers) - cost

    paths = int(payload["paths"])
    profits = np.empty(paths)
    for rows, generator in chunks(paths, seed=int(payload["seed"]), report=report):
        drawn = profits[rows]
        drawn[:] = certain
        common = generator.standard_normal((len(factors), drawn.size), dtype=np.float32)
        for payer in payers:
            payer.add_to(drawn, common, generator)
    profits.sort()

    losses = int(np.searchsorted(profits, -estimates.SMALLEST_LOSS, side="left"))
    possible = [payout[event.possible] for event, payout in zip(events, payouts, strict=True)]
    return {
        "expected": math.fsum(float(event.chances @ pay) for event, pay in zip(events, payouts, strict=True)) - cost,
        "worst": math.fsum(float(pay.min()) for pay in possible) - cost,
        "best": math.fsum(float(pay.max()) for pay in possible) - cost,
        "cost": cost,
        "mean": estimates.mean(profits),
        "standard_deviation": estimates.standard_deviation(profits),
        "loss_probability": estimates.share(losses, paths),
        "tails": estimates.tail_losses(profits, TAIL_LEVELS),
        "quantiles": [{"level": level, **estimates.quantile(profits, level)} for level in QUANTILES],
        "overround": [event.overround for event in events],
        "paths": paths,
        "seed": int(payload["seed"]),
        "engine": "numpy",
    }


@dataclass(frozen=True, slots=True)
class _Event:
    """`chances` has one entry per listed outcome and a last one for none of them; they sum to 1."""

    chances: NDArray[np.float64]
    overround: float
    cluster: str | None
    loading: float

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> _Event:
        listed = np.array(raw["probabilities"], dtype=np.float64)
        loading = float(raw.get("loading", 0.0))
        if listed.ndim != 1 or not listed.size or not np.all((listed >= 0) & (listed <= 1)):
            raise ValueError("an event needs probabilities between 0 and 1")
        if raw["complete"] and not listed.any():
            raise ValueError("the probabilities of a complete event are not all 0")
        if not -1 < loading < 1:
            raise ValueError(f"a loading lies between -1 and 1, not {loading}")
        total = math.fsum(listed)
        if raw["complete"] or total > 1:
            listed = listed / total
        chances = np.append(listed, max(0.0, 1 - math.fsum(listed)) if not raw["complete"] else 0.0)
        overround = total - 1 if raw["complete"] or total > 1 else 0.0
        return cls(chances, overround, raw.get("cluster") if loading else None, loading)

    @property
    def possible(self) -> NDArray[np.bool_]:
        return self.chances > 0


def _payouts(
    events: Sequence[_Event], holdings: Sequence[Mapping[str, Any]]
) -> tuple[list[NDArray[np.float64]], float]:
    """Dollars paid per event by winner, and what all holdings cost."""
    payouts = [np.zeros(event.chances.size) for event in events]
    costs = []
    for holding in holdings:
        index, outcome, shares = int(holding["event"]), int(holding["outcome"]), float(holding["shares"])
        if not (0 <= index < len(events) and 0 <= outcome < events[index].chances.size - 1):
            raise ValueError(f"there is no outcome {outcome} of event {index}")
        if shares < 0:
            raise ValueError("shares must not be negative: a sold outcome is held as its opposite")
        payout = payouts[index]
        if holding["wins_on"]:
            payout[outcome] += shares
        else:
            payout += shares
            payout[outcome] -= shares
        costs.append(float(holding["cost"]))
    return payouts, math.fsum(costs)


@dataclass(frozen=True, slots=True)
class _Payer:
    """An event's payout as a staircase over its draw: `base`, plus each step whose threshold the draw is below."""

    base: float
    thresholds: tuple[np.float32 | np.uint32, ...]
    steps: tuple[float, ...]
    factor: int | None
    loading: float

    @classmethod
    def of(cls, event: _Event, payout: NDArray[np.float64], factors: Mapping[str, int]) -> _Payer:
        base = float(payout[-1])
        thresholds: list[np.float32 | np.uint32] = []
        steps = []
        for below, step in zip(np.cumsum(event.chances)[:-1], payout[:-1] - payout[1:], strict=True):
            if below >= 1 - 1e-12:
                base += float(step)
            elif below > 0 and step:
                steps.append(float(step))
                if event.cluster:
                    thresholds.append(np.float32(normal_quantile(below)))
                else:
                    thresholds.append(np.uint32(min(round(below * _UINT32_RANGE), _UINT32_RANGE - 1)))
        factor = factors[event.cluster] if event.cluster else None
        return cls(base, tuple(thresholds), tuple(steps), factor, event.loading)

    def add_to(self, profits: NDArray[np.float64], common: NDArray[np.float32], generator: np.random.Generator) -> None:
        """Draw this event once per path and add what it pays beyond `base`."""
        draw: NDArray[np.float32] | NDArray[np.uint32]
        if self.factor is None:
            # An event that depends on no other needs no normal variates: its draw is compared as an integer.
            draw = generator.integers(0, _UINT32_RANGE, profits.size, dtype=np.uint32)
        else:
            draw = generator.standard_normal(profits.size, dtype=np.float32)
            draw *= np.float32(math.sqrt(1 - self.loading**2))
            draw += np.float32(self.loading) * common[self.factor]
        for threshold, step in zip(self.thresholds, self.steps, strict=True):
            profits += (draw < threshold) * step
