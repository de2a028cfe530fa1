"""Tools that say what a book could lose, and how much to bet."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from .arguments import Exact, number_schema
from .context import Desk
from .progress import Progress
from .risk_answer import SimulatedRiskAnswer, SizesAnswer
from .risk_arguments import BetInput, Correlation, LevelInput, Pairs, PathInput, PositionInput, ResolvedInput
from .toolspec import Toolset, ToolSpec


async def simulate_risk(
    desk: Desk,
    progress: Progress,
    positions: Annotated[list[PositionInput], Field(max_length=100, description="Instead of the account's portfolio")]
    | None = None,
    what_if: Annotated[list[PositionInput], Field(max_length=20, description="Orders taken to be filled on top")]
    | None = None,
    resolved: Annotated[list[ResolvedInput], Field(max_length=20, description="Outcomes taken to have happened")]
    | None = None,
    correlation: Correlation = Decimal(0),
    pairs: Pairs | None = None,
    copula: Annotated[Literal["gaussian", "t"], Field(description="t: joint extremes, too")] = "gaussian",
    degrees_of_freedom: Annotated[int, Field(ge=2, le=200, description="Of the t copula")] = 4,
    loss_usd: Annotated[
        Decimal, Exact, Field(gt=0), number_schema("A rare loss whose chance is wanted", exclusiveMinimum=0)
    ]
    | None = None,
    horizon_days: Annotated[
        Decimal, Exact, number_schema("Also follow prices until then: drawdown and touches", exclusiveMinimum=0)
    ]
    | None = None,
    levels: Annotated[list[LevelInput], Field(max_length=20, description="Prices whose touch is wanted")] | None = None,
    model: Annotated[PathInput, Field(description="How prices move")] | None = None,
    paths: Annotated[int, Field(description="Simulated paths, at most 10000000")] = 200_000,
    method: Annotated[
        Literal["auto", "exact", "monte_carlo"], Field(description="auto: exact where one factor allows it")
    ] = "auto",
    engine: Annotated[Literal["auto", "numba", "torch", "numpy"], Field(description="What simulates")] = "auto",
) -> SimulatedRiskAnswer:
    """Simulate what the {MODE} portfolio, or given positions, could win or lose: VaR, CVaR, chance of loss, what each
    position adds, drawdown, touched prices.

    Outcomes of a neg-risk event exclude each other. Each figure has its standard error.
    """
    from .risk_simulation import RiskQuestion, simulated  # brings the simulations; listing tools needs none

    question = RiskQuestion(
        what_if=what_if or [],
        resolved=resolved or [],
        positions=positions,
        pairs=pairs or [],
        correlation=correlation,
        degrees_of_freedom=degrees_of_freedom if copula == "t" else None,
        loss_usd=loss_usd,
        horizon_days=horizon_days,
        levels=levels or [],
        model=model,
        paths=paths,
        method=method,
        engine=engine,
    )
    return await simulated(desk, question, progress)


async def size_position(
    desk: Desk,
    progress: Progress,
    bets: Annotated[list[BetInput], Field(min_length=1, max_length=20, description="Sized together")],
    fraction: Annotated[
        Decimal, Exact, Field(gt=0, le=1), number_schema("Part of the Kelly stake", exclusiveMinimum=0, maximum=1)
    ] = Decimal("0.25"),
    bankroll_usd: Annotated[Decimal, Exact, Field(gt=0), number_schema("Left out: the free cash", exclusiveMinimum=0)]
    | None = None,
    correlation: Correlation = Decimal(0),
    pairs: Pairs | None = None,
) -> SizesAnswer:
    """How much to stake by the Kelly criterion on one bet, several outcomes of an event, or bets that are correlated.

    Prices come from the live book with the fee. Stakes are cut to the desk's limits. No edge: 0.
    """
    from .bet_sizes import sized  # as above

    return await sized(
        desk,
        bets,
        fraction=fraction,
        bankroll=bankroll_usd,
        correlation=correlation,
        pairs=pairs or [],
        progress=progress,
    )


TOOLS = (
    ToolSpec("polymarket_simulate_risk", Toolset.RISK, "Simulate {MODE} risk", simulate_risk),
    ToolSpec("polymarket_size_position", Toolset.RISK, "Size {MODE} bets", size_position),
)
