"""How good the shipped correction of prices is on labelled ones: beside the price itself and beside published tables.

Scores are means over events, each of which counts once; intervals are of a bootstrap over events (B. Efron, 1979).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from ..core.forecasting.calibration import (
    Calibration,
    Versus,
    group_of,
    log_odds_of,
    probability_of,
    published_tables,
)
from ..core.forecasting.siblings import Quoted, coherence
from .labelled_price import LabelledPrice

Predictor = Callable[[Sequence[LabelledPrice]], list[float]]

_RESAMPLES = 2000
_LEAST_EVENTS = 30
_CERTAIN = 1e-6
_USUAL_HALF_SPREAD = 0.005
_TAIL = 0.1
_TAIL_HALF_SPREAD = 0.0005
"""Medians of 1,904 quotes of the World Cup 2026, where prices go by a tenth of a cent below 0.10."""


def predictors(calibration: Calibration) -> dict[str, Predictor]:
    """What is compared, by name: `model`, `market` and the published tables."""
    found: dict[str, Predictor] = {
        "model": lambda rows: modelled(calibration, rows),
        "market": lambda rows: [row.price for row in rows],
    }
    for table in published_tables():
        found[f"{table.name} ({table.level} level)"] = _by_table(table.probability)
    return found


def _by_table(of: Callable[[float], float]) -> Predictor:
    return lambda rows: [of(row.price) for row in rows]


def modelled(calibration: Calibration, rows: Sequence[LabelledPrice]) -> list[float]:
    """The model's probabilities: each price corrected as prices came true, and by its siblings of the same moment."""
    together: defaultdict[tuple[str, datetime | None], list[LabelledPrice]] = defaultdict(list)
    for row in rows:
        if row.exclusive:
            together[row.event, row.at].append(row)
    found = []
    for row in rows:
        at = log_odds_of(row.price)
        group = group_of((row.category, row.question))
        is_yes = 1.0 if row.first_is_yes else 0.0
        correction = calibration.correct(at, group=group, days=row.days_ahead, is_yes=is_yes).log_odds
        if row.exclusive:
            others = [_quoted(each) for each in together[row.event, row.at] if each is not row]
            correction += coherence(_quoted(row), others).log_odds
        found.append(probability_of(at + correction))
    return found


def _quoted(row: LabelledPrice) -> Quoted:
    usual = _TAIL_HALF_SPREAD if row.price < _TAIL else _USUAL_HALF_SPREAD
    return Quoted(row.price, usual if row.half_spread is None else row.half_spread)


def evaluate_forecast(
    rows: Sequence[LabelledPrice], calibration: Calibration, *, random: Random, hashes: Iterable[str] = ()
) -> dict[str, Any]:
    """Brier score and log loss of each predictor, the model's gain over the price, and the same by group.

    Rows of other venues have groups of their own and are not part of the whole, unless there are no others. `hashes`
    are the sha256 of the files, by which rows that the weights were fitted on are recognised.
    """
    own = [row for row in rows if not row.venue] or list(rows)
    known = {digest for each in calibration.data for digest in each.sha256}
    groups: defaultdict[str, list[LabelledPrice]] = defaultdict(list)
    for row in rows:
        groups[row.venue or group_of((row.category, row.question))].append(row)
    moments = [moment for row in own if (moment := row.last_moment) is not None]
    return {
        "fitted_on": calibration.fitted_on,
        "in_sample": any(each in known for each in hashes),
        "from": f"{min(moments):%Y-%m-%d}" if moments else None,
        "to": f"{max(moments):%Y-%m-%d}" if moments else None,
        **compared(own, predictors(calibration), random),
        "groups": {
            name: compared(some, dict(list(predictors(calibration).items())[:2]), random)
            for name, some in sorted(groups.items())
        },
    }


