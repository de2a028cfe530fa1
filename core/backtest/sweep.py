"""Many sets of parameters on the same past: which was best, and how much of that is the luck of choosing.

With walk-forward time is cut into windows. The best set of each window is judged in the next one, which took no part in
the choice; nothing but these later windows counts as out of sample.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..errors import ConfigurationError
from .returns import daily_sharpe_ratio, sharpe_ratio
from .significance import deflated_sharpe, kurtosis_of, overfitting_probability, skewness_of

MOST_SETS = 1_000

ParameterSet = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class SweptRun:
    """One set in one window (0 for the whole): its summary and daily changes, or the `problem` that it met."""

    parameters: ParameterSet
    window: int
    told: Mapping[str, Any]
    daily_changes: tuple[float, ...]
    problem: str = ""

    @property
    def profit(self) -> float:
        return float(self.told["profit"]["total"])


@dataclass(frozen=True, slots=True)
class Fold:
    """A set chosen in one `window`, with its profit there and in the next one; dollars."""

    window: int
    chosen: ParameterSet
    chosen_profit: float
    next_profit: float


@dataclass(frozen=True, slots=True)
class SweepVerdict:
    """`best` is of the whole, by `criterion`; None where time was cut into windows.

    `deflated_sharpe` is the probability that its Sharpe ratio is above 0 after `tried` sets, `overfitting` how often
    the best set of one half of the time is no better than the median in the other; None where days are too few or the
    run is in sample. What is `out_of_sample` is of the folds' later windows alone. Its deflated ratio is held against
    the best of as many sets in these windows all the same, though they took no part in the choice: it errs on the low
    side.
    """

    tried: int
    failed: int
    criterion: str
    best: SweptRun | None
    deflated_sharpe: float | None
    overfitting: float | None
    folds: tuple[Fold, ...]
    out_of_sample_profit: float | None
    out_of_sample_sharpe: float | None
    out_of_sample_deflated_sharpe: float | None


def grid(choices: Mapping[str, Sequence[Decimal]]) -> list[ParameterSet]:
    """Every combination of the values, the last name's changing fastest. Raises ConfigurationError for too many."""
    count = 1
    for name, values in choices.items():
        if not values:
            raise ConfigurationError(f"{name} has no values to try.")
        count *= len(values)
    if count > MOST_SETS:
        raise ConfigurationError(f"These are {count} sets of parameters; {MOST_SETS} can be tried at once.")
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


def judge(runs: Sequence[SweptRun], *, in_sample: bool) -> SweepVerdict:
    """What a sweep has shown. `runs` hold each set in each window, in any order; the order of the sets decides ties."""
    usable = [run for run in runs if not run.problem]
    by_window: dict[int, list[SweptRun]] = {}
    for run in usable:
        by_window.setdefault(run.window, []).append(run)
    criterion = (
        "Sharpe ratio" if usable and all(sharpe_ratio(run.daily_changes) is not None for run in usable) else "profit"
    )
    bests = {window: max(some, key=lambda run: _score(run, criterion)) for window, some in by_window.items()}
    folds, later_changes = _folds(by_window, bests)
    tried = len({tuple(sorted(run.parameters.items())) for run in runs})
    alone = len(by_window) == 1
    best = bests[0] if alone and bests else None
    deflated, overfitting = (None, None) if best is None or in_sample else _luck(by_window[0], best, tried)
    return SweepVerdict(
        tried=tried,
        failed=len(runs) - len(usable),
        criterion=criterion,
        best=best,
        deflated_sharpe=deflated,
        overfitting=overfitting,
        folds=folds,
        out_of_sample_profit=sum(fold.next_profit for fold in folds) if folds else None,
        out_of_sample_sharpe=None if in_sample else sharpe_ratio(later_changes),
        out_of_sample_deflated_sharpe=None if in_sample else _deflated(later_changes, _later(by_window, folds), tried),
    )


def _score(run: SweptRun, criterion: str) -> float:
    if criterion == "profit":
        return run.profit
    return sharpe_ratio(run.daily_changes) or 0.0


def _folds(
    by_window: Mapping[int, Sequence[SweptRun]], bests: Mapping[int, SweptRun]
) -> tuple[tuple[Fold, ...], list[float]]:
    folds: list[Fold] = []
    changes: list[float] = []
    for window, best in sorted(bests.items()):
        later = next((run for run in by_window.get(window + 1, ()) if run.parameters == best.parameters), None)
        if later is not None:
            folds.append(Fold(window, best.parameters, best.profit, later.profit))
            changes += later.daily_changes
    return tuple(folds), changes


def _later(by_window: Mapping[int, Sequence[SweptRun]], folds: Sequence[Fold]) -> list[list[float]]:
    """The daily changes of each set in the folds' later windows, of those that ran in all of them."""
    judged = [
        {tuple(sorted(run.parameters.items())): run.daily_changes for run in by_window[fold.window + 1]}
        for fold in folds
    ]
    sets = [each for each in (judged[0] if judged else ()) if all(each in window for window in judged)]
    return [[change for window in judged for change in window[each]] for each in sets]


def _luck(runs: Sequence[SweptRun], best: SweptRun, tried: int) -> tuple[float | None, float | None]:
    rows = [run.daily_changes for run in runs]
    comparable = len({len(row) for row in rows}) == 1 and len(set(rows)) > 1
    overfitting = overfitting_probability(rows) if comparable else None
    return _deflated(best.daily_changes, rows, tried), overfitting


def _deflated(changes: Sequence[float], of_sets: Sequence[Sequence[float]], tried: int) -> float | None:
    """Of daily changes that were chosen among those `of_sets`; None where days or sets are too few."""
    ratios = [ratio for each in of_sets if (ratio := daily_sharpe_ratio(each)) is not None]
    own = daily_sharpe_ratio(changes)
    if own is None or len(ratios) < 2:
        return None
    return deflated_sharpe(
        own,
        tried=tried,
        deviation=statistics.stdev(ratios),
        observations=len(changes),
        skewness=skewness_of(changes),
        kurtosis=kurtosis_of(changes),
    )
