"""How prices may move on their way to resolution: three martingales that end at 0 or 1.

Each model moves `drivers`, a few numbers per path, by one normal variate each per step, and reads the prices of all
listed outcomes from them. Time is in days.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..normal_distribution import normal_cdf, normal_density, normal_quantile
from .book import Event

Floats = NDArray[np.float64]

MODELS = ("latent_brownian", "logit_jump", "wright_fisher")


class PathModel(Protocol):
    """`event_of_driver` names the event whose loadings a driver's normal variates have.

    `continuous_to_the_end` says that the price reaches its 0 or 1 without a jump at resolution.
    """

    event_of_driver: NDArray[np.int64]
    takes_correlation: bool
    continuous_to_the_end: bool

    def start(self, paths: int) -> Floats:
        """Drivers now, of shape (paths, drivers)."""
        ...

    def advance(
        self, drivers: Floats, normals: Floats, *, start: float, end: float, generator: np.random.Generator
    ) -> Floats:
        """Drivers at `end`; events that resolve by then have theirs decided."""
        ...

    def prices(self, drivers: Floats, time: float) -> Floats:
        """Of shape (paths, listed outcomes of all events)."""
        ...

    def crossing(
        self, before: Floats, after: Floats, *, outcome: int, level: float, start: float, end: float
    ) -> Floats:
        """P(the price of a listed outcome touched `level` within the step), given both ends on the same side."""
        ...


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The listed outcomes of all events in one row: whose they are and when they resolve, in days."""

    event: NDArray[np.int64]
    chances: Floats
    first: NDArray[np.int64]
    resolves: Floats

    @classmethod
    def of(cls, events: Sequence[Event], days: Sequence[float]) -> Outcomes:
        sizes = [event.chances.size - 1 for event in events]
        return cls(
            event=np.repeat(np.arange(len(events)), sizes),
            chances=np.concatenate([event.chances[:-1] for event in events]),
            first=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64),
            resolves=np.array(days, dtype=np.float64),
        )

    @property
    def alone(self) -> NDArray[np.bool_]:
        """Whether an outcome is the only one listed of its event."""
        return np.asarray(np.bincount(self.event)[self.event] == 1)


class LatentBrownian:
    """The price is the chance that a Brownian motion ends below a boundary at resolution.

    p_t = Phi((Phi^-1(p0) sqrt(T) - W_t) / sqrt(T - t)): a martingale without a free parameter (N. Archak and
    P. Ipeirotis, "Modeling volatility in prediction markets", 2009). The outcomes of an event share one motion.
    """

    takes_correlation = True
    continuous_to_the_end = True

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        self.event_of_driver = np.arange(outcomes.resolves.size)
        cumulative = np.cumsum(outcomes.chances)
        before = np.concatenate([[0.0], cumulative])[outcomes.first][outcomes.event]
        below = np.clip(cumulative - before, 0.0, 1.0)
        below[below > 1 - 1e-12] = 1.0
        self._boundaries = normal_quantile(below)

    def start(self, paths: int) -> Floats:
        return np.zeros((paths, self.event_of_driver.size))

    def advance(
        self, drivers: Floats, normals: Floats, *, start: float, end: float, generator: np.random.Generator
    ) -> Floats:
        lasts = self._outcomes.resolves
        share = np.clip(np.minimum(end, lasts) - start, 0.0, None) / lasts
        return drivers + np.sqrt(share) * normals

    def prices(self, drivers: Floats, time: float) -> Floats:
        event = self._outcomes.event
        left = 1 - np.minimum(time / self._outcomes.resolves[event], 1.0)
        distance = self._boundaries - drivers[:, event]
        resolved = left <= 0
        below = np.empty(distance.shape)
        below[:, resolved] = distance[:, resolved] > 0
        below[:, ~resolved] = normal_cdf(distance[:, ~resolved] / np.sqrt(left[~resolved]))
        inside = np.ones(event.size, dtype=np.bool_)
        inside[self._outcomes.first] = False
        below[:, inside] -= np.roll(below, 1, axis=1)[:, inside]
        return below

    def crossing(
        self, before: Floats, after: Floats, *, outcome: int, level: float, start: float, end: float
    ) -> Floats:
        event = int(self._outcomes.event[outcome])
        lasts = float(self._outcomes.resolves[event])
        step = (min(end, lasts) - start) / lasts
        if step <= 0:
            return np.zeros(len(before))
        if self._outcomes.alone[outcome]:
            threshold = float(normal_quantile(level))
            gaps = [
                self._boundaries[outcome] - drivers[:, event] - threshold * math.sqrt(max(1 - time / lasts, 0.0))
                for drivers, time in ((before, start), (after, end))
            ]
            return bridge_crossing(gaps[0], gaps[1], step)
        left = 1 - start / lasts
        upper = normal_density((self._boundaries[outcome] - before[:, event]) / math.sqrt(left))
        lower = np.zeros_like(upper)
        if outcome not in self._outcomes.first:
            lower = normal_density((self._boundaries[outcome - 1] - before[:, event]) / math.sqrt(left))
        speed = np.abs(upper - lower) / math.sqrt(left)
        gap_before = level - self.prices(before, start)[:, outcome]
        gap_after = level - self.prices(after, end)[:, outcome]
        return bridge_crossing(gap_before, gap_after, np.maximum(speed**2 * step, 1e-300))


