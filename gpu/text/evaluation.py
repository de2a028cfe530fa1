"""How good answers are against labels, each figure with a 95 % bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 1000
_SEED = 1

Indices = NDArray[np.intp]


def classification(predicted: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Accuracy and macro-F1 of predicted labels: the mean of the classes' F1, over the classes that occur."""
    names = sorted({*labels, *predicted})
    code = {name: index for index, name in enumerate(names)}
    found = np.array([code[each] for each in predicted], dtype=np.intp)
    true = np.array([code[each] for each in labels], dtype=np.intp)

    def macro_f1(rows: Indices) -> float:
        both = np.bincount(true[rows][found[rows] == true[rows]], minlength=len(names))
        either = np.bincount(true[rows], minlength=len(names)) + np.bincount(found[rows], minlength=len(names))
        return float(np.mean(2 * both[either > 0] / either[either > 0]))

    return {
        "rows": len(labels),
        "accuracy": _with_interval(lambda rows: float(np.mean(found[rows] == true[rows])), len(labels)),
        "macro_f1": _with_interval(macro_f1, len(labels)),
    }


def direction(scores: Sequence[float], labels: Sequence[int], groups: Sequence[str] | None = None) -> dict[str, Any]:
    """How often a score has the sign of its label (1 or -1); a score of 0 is wrong. `auc`: of ranking 1 over -1.

    Rows of one group, such as headlines about one market, are resampled together.
    """
    score, label = np.array(scores, dtype=float), np.array(labels)
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups if groups is not None else map(str, range(len(labels)))):
        members.setdefault(group, []).append(index)
    blocks = [np.array(rows, dtype=np.intp) for rows in members.values()]
    return {
        "rows": len(labels),
        "direction": _with_interval(
            lambda chosen: float(np.mean((score * label > 0)[np.concatenate([blocks[each] for each in chosen])])),
            len(blocks),
        ),
        "auc": round(_auc(score[label > 0], score[label < 0]), 4),
    }


def retrieval(found: Sequence[bool], labels: Sequence[bool], groups: Sequence[str]) -> dict[str, Any]:
    """Precision, recall and F1 of what was found. Rows of one group are resampled together."""
    chosen, true = np.array(found, dtype=bool), np.array(labels, dtype=bool)
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    blocks = list(members.values())
    counts = np.array(
        [[_count(chosen[rows] & true[rows]), _count(chosen[rows]), _count(true[rows])] for rows in blocks]
    )

    def ratio(above: int, *below: int) -> Callable[[Indices], float]:
        def figure(rows: Indices) -> float:
            sums = counts[rows].sum(axis=0)
            divisor = sum(sums[each] for each in below) / len(below)
            return float(sums[above] / divisor) if divisor else 0.0

        return figure

    return {
        "rows": len(true),
        "positives": _count(true),
        "precision": _with_interval(ratio(0, 1), len(blocks)),
        "recall": _with_interval(ratio(0, 2), len(blocks)),
        "f1": _with_interval(ratio(0, 1, 2), len(blocks)),
    }


def _count(marks: NDArray[np.bool_]) -> int:
    return int(marks.sum())


def _auc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    if not positive.size or not negative.size:
        return float("nan")
    greater = (positive[:, None] > negative[None, :]).mean()
    return float(greater + (positive[:, None] == negative[None, :]).mean() / 2)


def _with_interval(figure: Callable[[Indices], float], rows: int) -> dict[str, float]:
    """Value, and the 2.5 % and 97.5 % quantiles over resamples with replacement, from a fixed seed."""
    generator = np.random.default_rng(_SEED)
    drawn = [figure(generator.integers(0, rows, rows)) for _ in range(_RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"value": round(figure(np.arange(rows)), 4), "low": round(float(low), 4), "high": round(float(high), 4)}
