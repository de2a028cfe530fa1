"""What takers are charged, in integers."""

from __future__ import annotations

from ..money import FeeSchedule
from .units import UNIT

_STEP = 10
"""Fees are cut to five decimals: whole multiples of ten millionths of a dollar."""


class TakerFee:
    """A market's fee as a function: shares x rate x (price x (1 - price)) ^ exponent, cut to five decimals.

    Cutting agrees with every fill recorded on chain. Called with millionths of a share and price units; the answer is
    in millionths of a dollar.
    """

    __slots__ = ("_denominator", "_exponent", "_numerator")

    def __init__(self, schedule: FeeSchedule) -> None:
        self._numerator, denominator = schedule.rate.as_integer_ratio()
        self._exponent = schedule.exponent
        self._denominator: int = denominator * UNIT ** (2 * schedule.exponent) * _STEP

    def __call__(self, shares: int, price: int) -> int:
        if not self._numerator:
            return 0
        spread: int = (price * (UNIT - price)) ** self._exponent
        return shares * self._numerator * spread // self._denominator * _STEP