class _Sticks:
    """Models in which each listed outcome has a driver of its own: its chance, given that none before it happens.

    Breaking the stick this way keeps an event's prices martingales that sum to 1 at most, whatever moves the drivers.
    At resolution the outcome is drawn with the price then, which is a jump.
    """

    takes_correlation = True
    continuous_to_the_end = False

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        self.event_of_driver = outcomes.event
        cumulative = np.cumsum(outcomes.chances) - outcomes.chances
        before = cumulative - cumulative[outcomes.first][outcomes.event]
        left = np.maximum(1 - before, 1e-300)
        self._sticks = np.clip(outcomes.chances / left, 0.0, 1.0)
        self._sticks[self._sticks > 1 - 1e-12] = 1.0

    def start(self, paths: int) -> Floats:
        return np.tile(self._sticks, (paths, 1))

    def prices(self, drivers: Floats, time: float) -> Floats:
        prices = np.empty_like(drivers)
        left = np.ones(len(drivers))
        for outcome in range(drivers.shape[1]):
            if outcome in self._outcomes.first:
                left = np.ones(len(drivers))
            prices[:, outcome] = drivers[:, outcome] * left
            left = left * (1 - drivers[:, outcome])
        return prices

    def _resolved(self, sticks: Floats, *, start: float, end: float, generator: np.random.Generator) -> Floats:
        lasts = self._outcomes.resolves[self._outcomes.event]
        now = (lasts > start) & (lasts <= end)
        if now.any():
            sticks[:, now] = generator.random((len(sticks), int(now.sum()))) < sticks[:, now]
        return sticks


class LogitJumpDiffusion(_Sticks):
    """The log-odds diffuse and jump, with the drift that makes the price a martingale.

    "Belief volatility" sigma per root of a day, jumps at a rate per day with normal sizes (S. Dalen, "Toward
    Black-Scholes for prediction markets", arXiv:2510.15205, 2025). The drift is solved for the length of the step and
    tabulated, so that the mean does not wander however long steps are. There is one jump in a step at most.
    """

    def __init__(self, outcomes: Outcomes, *, volatility: float, jump_rate: float, jump_size: float) -> None:
        super().__init__(outcomes)
        self._volatility, self._jump_rate, self._jump_size = volatility, jump_rate, jump_size
        self._drifts: dict[float, Floats] = {}

    def advance(
        self, drivers: Floats, normals: Floats, *, start: float, end: float, generator: np.random.Generator
    ) -> Floats:
        step = end - start
        alive = (drivers > 0) & (drivers < 1) & (self._outcomes.resolves[self._outcomes.event] > start)
        odds = np.clip(_logit(np.clip(drivers, 1e-12, 1 - 1e-12)), -_FAR, _FAR)
        moved = odds + np.interp(odds, _ODDS, self._drift(step)) + self._volatility * math.sqrt(step) * normals
        if self._jump_rate > 0:
            jumped = generator.random(drivers.shape) < -math.expm1(-self._jump_rate * step)
            moved[jumped] += self._jump_size * generator.standard_normal(int(jumped.sum()))
        return self._resolved(np.where(alive, _logistic(moved), drivers), start=start, end=end, generator=generator)

    def crossing(
        self, before: Floats, after: Floats, *, outcome: int, level: float, start: float, end: float
    ) -> Floats:
        one, two = before[:, outcome], after[:, outcome]
        if not self._outcomes.alone[outcome] or self._volatility == 0:
            return np.zeros(len(before))
        moving = (one > 0) & (one < 1) & (two > 0) & (two < 1)
        gaps = [_logit(np.clip(stick, 1e-12, 1 - 1e-12)) - _logit(np.array(level)) for stick in (one, two)]
        return np.where(moving, bridge_crossing(gaps[0], gaps[1], self._volatility**2 * (end - start)), 0.0)

    def _drift(self, step: float) -> Floats:
        """m(x) with E[logistic(x + m + noise)] = logistic(x), by Newton's method on the table's nodes."""
        key = round(step, 12)
        if key not in self._drifts:
            nodes, weights = np.polynomial.hermite_e.hermegauss(31)
            weights = weights / weights.sum()
            jump = -math.expm1(-self._jump_rate * step)
            quiet = self._volatility * math.sqrt(step)
            loud = math.hypot(quiet, self._jump_size)
            drift = np.zeros(_ODDS.size)
            wanted = _logistic(_ODDS)
            for _ in range(20):
                mean, slope = np.zeros(_ODDS.size), np.zeros(_ODDS.size)
                for deviation, chance in ((quiet, 1 - jump), (loud, jump)):
                    values = _logistic((_ODDS + drift)[:, None] + deviation * nodes)
                    mean += chance * (values @ weights)
                    slope += chance * ((values * (1 - values)) @ weights)
                drift += np.clip((wanted - mean) / slope, -1.0, 1.0)
            self._drifts[key] = drift
        return self._drifts[key]


