"""Price series on a common clock, and which of their windows may be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_POINTS = 5_000_000


@dataclass(frozen=True, slots=True)
class Series:
    """Prices at `start`, `start` + 1 ..., in steps of the common clock; NaN where there is none.

    `values` are what is compared: the log-odds, or the prices themselves. Series of one `group`, such as the outcomes
    of one event, tell of the same moment once.
    """

    prices: Floats
    values: Floats
    start: int
    group: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any], *, index: int, scale: str, tick: float) -> Series:
        prices = np.array(raw["prices"], dtype=np.float64)
        if prices.ndim != 1:
            raise ValueError("a series is a list of prices")
        known = prices[~np.isnan(prices)]
        if known.size and not (known.min() >= 0 and known.max() <= 1):
            raise ValueError("prices lie between 0 and 1")
        values = scaled(prices, scale=scale, tick=tick)
        return cls(prices, values, int(raw.get("start", 0)), raw.get("group") or f"#{index}")

    def usable(self, length: int, *, tick: float) -> NDArray[np.bool_]:
        """Windows by their first place: all prices known, and not flat (see is_flat)."""
        if self.prices.size < length:
            return np.zeros(0, dtype=np.bool_)
        windows = sliding_window_view(self.prices, length)
        with np.errstate(invalid="ignore"):
            spread = windows.std(axis=1)
        return np.asarray(spread >= tick / 2)

    def last_start(self, length: int, horizon: int, *, before: int) -> int:
        """One past the last window whose bars and `horizon` more all lie before the clock's `before`."""
        return max(0, min(self.prices.size - horizon, before - self.start - horizon) - length + 1)

    def followed(self, starts: NDArray[np.int64], length: int, horizon: int) -> Floats:
        """Change of the price in the `horizon` steps after windows."""
        ends = starts + length - 1
        return np.asarray(self.prices[ends + horizon] - self.prices[ends])


def scaled(prices: Floats, *, scale: str, tick: float) -> Floats:
    """Log-odds of prices cut half a tick from 0 and 1, or the prices as they are."""
    if scale == "price":
        return prices
    if scale != "log_odds":
        raise ValueError(f"a scale is log_odds or price, not {scale!r}")
    cut = np.clip(prices, tick / 2, 1 - tick / 2)
    return np.asarray(np.log(cut) - np.log1p(-cut))


def is_flat(prices: Floats, *, tick: float) -> bool:
    """Whether a window holds no pattern: it moved by less than half a tick (standard deviation), or has gaps.

    Normalising such a window would turn rounding into shape.
    """
    return not float(prices.std()) >= tick / 2


def by_group(series: Sequence[Series]) -> list[list[int]]:
    """Indices of the series, group after group."""
    groups: dict[str, list[int]] = {}
    for index, each in enumerate(series):
        groups.setdefault(each.group, []).append(index)
    return list(groups.values())


def parse_all(payload: Mapping[str, Any]) -> tuple[list[Series], float, str]:
    """The payload's `series`, `tick` and `scale`. Raises ValueError."""
    tick = float(payload.get("tick", 0.01))
    if not 0 < tick < 0.5 or not math.isfinite(tick):
        raise ValueError(f"a tick lies between 0 and 0.5, not {tick}")
    scale = str(payload.get("scale", "log_odds"))
    series = [Series.parse(raw, index=index, scale=scale, tick=tick) for index, raw in enumerate(payload["series"])]
    points = sum(each.prices.size for each in series)
    if points > MOST_POINTS:
        raise ValueError(f"{points} points are more than {MOST_POINTS}")
    return series, tick, scale
