"""Risk figures of one position and of a whole book, computed by an executor outside the server's process."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ...gpu.interface import Busy, ComputeError, Executor, Progress
from ..errors import InputRejected, PolymarketAPIError
from ..identifiers import ConditionId

_DEADLINE_S = 20.0
_MOST_PATHS = 10_000_000
_SIX_PLACES = Decimal("0.000001")


class ComputeUnavailable(PolymarketAPIError):
    """The computation did not finish: its workers are busy, too slow or broken. Nothing was sent anywhere.

    `busy` says that the same request may well succeed a little later.
    """

    def __init__(self, message: str, *, busy: bool) -> None:
        super().__init__(message)
        self.busy = busy


@dataclass(frozen=True, slots=True)
class Estimate:
    """A simulated figure and its Monte Carlo standard error, in the same unit."""

    value: Decimal
    standard_error: Decimal


@dataclass(frozen=True, slots=True)
class TailLoss:
    """Losses at a confidence level such as 0.95, in dollars; positive means money lost.

    `value_at_risk` is exceeded with probability 1 - level at most, `conditional_value_at_risk` is the mean of the
    worst 1 - level of outcomes.
    """

    level: Decimal
    value_at_risk: Estimate
    conditional_value_at_risk: Estimate


@dataclass(frozen=True, slots=True)
class Quantile:
    """The value that is not exceeded with probability `level`."""

    level: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True)
class PriceOutlook:
    """Where the price may be after `fraction` of the time to resolution. Mean and deviation are simulated."""

    fraction: Decimal
    days: float | None
    mean: Estimate
    standard_deviation: Estimate
    quantiles: tuple[Quantile, ...]


@dataclass(frozen=True, slots=True)
class LevelTouch:
    """The chance that the price reaches a stop or a target.

    `before_resolution` is exact, `by_horizon` are (fraction of the time to resolution, simulated chance).
    """

    name: str
    price: Decimal
    before_resolution: Decimal
    by_horizon: tuple[tuple[Decimal, Estimate], ...]


@dataclass(frozen=True, slots=True)
class MarketRisk:
    """One position held to resolution. Dollars after the fee; the first six figures are exact.

    `simulated_mean` and `simulated_loss_probability` check the simulation against them. The outlook assumes
    that the price moves as a martingale towards its 0 or 1, with no news at a known hour.
    """

    if_right: Decimal
    if_wrong: Decimal
    expected: Decimal
    standard_deviation: Decimal
    loss_probability: Decimal
    tails: tuple[TailLoss, ...]
    simulated_mean: Estimate
    simulated_loss_probability: Estimate
    outlook: tuple[PriceOutlook, ...]
    touches: tuple[LevelTouch, ...]
    paths: int
    seed: int
    engine: str


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares of one side of a market.

    `probability` is that of the market's first outcome whichever side is held; `first_outcome` says that it is
    that one. `cost` is dollars paid with fees. Markets with the same `event` exclude each other; `cluster` names
    what moves events together, such as a tag ("" for independent).
    """

    market: ConditionId
    probability: Decimal
    shares: Decimal
    cost: Decimal
    first_outcome: bool = True
    event: str = ""
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class PortfolioRisk:
    """A book once all its markets have resolved, in dollars after cost.

    `expected`, `worst` and `best` are exact; the rest is simulated. `overround` says by how much the outcome
    probabilities of an event missed 1 before they were scaled.
    """

    expected: Decimal
    worst: Decimal
    best: Decimal
    cost: Decimal
    mean: Estimate
    standard_deviation: Estimate
    loss_probability: Estimate
    tails: tuple[TailLoss, ...]
    quantiles: tuple[Quantile, ...]
    overround: Mapping[str, Decimal]
    paths: int
    seed: int
    engine: str


