"""Risk of a whole book: what it is worth once everything has resolved, and what happens on the way there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from ...gpu.interface import Executor, Progress
from ..identifiers import ConditionId
from .computing import DEADLINE_S, compute, require, within
from .dependence import INDEPENDENT, Dependence, Holding, book_layout, overround_by_event
from .figures import Estimate, Quantile, TailLoss, estimate_of, number_of, quantiles_of, tails_of

Method = Literal["auto", "exact", "monte_carlo"]
PathModel = Literal["latent_brownian", "logit_jump", "wright_fisher"]

MOST_WALKED_PATHS = 1_000_000
_SOONEST_DAYS = 1e-4


@dataclass(frozen=True, slots=True)
class RareLoss:
    """The chance to lose `loss` dollars or more, and the mean loss where that happens (None where it is not known)."""

    loss: Decimal
    probability: Estimate
    mean_loss: Estimate | None
    method: str


@dataclass(frozen=True, slots=True)
class MarginalLoss:
    """Mean loss of each holding, in their order, in the book's worst 1 - level of outcomes; they sum to its CVaR."""

    level: Decimal
    losses: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True)
class PortfolioRisk:
    """A book once all its markets have resolved, in dollars after cost.

    `expected`, `worst` and `best` are exact, and so is the rest where `method` is exact. `overround` says by how much
    the outcome probabilities of an event missed 1 before they were scaled, `matrix_change` the largest change of a
    correlation that was needed to make them possible together, 0 if none was. `paths` is 0 where nothing was simulated.
    `histogram` has the probability of each of equal bins of profit from `worst` to `best`, where one was asked for.
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
    marginals: tuple[MarginalLoss, ...]
    rare_loss: RareLoss | None
    overround: Mapping[str, Decimal]
    matrix_change: Decimal
    paths: int
    seed: int
    method: str
    engine: str
    histogram: tuple[float, ...] = ()


async def portfolio_risk(
    executor: Executor,
    *,
    holdings: Sequence[Holding],
    other_outcomes: Mapping[str, Sequence[Decimal]] | None = None,
    dependence: Dependence = INDEPENDENT,
    method: Method = "monte_carlo",
    engine: str = "auto",
    marginals: bool = False,
    tail_loss: Decimal | None = None,
    bins: int = 0,
    paths: int = 100_000,
    seed: int,
    deadline_s: float = DEADLINE_S,
    progress: Progress | None = None,
) -> PortfolioRisk:
    """Risk of a book until every market in it has resolved.

    `other_outcomes` as for book_layout; probabilities of a complete event are scaled to sum 1. `tail_loss` is dollars
    whose chance of being lost is wanted. Raises InputRejected and ComputeUnavailable.
    """
    layout = book_layout(holdings, other_outcomes or {}, dependence)
    require(
        tail_loss is None or (tail_loss.is_finite() and tail_loss > 0),
        f"a loss of {tail_loss}",
        "a loss above 0 dollars",
    )
    payload = {
        **layout.payload,
        "method": method,
        "engine": engine,
        "marginals": marginals,
        "tail_loss": None if tail_loss is None else float(tail_loss),
        "bins": bins,
        "paths": paths,
        "seed": seed,
    }
    answer = await compute(executor, "portfolio_risk", payload, deadline_s=deadline_s, progress=progress)
    return PortfolioRisk(
        expected=number_of(answer["expected"]),
        worst=number_of(answer["worst"]),
        best=number_of(answer["best"]),
        cost=sum((holding.cost for holding in holdings), Decimal(0)),
        mean=estimate_of(answer["mean"]),
        standard_deviation=estimate_of(answer["standard_deviation"]),
        loss_probability=estimate_of(answer["loss_probability"]),
        tails=tails_of(answer["tails"]),
        quantiles=quantiles_of(answer["quantiles"]),
        marginals=tuple(
            MarginalLoss(number_of(each["level"]), tuple(estimate_of(loss) for loss in each["losses"]))
            for each in answer.get("marginals", ())
        ),
        rare_loss=_rare_loss(answer.get("tail")),
        overround=overround_by_event(layout.names, answer["overround"]),
        matrix_change=number_of(answer["matrix_change"]),
        paths=answer["paths"],
        seed=answer["seed"],
        method=answer["method"],
        engine=answer["engine"],
        histogram=tuple(answer.get("histogram", ())),
    )


@dataclass(frozen=True, slots=True)
class WalkModel:
    """How prices move. Volatility per root of a day (of the log-odds, or of Wright-Fisher), jumps per day."""

    name: PathModel = "latent_brownian"
    volatility: Decimal = Decimal(0)
    jump_rate: Decimal = Decimal(0)
    jump_size: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class PriceLevel:
    """A price of a market's first outcome whose touch is wanted."""

    market: ConditionId
    price: Decimal


@dataclass(frozen=True, slots=True)
class LevelChance:
    """P(the price touches the level) by the horizon, simulated, and before resolution, exact where the model allows."""

    market: str
    price: Decimal
    by_horizon: Estimate
    before_resolution: Decimal | None


