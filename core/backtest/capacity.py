"""How many dollars a strategy could have carried: the same past with ever larger stakes, until depth runs out.

The size up to which a strategy still earns what it is held for is its threshold capacity (M. Vangelisti, The Capacity
of an Equity Strategy, 2006). The threshold here is half the profit per dollar of the run itself: where that falls in a
straight line as the stake grows, dollars earned are most at the half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..strategies.declaration import Declaration, Parameters

SCALES = (2, 4, 8, 16, 32, 64)
"""What the stake of a run is multiplied by."""

_THRESHOLD = Decimal("0.5")
_SIZES = frozenset({"dollars", "shares"})
"""The units of parameters that are sizes. Those of a price are dollars a share."""


@dataclass(frozen=True, slots=True)
class ScaledRun:
    """A run with its stake multiplied by `scale`; `balance`, `profit` and `turnover` in dollars."""

    scale: int
    balance: Decimal
    profit: Decimal
    turnover: Decimal

    @property
    def earned_per_dollar(self) -> Decimal:
        return self.profit / self.balance


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run with its stake multiplied by `scale`, to a `balance` in dollars, that met a `problem` instead of an end."""

    scale: int
    balance: Decimal
    problem: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """`dollars` is the largest balance up to which every run still earned half as much per dollar as the first one.

    With `more` no run earned less than that, so it is at least so much. None for `because`. `failed` is the run after
    the last one of the `curve`, where that could not be made: nothing is known of its stake or of any larger one.
    """

    dollars: Decimal | None
    more: bool = False
    because: str = ""
    curve: tuple[ScaledRun, ...] = ()
    failed: FailedRun | None = None


def sizes_of(declaration: Declaration) -> tuple[str, ...]:
    """The names of the parameters that are sizes: in dollars or shares."""
    return tuple(each.name for each in declaration.parameters if each.unit in _SIZES)


def scaled(declaration: Declaration, parameters: Parameters, scale: int) -> Parameters | None:
    """All parameters with the sizes multiplied; None where one would leave its range."""
    sizes = sizes_of(declaration)
    larger = {name: value * scale if name in sizes else value for name, value in parameters.items()}
    return larger if all(larger[each.name] <= each.high for each in declaration.parameters) else None


def capacity_of(curve: Sequence[ScaledRun], *, failed: FailedRun | None = None) -> Capacity:
    """What runs with growing stakes show; the first is the run itself, which must have earned."""
    floor = curve[0].earned_per_dollar * _THRESHOLD
    carried = curve[0]
    for each in curve[1:]:
        if each.earned_per_dollar < floor:
            return Capacity(carried.balance, curve=tuple(curve), failed=failed)
        carried = each
    return Capacity(carried.balance, more=True, curve=tuple(curve), failed=failed)