async def market_risk(
    executor: Executor,
    *,
    probability: Decimal,
    price: Decimal,
    shares: Decimal,
    fee: Decimal,
    days_to_resolution: float | None,
    paths: int = 20_000,
    seed: int,
    stop: Decimal | None = None,
    target: Decimal | None = None,
    deadline_s: float = _DEADLINE_S,
    progress: Progress | None = None,
) -> MarketRisk:
    """Risk of holding `shares` bought at `price` of an outcome with this probability until it resolves.

    `stop` and `target` are prices below and above the probability whose chance of being touched is wanted.
    `days_to_resolution` only dates the outlook. Raises InputRejected and ComputeUnavailable.
    """
    _require(0 < probability < 1, f"probability {probability}", "a probability between 0 and 1, both excluded")
    _require(0 < price < 1, f"price {price}", "a price between 0 and 1, both excluded")
    _require(shares > 0, f"{shares} shares", "a positive number of shares")
    _require(fee >= 0, f"fee {fee}", "a fee of 0 or more dollars")
    _require(stop is None or 0 < stop < probability, f"stop {stop}", f"a stop below the probability {probability}")
    _require(
        target is None or probability < target < 1, f"target {target}", f"a target above the probability {probability}"
    )
    payload = {
        "probability": float(probability),
        "price": float(price),
        "shares": float(shares),
        "fee": float(fee),
        "stop": None if stop is None else float(stop),
        "target": None if target is None else float(target),
        "paths": paths,
        "seed": seed,
    }
    answer = await _compute(executor, "market_risk", payload, deadline_s=deadline_s, progress=progress)
    exact, simulated = answer["exact"], answer["simulated"]
    return MarketRisk(
        if_right=_number(exact["if_right"]),
        if_wrong=_number(exact["if_wrong"]),
        expected=_number(exact["mean"]),
        standard_deviation=_number(exact["standard_deviation"]),
        loss_probability=_number(exact["loss_probability"]),
        tails=tuple(
            TailLoss(
                level=_number(tail["level"]),
                value_at_risk=Estimate(_number(tail["value_at_risk"]), Decimal(0)),
                conditional_value_at_risk=Estimate(_number(tail["conditional_value_at_risk"]), Decimal(0)),
            )
            for tail in exact["tails"]
        ),
        simulated_mean=_estimate(simulated["mean"]),
        simulated_loss_probability=_estimate(simulated["loss_probability"]),
        outlook=tuple(
            PriceOutlook(
                fraction=_number(horizon["fraction"]),
                days=None if days_to_resolution is None else horizon["fraction"] * days_to_resolution,
                mean=_estimate(horizon["mean"]),
                standard_deviation=_estimate(horizon["standard_deviation"]),
                quantiles=tuple(Quantile(_number(q["level"]), _number(q["price"])) for q in horizon["quantiles"]),
            )
            for horizon in answer["horizons"]
        ),
        touches=tuple(
            LevelTouch(
                name=touch["level"],
                price=_number(touch["price"]),
                before_resolution=_number(touch["before_resolution"]),
                by_horizon=tuple(
                    (_number(point["fraction"]), _estimate(point["probability"])) for point in touch["by_horizon"]
                ),
            )
            for touch in answer["touches"]
        ),
        paths=answer["paths"],
        seed=answer["seed"],
        engine=answer["engine"],
    )


