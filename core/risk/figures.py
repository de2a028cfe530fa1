"""Figures of risk as the desk sees them: exact decimals, each simulated one with its standard error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_SIX_PLACES = Decimal("0.000001")


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


def number_of(value: float) -> Decimal:
    """Six decimals: base units for dollars, far below the standard error for anything simulated."""
    return Decimal(value).quantize(_SIX_PLACES)


def estimate_of(raw: Mapping[str, float]) -> Estimate:
    return Estimate(number_of(raw["value"]), number_of(raw["standard_error"]))


def tails_of(raw: Sequence[Mapping[str, Any]]) -> tuple[TailLoss, ...]:
    return tuple(
        TailLoss(
            level=number_of(tail["level"]),
            value_at_risk=estimate_of(tail["value_at_risk"]),
            conditional_value_at_risk=estimate_of(tail["conditional_value_at_risk"]),
        )
        for tail in raw
    )


def quantiles_of(raw: Sequence[Mapping[str, float]], *, name: str = "value") -> tuple[Quantile, ...]:
    return tuple(Quantile(number_of(each["level"]), number_of(each[name])) for each in raw)
