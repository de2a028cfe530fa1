"""How long an order is on its way before the matching engine looks at it."""

from __future__ import annotations

import math
from random import Random


class Latency:
    """Draws delays around `median_ms` from a log-normal distribution; `spread` is the deviation of its logarithm.

    Round trips to the real venue have been published as about 6 ms from Amsterdam, 16 ms from Frankfurt and 88 ms from
    the east of the United States. With a spread of 0.35 one order in twenty takes 1.8 times the median or longer. A
    median of 0 means no delay.
    """

    def __init__(self, *, median_ms: float, spread: float, random: Random) -> None:
        self._median_ms = median_ms
        self._spread = spread
        self._random = random

    def draw_s(self) -> float:
        """Seconds that the next order or cancel takes."""
        if not self._median_ms:
            return 0.0
        return self._random.lognormvariate(math.log(self._median_ms), self._spread) / 1000
