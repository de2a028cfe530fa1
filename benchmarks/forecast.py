"""The correction of prices beside the price itself and published calibrations, on events later than those of its fit.

The resolved markets lie beside the repository; where they are not there, nothing is measured.
"""

from __future__ import annotations

from random import Random
from typing import Any

from polydesk.core.forecasting.calibration import Calibration, shipped_calibration
from polydesk.server.forecast_evaluation import compared, in_time_order, predictors
from polydesk.server.labelled_price import LabelledPrice
from polydesk.server.labelled_prices import read_labelled_prices
from tools.fit_fair_value import EARLIER, SETS, fitted

from .labelled_texts import ROOT
from .registry import Result

DATA = ROOT.parent / "shared" / "data"
_LEAST_EVENTS = 30


def run() -> Result:
    if not DATA.is_dir():
        return Result(about="not measured: no resolved markets lie beside the repository", ratios={})
    sets = {name: [row for row in read_labelled_prices(DATA / name) if not row.venue] for name in SETS}
    splits = {name: in_time_order(rows, EARLIER) for name, rows in sets.items()}
    earlier = fitted(
        [row for before, _ in splits.values() for row in before], data=(), measured=shipped_calibration().measured
    )
    measured: dict[str, float] = {}
    for name, (_, after) in splits.items():
        if len({row.event for row in after}) >= _LEAST_EVENTS:
            short = name.partition("/")[2].partition(".")[0]
            _tell(measured, short, _scores(after, earlier), ("model", "market"))
    whole = _scores([row for _, after in splits.values() for row in after], earlier)
    _tell(measured, "all later events", whole, tuple(whole["scores"]))
    scores = whole["scores"]
    return Result(
        about=f"model of price fitted on the earlier {EARLIER:.0%} of the events of each set; each later event counts "
        f"once, intervals are 95 % bootstraps over events; {whole['verdict']}",
        ratios={
            f"{score} on all later events, model / market price": scores["model"][key] / scores["market"][key]
            for key, score in (("brier", "Brier score"), ("log_loss", "log loss"))
        },
        measured=measured,
    )


def _scores(rows: list[LabelledPrice], calibration: Calibration) -> dict[str, Any]:
    return compared(rows, predictors(calibration), Random(1))


def _tell(measured: dict[str, float], name: str, found: dict[str, Any], candidates: tuple[str, ...]) -> None:
    measured[f"{name}: events"] = found["events"]
    for candidate in candidates:
        measured[f"{name}: Brier score, {candidate}"] = found["scores"][candidate]["brier"]
        measured[f"{name}: log loss, {candidate}"] = found["scores"][candidate]["log_loss"]
    for key, label in (("brier_gain", "Brier score"), ("log_loss_gain", "log loss")):
        for end in ("value", "low", "high"):
            measured[f"{name}: gain of the model in {label}, {end}"] = found[key][end]
