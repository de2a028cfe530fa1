"""The rule that both backtesters follow. It stands alone, so that either can load it."""

from __future__ import annotations

from collections import deque

WINDOW = 120
ENTRY = 0.12
SHARES = 10.0


class Breakout:
    """Buys what has risen `ENTRY` above its mean of the last `WINDOW` midpoints, sells it below the mean; once."""

    def __init__(self) -> None:
        self._prices: deque[float] = deque(maxlen=WINDOW)
        self._total = 0.0
        self._holds = False
        self._done = False

    def side(self, midpoint: float) -> str | None:
        """What to do after one more midpoint: "buy", "sell" or None."""
        if self._done:
            return None
        prices = self._prices
        if len(prices) == WINDOW:
            self._total -= prices[0]
        prices.append(midpoint)
        self._total += midpoint
        if len(prices) < WINDOW:
            return None
        mean = self._total / WINDOW
        if not self._holds and midpoint > mean + ENTRY:
            self._holds = True
            return "buy"
        if self._holds and midpoint < mean:
            self._holds, self._done = False, True
            return "sell"
        return None
