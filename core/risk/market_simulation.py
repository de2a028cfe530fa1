"""Risk of one position held to resolution, and where its price may be on the way."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ...gpu.interface import Executor, Progress
from .computing import DEADLINE_S, compute, require
from .figures import Estimate, Quantile, TailLoss, estimate_of, number_of, quantiles_of


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
    deadline_s: float = DEADLINE_S,
    progress: Progress | None = None,
) -> MarketRisk:
    """Risk of holding `shares` bought at `price` of an outcome with this probability until it resolves.

    `stop` and `target` are prices below and above the probability whose chance of being touched is wanted.
    `days_to_resolution` only dates the outlook. Raises InputRejected and ComputeUnavailable.
    """
    require(
        probability.is_finite() and 0 < probability < 1,
        f"probability {probability}",
        "a probability between 0 and 1, both excluded",
    )
    require(price.is_finite() and 0 < price < 1, f"price {price}", "a price between 0 and 1, both excluded")
    require(shares.is_finite() and shares > 0, f"{shares} shares", "a positive number of shares")
    require(fee.is_finite() and fee >= 0, f"fee {fee}", "a fee of 0 or more dollars")
    require(stop is None or 0 < stop < probability, f"stop {stop}", f"a stop below the probability {probability}")
    require(
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
    answer = await compute(executor, "market_risk", payload, deadline_s=deadline_s, progress=progress)
    exact, simulated = answer["exact"], answer["simulated"]
    return MarketRisk(
        if_right=number_of(exact["if_right"]),
        if_wrong=number_of(exact["if_wrong"]),
        expected=number_of(exact["mean"]),
        standard_deviation=number_of(exact["standard_deviation"]),
        loss_probability=number_of(exact["loss_probability"]),
        tails=tuple(
            TailLoss(
                level=number_of(tail["level"]),
                value_at_risk=Estimate(number_of(tail["value_at_risk"]), Decimal(0)),
                conditional_value_at_risk=Estimate(number_of(tail["conditional_value_at_risk"]), Decimal(0)),
            )
            for tail in exact["tails"]
        ),
        simulated_mean=estimate_of(simulated["mean"]),
        simulated_loss_probability=estimate_of(simulated["loss_probability"]),
        outlook=tuple(
            PriceOutlook(
                fraction=number_of(horizon["fraction"]),
                days=None if days_to_resolution is None else horizon["fraction"] * days_to_resolution,
                mean=estimate_of(horizon["mean"]),
                standard_deviation=estimate_of(horizon["standard_deviation"]),
                quantiles=quantiles_of(horizon["quantiles"], name="price"),
            )
            for horizon in answer["horizons"]
        ),
        touches=tuple(
            LevelTouch(
                name=touch["level"],
                price=number_of(touch["price"]),
                before_resolution=number_of(touch["before_resolution"]),
                by_horizon=tuple(
                    (number_of(point["fraction"]), estimate_of(point["probability"])) for point in touch["by_horizon"]
                ),
            )
            for touch in answer["touches"]
        ),
        paths=answer["paths"],
        seed=answer["seed"],
        engine=answer["engine"],
    )