async def portfolio_risk(
    executor: Executor,
    *,
    holdings: Sequence[Holding],
    other_outcomes: Mapping[str, Sequence[Decimal]] | None = None,
    correlation: Decimal = Decimal(0),
    paths: int = 100_000,
    seed: int,
    deadline_s: float = _DEADLINE_S,
    progress: Progress | None = None,
) -> PortfolioRisk:
    """Risk of a book until every market in it has resolved.

    `other_outcomes` gives, per event, the probabilities of its outcomes in which nothing is held, possibly none;
    an event named there is taken as complete and scaled to sum 1. `correlation` is that of any two events of a
    cluster, in [0, 1), between the latent normals of a Gaussian copula. Raises InputRejected and
    ComputeUnavailable.
    """
    _require(bool(holdings), "an empty book", "at least one holding")
    _require(0 <= correlation < 1, f"correlation {correlation}", "a correlation from 0 to below 1")
    for holding in holdings:
        name = f"{holding.market}: "
        _require(0 <= holding.probability <= 1, f"{name}probability {holding.probability}", "0 to 1")
        _require(holding.shares >= 0, f"{name}{holding.shares} shares", "0 shares or more; a short is the other side")
    names, events, placed = _events(holdings, other_outcomes or {}, correlation)
    payload = {"events": events, "holdings": placed, "paths": paths, "seed": seed}
    answer = await _compute(executor, "portfolio_risk", payload, deadline_s=deadline_s, progress=progress)
    return PortfolioRisk(
        expected=_number(answer["expected"]),
        worst=_number(answer["worst"]),
        best=_number(answer["best"]),
        cost=sum((holding.cost for holding in holdings), Decimal(0)),
        mean=_estimate(answer["mean"]),
        standard_deviation=_estimate(answer["standard_deviation"]),
        loss_probability=_estimate(answer["loss_probability"]),
        tails=tuple(
            TailLoss(
                level=_number(tail["level"]),
                value_at_risk=_estimate(tail["value_at_risk"]),
                conditional_value_at_risk=_estimate(tail["conditional_value_at_risk"]),
            )
            for tail in answer["tails"]
        ),
        quantiles=tuple(Quantile(_number(q["level"]), _number(q["value"])) for q in answer["quantiles"]),
        overround={
            name: missed for name, missed in zip(names, map(_number, answer["overround"]), strict=True) if missed
        },
        paths=answer["paths"],
        seed=answer["seed"],
        engine=answer["engine"],
    )


def _events(
    holdings: Sequence[Holding], other_outcomes: Mapping[str, Sequence[Decimal]], correlation: Decimal
) -> tuple[list[str], list[dict[str, Any]], list[dict[str, Any]]]:
    """Names of the events, and events and holdings as the task takes them. A market without event is its own."""
    markets: dict[str, dict[ConditionId, Decimal]] = {}
    clusters: dict[str, str] = {}
    for holding in holdings:
        event = holding.event or holding.market
        known = markets.setdefault(event, {}).setdefault(holding.market, holding.probability)
        _require(
            known == holding.probability,
            f"{holding.market}: probabilities {known} and {holding.probability}",
            "one probability per market, that of its first outcome",
        )
        _require(
            clusters.setdefault(event, holding.cluster) == holding.cluster,
            f"{event}: clusters {clusters[event]!r} and {holding.cluster!r}",
            "one cluster per event",
        )
    names = list(markets)
    shared = {cluster for cluster in clusters.values() if cluster and list(clusters.values()).count(cluster) > 1}
    events = [
        {
            "probabilities": [float(p) for p in (*markets[name].values(), *other_outcomes.get(name, ()))],
            "complete": name in other_outcomes,
            "cluster": clusters[name] if clusters[name] in shared else None,
            "loading": math.sqrt(correlation) if clusters[name] in shared else 0.0,
        }
        for name in names
    ]
    placed = []
    for holding in holdings:
        event = holding.event or holding.market
        placed.append(
            {
                "event": names.index(event),
                "outcome": list(markets[event]).index(holding.market),
                "wins_on": holding.first_outcome,
                "shares": float(holding.shares),
                "cost": float(holding.cost),
            }
        )
    return names, events, placed


async def _compute(
    executor: Executor, task: str, payload: Mapping[str, Any], *, deadline_s: float, progress: Progress | None
) -> Mapping[str, Any]:
    _require(1 <= payload["paths"] <= _MOST_PATHS, f"{payload['paths']} paths", f"1 to {_MOST_PATHS} paths")
    _require(payload["seed"] >= 0, f"seed {payload['seed']}", "a seed of 0 or more")
    try:
        return await executor.submit(task, payload, deadline_s=deadline_s, progress=progress)
    except ComputeError as error:
        raise ComputeUnavailable(str(error), busy=isinstance(error, Busy)) from error


def _require(holds: bool, found: str, wanted: str) -> None:
    if not holds:
        raise InputRejected(f"{found} is not possible here", fix=wanted)


def _estimate(raw: Mapping[str, float]) -> Estimate:
    return Estimate(_number(raw["value"]), _number(raw["standard_error"]))


def _number(value: float) -> Decimal:
    """Six decimals: base units for dollars, far below the standard error for anything simulated."""
    return Decimal(value).quantize(_SIX_PLACES)
