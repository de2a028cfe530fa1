"""How good forecasts were, held against the market's price at the same moments, and how sure that is.

Scores are means over independent events: markets of which at most one comes true are one event, whose score is the mean
of theirs. Brier score: (p - y)^2 (G. Brier, 1950); log loss: -ln of the probability given to what happened. Skill is
1 - score / the market's score on the same markets (A. Murphy's skill score). Intervals are percentiles of a bootstrap
over events (B. Efron, 1979).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from statistics import fmean, stdev

from ..identifiers import ConditionId
from .forecast import Decided, Forecast

ENOUGH_EVENTS = 30
"""Below so many independent events, luck and skill cannot be told apart by any method worth its name."""

BINS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_RESAMPLES = 1000
_INTERVAL = (0.025, 0.975)
_Z = 1.96


@dataclass(frozen=True, slots=True)
class ScoredMarket:
    """One market that one author forecast, once it is decided.

    `first` is the author's first probability and `series` the mean Brier score over time from then to the decision,
    each forecast counting until the next. The market's figures are of the same moments, None where it had no price.
    `sources` are those of the news that moved the first forecast.
    """

    event: str
    category: str
    days_ahead: float
    came_true: bool
    first: float
    market_first: float | None
    series: float
    market_series: float | None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Markets whose first forecast lies in [low, high): what was said on average, and how often it came true."""

    low: float
    high: float
    markets: int
    said: float
    came_true: float


@dataclass(frozen=True, slots=True)
class BrierScore:
    """Of first forecasts over independent `events`, and of the market's price at the same moments where it had one."""

    events: int
    own: float
    market: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """Scores of some forecasts; smaller is better, but for skill.

    All are of the `markets` (and their `events`) that had a price to be held against, and of all of them where none
    had, with None for the market's; those over time are of the markets whose every forecast had a price, likewise.
    `unpriced` ones are left out of a comparison.

    `events_needed` is how many more events it would take to tell the difference to the market from luck, at the size
    and spread seen so far; None where the difference is not in the author's favour, 0 where it is told already.
    """

    markets: int
    events: int
    unpriced: int
    brier: float
    log_loss: float
    series_brier: float
    market_brier: float | None
    market_log_loss: float | None
    market_series_brier: float | None
    skill: float | None
    skill_interval: Interval | None
    events_needed: int | None
    calibration: tuple[CalibrationBin, ...]

    @property
    def verdict(self) -> str:
        """In words, the most important reservation first."""
        if self.events < ENOUGH_EVENTS:
            return f"too few to say: {self.events} of {ENOUGH_EVENTS} independent events have resolved"
        if self.skill is None or self.skill_interval is None:
            return "the market had no price at those moments to be held against"
        if self.skill_interval.low > 0:
            return "better than the market's price at the same moments"
        if self.skill_interval.high < 0:
            return "worse than the market's price at the same moments"
        return "no difference to the market's price can be told yet"


def scored_markets(forecasts: Iterable[Forecast], decided: Mapping[ConditionId, Decided]) -> list[ScoredMarket]:
    """The decided markets among one author's forecasts. Split payouts came true for nobody and are left out."""
    by_market: defaultdict[ConditionId, list[Forecast]] = defaultdict(list)
    for forecast in forecasts:
        by_market[forecast.condition_id].append(forecast)
    found = []
    for condition_id, made in by_market.items():
        end = decided.get(condition_id)
        if end is None or end.first_came_true is None:
            continue
        made = sorted((each for each in made if each.at < end.at), key=lambda each: each.at)
        if made:
            found.append(_scored(made, end, came_true=end.first_came_true))
    return found


def brier_score(markets: Sequence[ScoredMarket]) -> BrierScore:
    """The scores alone of at least one market: of those with a price, or of all where none had one."""
    priced = [each for each in markets if each.market_first is not None]
    own = _by_event((_brier(each.first, each.came_true), each.event) for each in priced or markets)
    market = _by_event((_brier(_known(each.market_first), each.came_true), each.event) for each in priced)
    return BrierScore(len(own), fmean(own), fmean(market) if market else None)


