"""Prices of coins that nobody traded: random walks from a seed, the same for every reader of one exchange."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

_MINUTES_A_YEAR = 365 * 24 * 60
_YEARLY_VOLATILITY: Mapping[str, tuple[float, float]] = {
    "btcusdt": (78_000.0, 0.5),
    "ethusdt": (2_400.0, 0.7),
    "solusdt": (95.0, 0.9),
    "xrpusdt": (1.5, 0.9),
}
"""Where each walk starts, in dollars of no particular day, and how far it goes in a year."""

SYMBOLS = tuple(_YEARLY_VOLATILITY)


class SimulatedPrices:
    """A price a minute of each symbol, from `first_minute` (unix minutes) on; between two of them a straight line."""

    def __init__(self, *, seed: int, first_minute: int) -> None:
        self.first_minute = first_minute
        self._walks = {symbol: [start] for symbol, (start, _) in _YEARLY_VOLATILITY.items()}
        self._random = {symbol: random.Random(f"{seed} {symbol}") for symbol in _YEARLY_VOLATILITY}

    def at(self, symbol: str, unix_s: float) -> float:
        """Dollars; the first price for any time before the first minute. Raises KeyError for an unknown symbol."""
        minutes = max(unix_s / 60 - self.first_minute, 0.0)
        number, part = int(minutes), minutes % 1
        before, after = self._minute(symbol, number), self._minute(symbol, number + 1)
        return float(f"{before + (after - before) * part:.6g}")

    def _minute(self, symbol: str, number: int) -> float:
        walk, chance = self._walks[symbol], self._random[symbol]
        step = _YEARLY_VOLATILITY[symbol][1] / math.sqrt(_MINUTES_A_YEAR)
        while len(walk) <= number:
            walk.append(walk[-1] * math.exp(chance.gauss(0, step)))
        return walk[number]