def compared(rows: Sequence[LabelledPrice], candidates: Mapping[str, Predictor], random: Random) -> dict[str, Any]:
    """Scores of candidates, `model` and `market` among them, and the gain of the one over the other."""
    scores = {name: _by_event(rows, of) for name, of in candidates.items()}
    events = len(scores["market"])
    gains = [market[0] - model[0] for market, model in zip(scores["market"], scores["model"], strict=True)]
    losses = [market[1] - model[1] for market, model in zip(scores["market"], scores["model"], strict=True)]
    gain = _interval(gains, random)
    return {
        "rows": len(rows),
        "events": events,
        "scores": {
            name: {
                "brier": round(math.fsum(each[0] for each in some) / events, 5),
                "log_loss": round(math.fsum(each[1] for each in some) / events, 5),
            }
            for name, some in scores.items()
        },
        "brier_gain": gain,
        "log_loss_gain": _interval(losses, random),
        "verdict": verdict(gain, events),
    }


def versus(rows: Sequence[LabelledPrice], calibration: Calibration, random: Random) -> Versus:
    """The comparison that is stored with the weights."""
    found = compared(rows, predictors(calibration), random)
    model, market, gain = found["scores"]["model"], found["scores"]["market"], found["brier_gain"]
    return Versus(
        rows=found["rows"],
        events=found["events"],
        brier=model["brier"],
        market_brier=market["brier"],
        log_loss=model["log_loss"],
        market_log_loss=market["log_loss"],
        gain=gain["value"],
        gain_low=gain["low"],
        gain_high=gain["high"],
    )


def verdict(gain: Mapping[str, float], events: int) -> str:
    """In words, of the gain in Brier score with its interval."""
    if events < _LEAST_EVENTS:
        return f"too few to say: {events} of {_LEAST_EVENTS} independent events"
    if gain["low"] > 0:
        return "better than the market price"
    if gain["high"] < 0:
        return "worse than the market price"
    return "no difference to the market price can be told"


def in_time_order(rows: Sequence[LabelledPrice], share: float) -> tuple[list[LabelledPrice], list[LabelledPrice]]:
    """Rows of the earlier `share` of events, and those of later events priced after the earlier ones were decided.

    No event is in both, and no later price is older than what the earlier part knows.
    """
    events: defaultdict[str, list[LabelledPrice]] = defaultdict(list)
    for row in rows:
        events[row.event].append(row)
    ended = {event: max(map(_last, some)) for event, some in events.items()}
    ordered = sorted(events, key=lambda event: (ended[event], event))
    cut = int(len(ordered) * share)
    known_until = max((ended[event] for event in ordered[:cut]), default=datetime.min.replace(tzinfo=UTC))
    before = [row for event in ordered[:cut] for row in events[event]]
    after = [row for event in ordered[cut:] for row in events[event] if (row.at or _last(row)) >= known_until]
    return before, after


def _last(row: LabelledPrice) -> datetime:
    return row.last_moment or datetime.min.replace(tzinfo=UTC)


def _by_event(rows: Sequence[LabelledPrice], of: Predictor) -> list[tuple[float, float]]:
    """Brier score and log loss of each event, in the order of their names."""
    events: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for row, probability in zip(rows, of(rows), strict=True):
        said = min(max(probability, _CERTAIN), 1 - _CERTAIN)
        events[row.event].append(((said - row.came_true) ** 2, -math.log(said if row.came_true else 1 - said)))
    return [
        (math.fsum(each[0] for each in some) / len(some), math.fsum(each[1] for each in some) / len(some))
        for _, some in sorted(events.items())
    ]


def _interval(values: Sequence[float], random: Random) -> dict[str, float]:
    """The mean and its 95 % interval."""
    count = len(values)
    means = sorted(math.fsum(random.choices(values, k=count)) / count for _ in range(_RESAMPLES))
    low, high = means[int(0.025 * _RESAMPLES)], means[int(0.975 * _RESAMPLES)]
    return {"value": round(math.fsum(values) / count, 6), "low": round(low, 6), "high": round(high, 6)}
