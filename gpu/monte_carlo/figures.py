"""Figures of simulated profits, each with the standard error that the replicates' disagreement shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .sample_estimates import SMALLEST_LOSS, Estimate, estimate

Floats = NDArray[np.float64]

_BINS = 1 << 14


class ProfitFigures:
    """Statistics of profits of shape (replicates, paths in each). Positive losses are money lost.

    Replicates are gone through one at a time: arrays as large as all the profits take longer to come by than to fill.
    """

    def __init__(self, profits: Floats) -> None:
        self._profits = profits
        self._ordered = OrderStatistics(profits)
        self._known: dict[float, Estimate] = {}

    def mean(self) -> Estimate:
        return _over_replicates(self._profits.mean(axis=1))

    def standard_deviation(self) -> Estimate:
        """By the delta method from the variances about the common mean."""
        mean = self._profits.mean()
        pooled = _over_replicates(np.array([np.square(each - mean).mean() for each in self._profits]))
        deviation = math.sqrt(max(pooled["value"], 0.0))
        return estimate(deviation, pooled["standard_error"] / (2 * deviation) if deviation else 0.0)

    def loss_probability(self) -> Estimate:
        return self.probability_of_losing(SMALLEST_LOSS)

    def probability_of_losing(self, dollars: float) -> Estimate:
        """P(loss >= dollars)."""
        return self._share_up_to(-dollars)

    def histogram(self, bins: int, *, low: float, high: float) -> list[float]:
        """The share of profits in each of `bins` equal bins."""
        counts = sum(np.histogram(each, bins, range=(low, high))[0] for each in self._profits)
        return [float(count) / self._profits.size for count in np.asarray(counts)]

    def quantiles(self, levels: Sequence[float]) -> list[Estimate]:
        """The least profits with at least a fraction `level` at or below them.

        The standard error of the fraction below is carried over by half the distance between the quantiles one error
        to either side, which needs no density and so holds for discrete distributions (P. Glynn, "Importance
        sampling for Monte Carlo estimation of quantiles", 1996, has the smooth case).
        """
        # Tails are asked for at levels that quantiles were: 1 - 0.95 is 0.05 but for its last bits.
        keys = [round(level, 12) for level in levels]
        missing = [level for level in dict.fromkeys(keys) if level not in self._known]
        self._known |= dict(zip(missing, self._quantiles(missing), strict=True))
        return [self._known[level] for level in keys]

    def _quantiles(self, levels: Sequence[float]) -> list[Estimate]:
        values = self._ordered.at(levels)
        near = []
        for level, value in zip(levels, values, strict=True):
            spread = max(self._share_up_to(value)["standard_error"], 1 / self._profits.size)
            near += [level - spread, level + spread]
        ends = self._ordered.at(near)
        return [
            estimate(value, (high - low) / 2) for value, low, high in zip(values, ends[::2], ends[1::2], strict=True)
        ]

    def _share_up_to(self, profit: float) -> Estimate:
        counts = np.array([np.count_nonzero(each <= profit) for each in self._profits])
        return _over_replicates(counts / self._profits.shape[1])

    def tail_losses(self, levels: Sequence[float]) -> list[dict[str, Any]]:
        """Value at risk and conditional value at risk by level.

        CVaR is the mean of the worst 1 - level of outcomes: VaR + E[(loss - VaR)+] / (1 - level) (R. T. Rockafellar
        and S. Uryasev, "Optimization of conditional value-at-risk", 2000), which counts an atom at VaR in part.
        """
        tails = []
        for level, quantile in zip(levels, self.quantiles([1 - level for level in levels]), strict=True):
            worse = np.array([np.minimum(each - quantile["value"], 0.0).mean() for each in self._profits])
            excess = _over_replicates(-worse / (1 - level))
            tails.append(
                {
                    "level": level,
                    "value_at_risk": estimate(-quantile["value"], quantile["standard_error"]),
                    "conditional_value_at_risk": estimate(
                        -quantile["value"] + excess["value"], excess["standard_error"]
                    ),
                }
            )
        return tails


class OrderStatistics:
    """Quantiles of all values of some rows without sorting them all: only bins that hold a wanted one are sorted."""

    def __init__(self, rows: Floats) -> None:
        self._rows = rows
        low, high = float(rows.min()), float(rows.max())
        scale = (_BINS - 1) / (high - low) if high > low else 0.0
        if not math.isfinite(scale):
            scale = 0.0
        self._bins = np.empty(rows.shape, dtype=np.uint16)
        sizes = np.zeros(_BINS, dtype=np.int64)
        for row, bins in zip(rows, self._bins, strict=True):
            bins[:] = (row - low) * scale
            sizes += np.bincount(bins, minlength=_BINS)
        self._before = np.concatenate([[0], np.cumsum(sizes)])

    def at(self, levels: Sequence[float]) -> list[float]:
        """The least value with at least a fraction `level` at or below it, for each level."""
        size = self._rows.size
        # Ranks such as 0.95 * 20 come out a hair above the whole number.
        ranks = np.clip([math.ceil(level * size - 1e-9) - 1 for level in levels], 0, size - 1)
        bins = np.searchsorted(self._before, ranks, side="right") - 1
        wanted = np.zeros(_BINS, dtype=np.bool_)
        wanted[bins] = True
        kept = np.concatenate([row[wanted[in_row]] for row, in_row in zip(self._rows, self._bins, strict=True)])
        kept.sort()
        kept_before = np.concatenate([[0], np.cumsum(np.where(wanted, np.diff(self._before), 0))])
        return [
            float(kept[kept_before[bin_] + rank - self._before[bin_]]) for bin_, rank in zip(bins, ranks, strict=True)
        ]


def _over_replicates(values: Floats) -> Estimate:
    return estimate(values.mean(), values.std(ddof=1) / math.sqrt(values.size))
