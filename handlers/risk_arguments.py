"""Arguments of the tools about risk: positions, levels, correlations, beliefs."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .arguments import Exact, OutcomeRef, number_schema


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


Chance = Annotated[Decimal, Exact, Field(gt=0, lt=1), number_schema("", exclusiveMinimum=0, exclusiveMaximum=1)]


class PositionInput(_Input):
    market_id: Annotated[str, Field(max_length=400)]
    outcome: OutcomeRef
    shares: Annotated[Decimal, Exact, number_schema("In a what-if below 0: sold")]
    price: Annotated[Decimal, Exact, Field(ge=0, le=1), number_schema("Paid; left out: now")] | None = None


class ResolvedInput(_Input):
    market_id: Annotated[str, Field(max_length=400)]
    outcome: OutcomeRef


class LevelInput(_Input):
    market_id: Annotated[str, Field(max_length=400)]
    outcome: OutcomeRef
    price: Annotated[Decimal, Exact, Field(gt=0, lt=1), number_schema("")]


class PairInput(_Input):
    one: Annotated[str, Field(max_length=400, description="Market, or slug of a neg-risk event")]
    other: Annotated[str, Field(max_length=400)]
    correlation: Annotated[Decimal, Exact, Field(ge=-1, le=1), number_schema("")]


class PathInput(_Input):
    name: Literal["latent_brownian", "logit_jump", "wright_fisher"] = "latent_brownian"
    volatility: Annotated[Decimal, Exact, Field(ge=0, le=10), number_schema("Per root of a day, of the log-odds")] = (
        Decimal(0)
    )
    jumps_per_day: Annotated[Decimal, Exact, Field(ge=0, le=1000), number_schema("")] = Decimal(0)
    jump_size: Annotated[Decimal, Exact, Field(ge=0, le=10), number_schema("")] = Decimal(0)


class BetInput(_Input):
    market_id: Annotated[str, Field(max_length=400)]
    outcome: OutcomeRef
    my_probability: Chance
    standard_error: Annotated[
        Decimal, Exact, Field(ge=0, le=Decimal("0.5")), number_schema("How unsure my_probability is, e.g. 0.05")
    ] = Decimal(0)


Correlation = Annotated[
    Decimal,
    Exact,
    Field(ge=0, le=Decimal("0.999")),
    number_schema("Between the latent normals of any two events, e.g. 0.3", minimum=0, maximum=0.999),
]
Pairs = Annotated[list[PairInput], Field(max_length=100, description="Correlations of single pairs in its place")]
