"""How market prices came true: the published tables, and the correction in log-odds fitted on resolved markets.

Tables of markets (one price each) and tables of trades (each trade counts) answer different questions and differ much:
the correction is of a market's price, so only the former enter it. Weights and their provenance are written by
tools/fit_fair_value.py.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any, Literal

Group = Literal["sports", "crypto", "politics", "other"]
Level = Literal["market", "trade"]

FEATURES = (
    "log_odds",
    "log_odds_sports",
    "log_odds_crypto",
    "log_odds_politics",
    "log_odds_per_decade_of_time",
    "yes",
)
"""What the correction is linear in. Time counts in decades from a week, `yes` is 1 for a Yes."""

_WORDS: Mapping[Group, str] = {
    "sports": r"sports?|esports?|games?|cs2|counter-strike|dota|valorant|league of legends|nba|nfl|mlb|nhl|ncaa\w*|ufc|"
    r"soccer|football|tennis|hockey|baseball|basketball|golf|pga|formula 1|f1|cricket|fifa|uefa|world cup|super bowl|"
    r"champions league|premier league|la liga|bundesliga|serie a|ligue 1|playoffs?|championship|grand prix|"
    r"afc|nfc|mvp|wimbledon|olympics?|team|advance|outright",
    "crypto": r"crypto\w*|bitcoin|btc|ethereum|eth|solana|sol|xrp|dogecoin|doge|bnb|hype|hyperliquid|token|fdv|airdrop",
    "politics": r"politics|geopolitics|elections?|president\w*|senate|senator|congress|parliament\w*|governor|"
    r"mayor\w*|minister|nominee|nomination|primary|vote|votes|party|trump|biden|harris|putin|zelensk\w+|netanyahu|"
    r"khamenei|iran|israel|gaza|ukraine|russia|nato|ceasefire|war|strikes?|invade|military|tariffs?|supreme court|"
    r"impeach\w*|cabinet|white house|democrat\w*|republican\w*|government|us-current-affairs",
}
_PATTERNS = {group: re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) for group, words in _WORDS.items()}
_WEEK_DAYS = 7.0
_DECADES = 1.5
_CERTAIN = 0.0005


@dataclass(frozen=True, slots=True)
class Correction:
    """What to add to a price's log-odds, and the standard deviation of that by the fit's uncertainty."""

    log_odds: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Versus:
    """Brier scores and log losses of the model and of the price itself, on markets later than those of the fit.

    `gain` is the price's Brier score less the model's, per event; the interval is a 95 % bootstrap over events.
    """

    rows: int
    events: int
    brier: float
    market_brier: float
    log_loss: float
    market_log_loss: float
    gain: float
    gain_low: float
    gain_high: float

    @property
    def better(self) -> bool:
        """Whether the model beat the price by more than chance."""
        return self.gain_low > 0


@dataclass(frozen=True, slots=True)
class DataSet:
    """One file of a fit: what a later test must not overlap with. Dates are of decisions, first and last."""

    name: str
    rows: int
    events: int
    begins: str
    ends: str
    sha256: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted correction. `coefficients` and `covariance` are in the order of FEATURES; a coefficient of 1 for the
    log-odds, and 0 for the others, leaves the price as it is."""

    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    measured: Versus
    fitted_on: str
    data: tuple[DataSet, ...]

    def correct(self, log_odds: float, *, group: Group, days: float | None, is_yes: float) -> Correction:
        """The correction of one price. `days` is to the announced end, None where it is not known; `is_yes` 1 for the
        Yes of a question, -1 for its No, 0 for one of two names."""
        values = features(log_odds, group=group, days=days, is_yes=is_yes)
        total = math.fsum(each * weight for each, weight in zip(values, self.coefficients, strict=True))
        variance = math.fsum(
            first * second * self.covariance[row][column]
            for row, first in enumerate(values)
            for column, second in enumerate(values)
        )
        return Correction(total - log_odds, math.sqrt(max(variance, 0.0)))

    def known_of(self, *, hashes: Collection[str], began: date, ended: date) -> tuple[str, ...]:
        """The data sets of the fit that a test on files with these sha256, from one day to another, is not independent
        of: the very same file, or outcomes of the same days. None of them means that a test is out of sample."""
        known = []
        for each in self.data:
            if not set(each.sha256).isdisjoint(hashes):
                known.append(f"{each.name} (the same file)")
            elif began.isoformat() <= each.ends and each.begins <= ended.isoformat():
                known.append(f"{each.name} (the same days)")
        return tuple(known)

    def probability(self, price: float, *, group: Group, days: float | None, is_yes: float) -> float:
        """A price corrected."""
        at = log_odds_of(price)
        return probability_of(at + self.correct(at, group=group, days=days, is_yes=is_yes).log_odds)


