"""Exact amounts: dollars, shares and prices as Decimal, base units as int, and the venue's rounding rules.

pUSD and outcome shares both have six decimals on chain; a base unit is one millionth. Prices are dollars
per share, between one tick and one minus one tick.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal

MICRO = 1_000_000
_FEE_STEP = Decimal("0.00001")


def to_micro(amount: Decimal) -> int:
    """Base units of an amount. Raises ValueError when the amount has more than six decimals."""
    scaled = amount * MICRO
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more than six decimals")
    return int(scaled)


def from_micro(units: int) -> Decimal:
    """The amount of `units` base units, without trailing zeros."""
    whole, part = divmod(abs(units), MICRO)
    return plain(Decimal(f"{'-' if units < 0 else ''}{whole}.{part:06d}"))


def plain(value: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent."""
    if value == value.to_integral_value():
        return Decimal(int(value))  # exact however large; allowances have 78 digits
    return value.normalize()


def text(value: Decimal) -> str:
    """A number as the venue writes it: no exponent, no trailing zeros."""
    return format(plain(value), "f")


def round_down(value: Decimal, decimals: int) -> Decimal:
    """Cut to `decimals` places, towards zero."""
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class TickRule:
    """How many decimals an order may have on a market with this tick (venue rule: see docs/exchange.md).

    `price_decimals` of the price, `size_decimals` of the shares of a limit order, `amount_decimals` of the
    product, and of the shares of a market buy.
    """

    tick: Decimal
    price_decimals: int
    size_decimals: int
    amount_decimals: int


TICK_RULES: dict[Decimal, TickRule] = {
    rule.tick: rule
    for rule in (
        TickRule(Decimal("0.1"), 1, 2, 3),
        TickRule(Decimal("0.01"), 2, 2, 4),
        TickRule(Decimal("0.005"), 3, 2, 5),
        TickRule(Decimal("0.001"), 3, 2, 5),
        TickRule(Decimal("0.0025"), 4, 2, 6),
        TickRule(Decimal("0.0001"), 4, 2, 6),
    )
}


def tick_rule(tick: Decimal) -> TickRule:
    """The rounding rule of a tick. Raises ValueError for a tick the venue does not have."""
    try:
        return TICK_RULES[plain(tick)]
    except KeyError:
        raise ValueError(f"{tick} is not one of the venue's ticks") from None


def on_tick(price: Decimal, tick: Decimal) -> bool:
    """Whether a price is a whole number of ticks within [tick, 1 - tick]."""
    return tick <= price <= 1 - tick and price % tick == 0


def floor_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The highest legal price at or below `price`."""
    return min(max((price / tick).to_integral_value(ROUND_FLOOR) * tick, tick), 1 - tick)


def ceil_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The lowest legal price at or above `price`."""
    return min(max((price / tick).to_integral_value(ROUND_CEILING) * tick, tick), 1 - tick)


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """What a market charges its takers: fee = shares x rate x (price x (1 - price)) ^ exponent.

    `rate` 0 means free of fees. `rebate_rate` is the share of it that goes back to makers.
    """

    rate: Decimal = Decimal(0)
    exponent: int = 1
    taker_only: bool = True
    rebate_rate: Decimal = Decimal(0)

    def taker_fee(self, shares: Decimal, price: Decimal) -> Decimal:
        """Dollars charged to the taker of `shares` at `price`, cut to five decimals.

        Rounding down agrees with 21 of 21 fills recorded on chain in September 2026.
        """
        if not self.rate:
            return Decimal(0)
        return (shares * self.rate * (price * (1 - price)) ** self.exponent).quantize(_FEE_STEP, rounding=ROUND_DOWN)


NO_FEES = FeeSchedule()
