"""What a strategy says of itself: what it needs to see, its parameters with their ranges, how long it must watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from ..errors import InputRejected
from ..money import text


class Need(StrEnum):
    """What a strategy must be able to see. Who cannot give it cannot run the strategy."""

    BOOKS = "books"
    HISTORY = "history"
    NEWS = "news"
    EVENTS = "events"
    REFERENCE_PRICES = "reference_prices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number that bounds or tunes a strategy, from `low` to `high`, in `unit`.

    A `unit` of `dollars` or `shares` is that of a size, which is multiplied where a backtest's capacity is measured;
    distances of prices are in `dollars a share`.
    A strategy may move an `adjustable` one by itself, inside its range, and says so each time.
    """

    name: str
    meaning: str
    default: Decimal
    low: Decimal
    high: Decimal
    unit: str = ""
    whole: bool = False
    adjustable: bool = False

    def read(self, value: Decimal | int | str) -> Decimal:
        """A value inside the range. Raises InputRejected `invalid_parameter`."""
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or not self.low <= number <= self.high or (self.whole and number % 1):
            kind = "a whole number" if self.whole else "a number"
            raise InputRejected(
                f"{self.name}={str(value)[:40]} cannot be used: it is {kind} from {text(self.low)} to {text(self.high)}"
                f"{' ' + self.unit if self.unit else ''}.",
                code="invalid_parameter",
                fix=f"{self.meaning}; the default is {text(self.default)}",
            )
        return number


def largest_order(default: int) -> Parameter:
    """The parameter that bounds a strategy's single orders, by default at so many dollars."""
    return Parameter(
        name="largest_order_usd",
        meaning="most that one order is worth",
        default=Decimal(default),
        low=Decimal(1),
        high=Decimal(100_000),
        unit="dollars",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """`summary` is one paragraph for who thinks of running it. It looks at its markets `every` so often by default.

    `warm_up` is how much of the past it must have seen before its first signal, `rests` whether it leaves orders on
    the book, which are taken back when it stops. `most_markets` is what it can watch at once. `fitted` says that it
    rests on weights that were fitted on resolved markets, so that a replay of those proves nothing.
    """

    name: str
    summary: str
    needs: frozenset[Need]
    parameters: tuple[Parameter, ...] = ()
    every: timedelta = timedelta(minutes=1)
    warm_up: timedelta = timedelta(0)
    rests: bool = False
    fitted: bool = False
    most_markets: int = 200

    def read_parameters(self, given: Mapping[str, Decimal | int | str]) -> Parameters:
        """All parameters, those not given at their defaults. Raises InputRejected `invalid_parameter`."""
        known = {each.name: each for each in self.parameters}
        if unknown := sorted(given.keys() - known.keys()):
            raise InputRejected(
                f"{self.name} has no parameter {', '.join(name[:40] for name in unknown)}.",
                code="invalid_parameter",
                fix=f"it has {', '.join(known) or 'none'}",
            )
        return {name: each.read(given.get(name, each.default)) for name, each in known.items()}


Parameters = Mapping[str, Decimal]
"""By name: all of a declaration's, each inside its range."""
