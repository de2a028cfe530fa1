"""The integers the exchange computes in: prices in ten-thousandths of a dollar, shares and dollars in millionths."""

from __future__ import annotations

from decimal import Decimal

from ..money import MICRO, from_micro, text

UNIT = 10_000
"""One dollar per share, in price units. Every tick of the venue is a whole number of them."""


def price_units(price: Decimal) -> int:
    """Price units of a price. Raises ValueError when it has more than four decimals."""
    scaled = price * UNIT
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{price} has more than four decimals")
    return int(scaled)


def price_decimal(units: int) -> Decimal:
    """Dollars per share."""
    return Decimal(units) / UNIT


def price_text(units: int) -> str:
    """A price as the wire writes it."""
    return text(Decimal(units) / UNIT)


def amount_text(units: int) -> str:
    """Shares or dollars as the wire writes them."""
    return text(from_micro(units))


def amount_number(units: int) -> int | float:
    """Shares or dollars where the wire has a JSON number."""
    return units / MICRO if units % MICRO else units // MICRO


def proceeds_ceil(shares: int, price: int) -> int:
    """What `shares` are worth at `price`, in millionths of a dollar, rounded up."""
    return -(-shares * price // UNIT)