class WrightFisher(_Sticks):
    """dp = s sqrt(p (1 - p)) dW: a price that may be absorbed at 0 or 1 before its day, for markets with an open end.

    A step is that of a Feller diffusion with the exact conditional mean and variance p (1 - p) (1 - exp(-s^2 dt)),
    towards the nearer end, which absorbs as the exact one does when steps are short: a gamma variate whose shape is
    Poisson (W. Feller, "Two singular diffusion problems", 1951). Its randomness is its own: it takes no correlation.
    """

    takes_correlation = False

    def __init__(self, outcomes: Outcomes, *, volatility: float) -> None:
        super().__init__(outcomes)
        self._volatility = volatility

    def advance(
        self, drivers: Floats, normals: Floats, *, start: float, end: float, generator: np.random.Generator
    ) -> Floats:
        alive = self._outcomes.resolves[self._outcomes.event] > start
        mirrored = drivers > 0.5
        near = np.where(mirrored, 1 - drivers, drivers)
        scale = (1 - near) * -math.expm1(-(self._volatility**2) * (end - start)) / 2
        shape = generator.poisson(near / np.maximum(scale, 1e-300))
        moved = np.minimum(scale * generator.standard_gamma(np.maximum(shape, 1)) * (shape > 0), 1.0)
        following = np.where(alive, np.where(mirrored, 1 - moved, moved), drivers)
        return self._resolved(following, start=start, end=end, generator=generator)

    def crossing(
        self, before: Floats, after: Floats, *, outcome: int, level: float, start: float, end: float
    ) -> Floats:
        if not self._outcomes.alone[outcome]:
            return np.zeros(len(before))
        # On the scale of 2 arcsin(sqrt p) the volatility is constant.
        one, two = before[:, outcome], after[:, outcome]
        gaps = [2 * (np.arcsin(np.sqrt(stick)) - math.asin(math.sqrt(level))) for stick in (one, two)]
        moving = (one > 0) & (one < 1)
        return np.where(moving, bridge_crossing(gaps[0], gaps[1], self._volatility**2 * (end - start)), 0.0)


_FAR = 20.0
_ODDS = np.linspace(-_FAR, _FAR, 1601)


def path_model(raw: Mapping[str, Any] | None, outcomes: Outcomes) -> PathModel:
    """The model that `name` and its parameters mean. Raises ValueError."""
    raw = raw or {"name": "latent_brownian"}
    name = raw.get("name")
    if name == "latent_brownian":
        return LatentBrownian(outcomes)
    if name not in MODELS:
        raise ValueError(f"a path model is one of {', '.join(MODELS)}, not {name!r}")
    volatility, rate, size = (float(raw.get(key) or 0.0) for key in ("volatility", "jump_rate", "jump_size"))
    if not (0 <= volatility <= 10 and 0 <= rate <= 1000 and 0 <= size <= 10):
        raise ValueError("volatility and jump size lie between 0 and 10, jumps a day between 0 and 1000")
    if name == "wright_fisher":
        if not volatility:
            raise ValueError("a Wright-Fisher path needs a volatility above 0")
        return WrightFisher(outcomes, volatility=volatility)
    if not volatility and not (rate and size):
        raise ValueError("a logit path needs a volatility or jumps")
    return LogitJumpDiffusion(outcomes, volatility=volatility, jump_rate=rate, jump_size=size)


def bridge_crossing(gap_before: Floats, gap_after: Floats, variance: float | Floats) -> Floats:
    """P(a Brownian bridge reached a straight boundary within a step), from its distances to it at both ends.

    exp(-2 a b / variance) while both ends are on the same side, else 1 (P. Glasserman, Monte Carlo Methods in Financial
    Engineering, 2003, section 6.4).
    """
    product = gap_before * gap_after
    crossing: Floats = np.exp(-2 * np.maximum(product, 0.0) / variance)
    return crossing


def touch_probability(price: Floats, level: float) -> Floats:
    """P(a continuous martingale that ends at 0 or 1 touches `level`), from `price` on either side of it."""
    return np.where(price <= level, price / level, (1 - price) / (1 - level))


def _logit(p: Floats) -> Floats:
    return np.asarray(np.log(p) - np.log1p(-p))


def _logistic(x: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))