def features(log_odds: float, *, group: Group, days: float | None, is_yes: float) -> tuple[float, ...]:
    """The values of FEATURES for one price. They turn their sign with the outcome, so that both outcomes agree."""
    decades = 0.0 if days is None else math.log10(max(days, 1e-3) / _WEEK_DAYS)
    return (
        log_odds,
        log_odds * (group == "sports"),
        log_odds * (group == "crypto"),
        log_odds * (group == "politics"),
        log_odds * max(-_DECADES, min(decades, _DECADES)),
        is_yes,
    )


def group_of(texts: Iterable[str]) -> Group:
    """The group of a market by its category, tags and question; the first text that tells decides."""
    for text in texts:
        for group, pattern in _PATTERNS.items():
            if pattern.search(text.replace("_", " ")):
                return group
    return "other"


def log_odds_of(probability: float) -> float:
    """ln(p / (1 - p)); a probability nearer than 0.0005 to certainty counts as that."""
    inside = min(max(probability, _CERTAIN), 1 - _CERTAIN)
    return math.log(inside / (1 - inside))


def probability_of(log_odds: float) -> float:
    """1 / (1 + e^-x)."""
    return 1 / (1 + math.exp(-log_odds)) if log_odds >= 0 else math.exp(log_odds) / (1 + math.exp(log_odds))


@functools.cache
def shipped_calibration() -> Calibration:
    """The correction that comes with the package."""
    return calibration_from(_read("fair_value.json"))


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """Prices by bucket and how often they came true, as somebody else published it."""

    name: str
    level: Level
    source: str
    prices: tuple[float, ...]
    came_true: tuple[float, ...]
    counts: tuple[int, ...]

    def probability(self, price: float) -> float:
        """What the table makes of a price: linear in log-odds between the middles of its buckets."""
        at = log_odds_of(price)
        known = [log_odds_of(each) for each in self.prices]
        truth = [log_odds_of(each) for each in self.came_true]
        if at <= known[0] or at >= known[-1]:
            end = 0 if at <= known[0] else -1
            return probability_of(at + truth[end] - known[end])
        upper = next(index for index, each in enumerate(known) if each >= at)
        share = (at - known[upper - 1]) / (known[upper] - known[upper - 1])
        return probability_of(truth[upper - 1] + share * (truth[upper] - truth[upper - 1]))


@functools.cache
def published_tables() -> tuple[PublishedTable, ...]:
    """The published calibration tables, of markets and of trades."""
    return tuple(
        PublishedTable(
            name=each["name"],
            level=each["level"],
            source=each["source"],
            prices=tuple(row[0] for row in each["rows"]),
            came_true=tuple(row[1] for row in each["rows"]),
            counts=tuple(row[2] for row in each["rows"]),
        )
        for each in _read("published_calibration.json")["tables"]
    )


def calibration_from(raw: Mapping[str, Any]) -> Calibration:
    """A correction from the JSON that the fit writes."""
    if tuple(raw["features"]) != FEATURES:
        raise ValueError(f"these weights are of other features: {raw['features']}")
    return Calibration(
        coefficients=tuple(raw["coefficients"]),
        covariance=_rows(raw["covariance"]),
        measured=Versus(**raw["measured"]),
        fitted_on=raw["fitted_on"],
        data=tuple(DataSet(**{**each, "sha256": tuple(each["sha256"])}) for each in raw["data"]),
    )


def _rows(raw: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in raw)


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files(__package__).joinpath("weights", name).read_text(encoding="utf-8"))
    return found
