"""Probabilities of outcomes of which at most one can come true, made to sum to 1 at most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..models import Market
from .calibration import log_odds_of, probability_of

_HALVINGS = 60
_LEAST_HALF_SPREAD = 0.0005

COMMON_DEVIATION = 0.3
"""Of any price's log-odds, however tightly it is quoted. From 0.1 to 1 it makes no difference on recorded events."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """A probability of Yes and how exactly it is quoted: half the spread."""

    probability: float
    half_spread: float


@dataclass(frozen=True, slots=True)
class Coherence:
    """`total` is what the probabilities sum to; `log_odds` what that takes from the market asked about (0 or less)."""

    total: float
    markets: int
    log_odds: float


def sibling_quotes(markets: Sequence[Market], *, besides: Market) -> list[Quoted]:
    """Middles of the other markets of an event that still trade and are quoted on both sides.

    Placeholders without quotes add nothing, which only makes the sum smaller.
    """
    return [
        Quoted(float(each.best_bid + each.best_ask) / 2, float(each.best_ask - each.best_bid) / 2)
        for each in markets
        if each.condition_id != besides.condition_id
        and each.tradable
        and each.best_bid is not None
        and each.best_ask is not None
        and 0 < each.best_bid < each.best_ask < 1
    ]


def coherence(own: Quoted, siblings: Sequence[Quoted]) -> Coherence:
    """How much less likely a market is by what its siblings say, where all of them sum to more than 1.

    Each market's log-odds give way in proportion to their variance, as in the reconciliation of forecasts by
    generalised least squares (S. Wickramasuriya, G. Athanasopoulos and R. Hyndman, 2019). Equally tight quotes are all
    divided by the same odds ratio (K. Cheung, 2015), a wide one takes more of the overround. Sums below 1 say nothing:
    an outcome that has no market may win.
    """
    all_of_them = [own, *siblings]
    total = math.fsum(each.probability for each in all_of_them)
    if total <= 1 or not siblings:
        return Coherence(total, len(all_of_them), 0.0)
    log_odds = [log_odds_of(each.probability) for each in all_of_them]
    variances = [_variance(each) for each in all_of_them]

    def overround(pace: float) -> float:
        given = (probability_of(way - pace * variance) for way, variance in zip(log_odds, variances, strict=True))
        return math.fsum(given) - 1

    low, high = 0.0, 1 / max(variances)
    while overround(high) > 0:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if overround(middle) > 0 else (low, middle)
    return Coherence(total, len(all_of_them), -high * variances[0])


def _variance(quoted: Quoted) -> float:
    """Of a price's log-odds: what all prices are wrong by, and what the quote leaves open (by the delta method)."""
    inside = probability_of(log_odds_of(quoted.probability))
    return COMMON_DEVIATION**2 + (max(quoted.half_spread, _LEAST_HALF_SPREAD) / (inside * (1 - inside))) ** 2