@dataclass(frozen=True, slots=True)
class BookWalk:
    """A book followed until a horizon, in dollars. The drawdown is the largest fall from a peak seen at the steps."""

    horizon_days: float
    steps: int
    mean: Estimate
    standard_deviation: Estimate
    loss_probability: Estimate
    tails: tuple[TailLoss, ...]
    quantiles: tuple[Quantile, ...]
    drawdown: Estimate
    drawdown_quantiles: tuple[Quantile, ...]
    touches: tuple[LevelChance, ...]
    overround: Mapping[str, Decimal]
    matrix_change: Decimal
    model: str
    paths: int
    seed: int
    engine: str


async def walk_book(
    executor: Executor,
    *,
    holdings: Sequence[Holding],
    days_to_resolution: Mapping[str, float],
    other_outcomes: Mapping[str, Sequence[Decimal]] | None = None,
    dependence: Dependence = INDEPENDENT,
    horizon_days: Decimal | None = None,
    model: WalkModel = WalkModel(),
    levels: Sequence[PriceLevel] = (),
    steps: int = 64,
    paths: int = 20_000,
    seed: int,
    deadline_s: float = DEADLINE_S,
    progress: Progress | None = None,
) -> BookWalk:
    """What happens to a book until a horizon, or until everything has resolved (None).

    `days_to_resolution` are by name of event. A t copula is refused: it has no paths. Raises InputRejected and
    ComputeUnavailable.
    """
    layout = book_layout(holdings, other_outcomes or {}, dependence)
    require(
        dependence.degrees_of_freedom is None,
        "a t copula for price paths",
        "a Gaussian copula, or no horizon and levels",
    )
    require(
        horizon_days is None or (horizon_days.is_finite() and horizon_days > 0),
        f"a horizon of {horizon_days} days",
        "a horizon above 0 days",
    )
    require(
        model.name != "wright_fisher" or (not dependence.correlation and not dependence.pairs),
        "correlation of Wright-Fisher paths",
        "no correlation, or another model",
    )
    for level in levels:
        require(within(level.price, "0.000001", "0.999999"), f"a level of {level.price}", "a price between 0 and 1")
    events: list[dict[str, Any]] = [
        {**event, "days": max(days_to_resolution[name], _SOONEST_DAYS)}
        for name, event in zip(layout.names, layout.payload["events"], strict=True)
    ]
    places = {
        holding.market: (placed["event"], placed["outcome"])
        for holding, placed in zip(holdings, layout.payload["holdings"], strict=True)
    }
    payload = {
        **layout.payload,
        "events": events,
        "horizon_days": None if horizon_days is None else float(horizon_days),
        "steps": steps,
        "model": {
            "name": model.name,
            "volatility": float(model.volatility),
            "jump_rate": float(model.jump_rate),
            "jump_size": float(model.jump_size),
        },
        "levels": [
            {"event": places[level.market][0], "outcome": places[level.market][1], "price": float(level.price)}
            for level in levels
        ],
        "paths": paths,
        "seed": seed,
    }
    answer = await compute(
        executor, "book_paths", payload, deadline_s=deadline_s, most_paths=MOST_WALKED_PATHS, progress=progress
    )
    profit, drawdown = answer["profit"], answer["drawdown"]
    return BookWalk(
        horizon_days=answer["horizon_days"],
        steps=answer["steps"],
        mean=estimate_of(profit["mean"]),
        standard_deviation=estimate_of(profit["standard_deviation"]),
        loss_probability=estimate_of(profit["loss_probability"]),
        tails=tails_of(profit["tails"]),
        quantiles=quantiles_of(profit["quantiles"]),
        drawdown=estimate_of(drawdown["mean"]),
        drawdown_quantiles=quantiles_of(drawdown["quantiles"]),
        touches=tuple(
            LevelChance(
                market=level.market,
                price=level.price,
                by_horizon=estimate_of(touch["by_horizon"]),
                before_resolution=None if touch["before_resolution"] is None else number_of(touch["before_resolution"]),
            )
            for level, touch in zip(levels, answer["touches"], strict=True)
        ),
        overround=overround_by_event(layout.names, answer["overround"]),
        matrix_change=number_of(answer["matrix_change"]),
        model=answer["model"],
        paths=answer["paths"],
        seed=answer["seed"],
        engine=answer["engine"],
    )


def _rare_loss(raw: Mapping[str, Any] | None) -> RareLoss | None:
    if raw is None:
        return None
    mean_loss = raw.get("mean_loss")
    return RareLoss(
        loss=number_of(raw["loss"]),
        probability=Estimate(_small(raw["probability"]["value"]), _small(raw["probability"]["standard_error"])),
        mean_loss=None if mean_loss is None else estimate_of(mean_loss),
        method=raw["method"],
    )


def _small(value: float) -> Decimal:
    """Chances of rare losses are told in significant digits, not in decimals."""
    return Decimal(f"{value:.4g}")