def score(markets: Sequence[ScoredMarket], random: Random) -> Score:
    """Scores of at least one market."""
    priced = [each for each in markets if each.market_first is not None]
    judged = priced or list(markets)
    own = _by_event((_brier(each.first, each.came_true), each.event) for each in judged)
    market = _by_event((_brier(_known(each.market_first), each.came_true), each.event) for each in priced)
    series = [each for each in judged if each.market_series is not None]
    return Score(
        markets=len(judged),
        events=len(own),
        unpriced=len(markets) - len(priced) if priced else 0,
        brier=fmean(own),
        log_loss=_mean(judged, lambda each: _log_loss(each.first, each.came_true)),
        series_brier=_mean(series or judged, lambda each: each.series),
        market_brier=fmean(market) if market else None,
        market_log_loss=_mean(priced, lambda each: _log_loss(_known(each.market_first), each.came_true))
        if priced
        else None,
        market_series_brier=_mean(series, lambda each: _known(each.market_series)) if series else None,
        skill=_skill(own, market) if priced else None,
        skill_interval=_skill_interval(own, market, random) if priced else None,
        events_needed=_events_needed(own, market) if priced else None,
        calibration=_calibration(judged),
    )


def _scored(made: Sequence[Forecast], end: Decided, *, came_true: bool) -> ScoredMarket:
    first = made[0]
    moments = [*(each.at for each in made), end.at]
    weights = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    prices = [each.market_price for each in made]
    return ScoredMarket(
        event=first.event,
        category=first.category,
        days_ahead=(end.at - first.at).total_seconds() / 86_400,
        came_true=came_true,
        first=float(first.probability),
        market_first=None if first.market_price is None else float(first.market_price),
        series=_over_time([_brier(float(each.probability), came_true) for each in made], weights),
        market_series=None
        if None in prices
        else _over_time([_brier(float(price), came_true) for price in prices if price is not None], weights),
        sources=first.sources,
    )


def _over_time(scores: Sequence[float], weights: Sequence[float]) -> float:
    return math.fsum(each * weight for each, weight in zip(scores, weights, strict=True)) / math.fsum(weights)


def _brier(probability: float, came_true: bool) -> float:
    return (probability - came_true) ** 2


def _log_loss(probability: float, came_true: bool) -> float:
    said = probability if came_true else 1 - probability
    return -math.log(max(said, 1e-6))  # a price of 0 or 1 is a millionth away from certain here


def _by_event(scores: Iterable[tuple[float, str]]) -> list[float]:
    """One score per event, in the order of their names, so that lists of the same markets match."""
    events: defaultdict[str, list[float]] = defaultdict(list)
    for value, event in scores:
        events[event].append(value)
    return [fmean(events[event]) for event in sorted(events)]


def _mean(markets: Iterable[ScoredMarket], of: Callable[[ScoredMarket], float]) -> float:
    return fmean(_by_event((of(each), each.event) for each in markets))


def _known(value: float | None) -> float:
    assert value is not None
    return value


def _skill(own: Sequence[float], market: Sequence[float]) -> float | None:
    """None where there was no market, or one that knew everything."""
    total = math.fsum(market)
    return 1 - math.fsum(own) / total if total else None


def _skill_interval(own: Sequence[float], market: Sequence[float], random: Random) -> Interval | None:
    if len(own) < 2:
        return None
    indices = range(len(own))
    drawn = []
    for _ in range(_RESAMPLES):
        chosen = random.choices(indices, k=len(own))
        skill = _skill([own[each] for each in chosen], [market[each] for each in chosen])
        if skill is not None:
            drawn.append(skill)
    if not drawn:
        return None
    drawn.sort()
    low, high = (drawn[min(int(level * len(drawn)), len(drawn) - 1)] for level in _INTERVAL)
    return Interval(low, high)


def _events_needed(own: Sequence[float], market: Sequence[float]) -> int | None:
    """By the normal approximation for the mean of the differences."""
    differences = [theirs - ours for ours, theirs in zip(own, market, strict=True)]
    if len(differences) < 2 or fmean(differences) <= 0:
        return None
    wanted = math.ceil((_Z * stdev(differences) / fmean(differences)) ** 2)
    return max(wanted, ENOUGH_EVENTS) - len(differences) if max(wanted, ENOUGH_EVENTS) > len(differences) else 0


def _calibration(markets: Sequence[ScoredMarket]) -> tuple[CalibrationBin, ...]:
    found = []
    for low, high in pairwise(BINS):
        within = [each for each in markets if low <= each.first < high or (high == 1.0 and each.first == 1.0)]
        if within:
            said = fmean(each.first for each in within)
            found.append(CalibrationBin(low, high, len(within), said, fmean(each.came_true for each in within)))
    return tuple(found)
