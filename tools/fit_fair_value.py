"""Fits the correction of market prices on resolved markets: `python -m tools.fit_fair_value DATA [--write]`.

DATA is a folder with `history` and `crossvenue` as they lie beside the repository. The fit is a logistic regression of
outcomes on log-odds (features in core/forecasting/calibration.py), each event with the same weight, with normal priors:
the slope of published tables of markets, and no effect of anything else. It is fitted on the earlier 60 % of each data
set's events, measured on the later ones, and then fitted again on all of them for the package.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np

from polydesk.core.forecasting.calibration import (
    FEATURES,
    Calibration,
    DataSet,
    Versus,
    features,
    group_of,
    log_odds_of,
)
from polydesk.core.table_files import file_hashes
from polydesk.server.forecast_evaluation import (
    compared,
    in_time_order,
    predictors,
    versus,
)
from polydesk.server.labelled_price import LabelledPrice
from polydesk.server.labelled_prices import read_labelled_prices

SETS = (
    "history/favourite_entry_price_vs_outcome_2023_2025.csv.gz",
    "history/esports_cs2_pregame_price_vs_outcome_2025_2026.csv.gz",
    "history/crypto_short_horizon_price_vs_outcome_2026-06.csv.gz",
    "history/btc_daily_bands_minute",
    "history/world_cup_2026",
    "history/geopolitics_hourly_2026-02_03",
    "history/politics_12h_2024_2026",
    "crossvenue/forecastbench_polymarket_manifold_metaculus.csv.gz",
)
EARLIER = 0.6
PRIOR = {
    "log_odds": (1.04, 0.03),
    "log_odds_sports": (0.0, 0.03),
    "log_odds_crypto": (0.0, 0.03),
    "log_odds_politics": (0.0, 0.03),
    "log_odds_per_decade_of_time": (0.0, 0.02),
    "yes": (0.0, 0.02),
}
"""Mean and standard deviation. 1.04 is the slope of Allium's two tables of markets between 0.05 and 0.95; their parts
for Yes (+0.10 and -0.13) disagree. The deviations are a choice: an inner split in time of the earlier events does not
settle them (around a mean of 1.04 wider ones did worse there, around 1.0 they did better in Brier score)."""

_OUT = Path(__file__).resolve().parents[1] / "core" / "forecasting" / "weights" / "fair_value.json"
_UNMEASURED = Versus(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true", help="replace the weights of the package")
    parser.add_argument("--seed", type=int, default=1, help="of the bootstrap")
    options = parser.parse_args()
    sets = {name: [row for row in read_labelled_prices(options.data / name) if not row.venue] for name in SETS}
    splits = {name: in_time_order(rows, EARLIER) for name, rows in sets.items()}
    earlier = fitted([row for before, _ in splits.values() for row in before], data=(), measured=_UNMEASURED)
    random = Random(options.seed)
    for name, (_, after) in splits.items():
        if after:
            _print(name, after, earlier, random)
    later = [row for _, after in splits.values() for row in after]
    _print("all later events", later, earlier, random)
    everything = fitted(
        [row for rows in sets.values() for row in rows],
        data=tuple(_described(options.data, name, rows) for name, rows in sets.items()),
        measured=versus(later, earlier, random),
    )
    for feature, before, weight, row in zip(
        FEATURES, earlier.coefficients, everything.coefficients, everything.covariance, strict=True
    ):
        deviation = row[FEATURES.index(feature)] ** 0.5
        print(f"{feature}: {before:+.3f} on the earlier events, {weight:+.3f} on all (± {deviation:.3f})")
    if options.write:
        raw = {
            "features": list(FEATURES),
            "prior": PRIOR,
            "split": f"earlier {EARLIER:.0%} of the events of each set to fit, the later ones to measure, by decision",
            **asdict(everything),
        }
        _OUT.write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
        print(f"written to {_OUT}")


def fitted(rows: Sequence[LabelledPrice], *, data: tuple[DataSet, ...], measured: Versus) -> Calibration:
    """The most likely coefficients under the priors, by Newton's method, with the inverse of the Hessian."""
    per_event = Counter(row.event for row in rows)
    x = np.array(
        [
            features(
                log_odds_of(row.price),
                group=group_of((row.category, row.question)),
                days=row.days_ahead,
                is_yes=float(row.first_is_yes),
            )
            for row in rows
        ]
    )
    y = np.array([float(row.came_true) for row in rows])
    weights = np.array([1 / per_event[row.event] for row in rows])
    centre = np.array([PRIOR[name][0] for name in FEATURES])
    precision = np.array([PRIOR[name][1] ** -2 for name in FEATURES])
    at = centre.copy()
    for _ in range(50):
        chance = 1 / (1 + np.exp(-x @ at))
        slope = x.T @ (weights * (chance - y)) + precision * (at - centre)
        hessian = (x * (weights * chance * (1 - chance))[:, None]).T @ x + np.diag(precision)
        step = np.linalg.solve(hessian, slope)
        at -= step
        if np.abs(step).max() < 1e-9:
            break
    covariance = np.linalg.inv(hessian)
    return Calibration(
        coefficients=tuple(round(float(each), 5) for each in at),
        covariance=tuple(tuple(round(float(each), 7) for each in row) for row in covariance),
        measured=measured,
        fitted_on=f"{datetime.now(UTC):%Y-%m-%d}",
        data=data,
    )


def _described(folder: Path, name: str, rows: Sequence[LabelledPrice]) -> DataSet:
    moments = [moment for row in rows if (moment := row.last_moment) is not None]
    return DataSet(
        name=name,
        rows=len(rows),
        events=len({row.event for row in rows}),
        begins=f"{min(moments):%Y-%m-%d}",
        ends=f"{min(max(moments), datetime.now(UTC)):%Y-%m-%d}",  # some were decided before they were to end
        sha256=tuple(file_hashes(folder / name)),
    )


def _print(name: str, rows: Sequence[LabelledPrice], calibration: Calibration, random: Random) -> None:
    found = compared(rows, predictors(calibration), random)
    print(f"{name}: {found['rows']} rows, {found['events']} events, {found['verdict']}")
    for candidate, scores in found["scores"].items():
        print(f"  {candidate}: Brier {scores['brier']:.4f}, log loss {scores['log_loss']:.4f}")
    for label, gain in (("Brier", found["brier_gain"]), ("log loss", found["log_loss_gain"])):
        print(f"  gain in {label}: {gain['value']:+.5f} ({gain['low']:+.5f} to {gain['high']:+.5f})")


if __name__ == "__main__":
    main()
