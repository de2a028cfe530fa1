"""Nearest windows of 64 queries in 500 series of 2,000 prices: our search, and numpy query by query.

Every candidate ends with the twenty best windows of each query, half a window apart. They run in a process of their own
with one thread each: on a machine that does other work, threads of the linear algebra libraries wait for each other.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from polydesk.gpu.patterns.correlation import NumpyCorrelator, TorchCorrelator, normalised
from polydesk.gpu.patterns.nearest import Query, Search
from polydesk.gpu.patterns.series import Series

from .measure import best_of
from .registry import Result

_SERIES, _POINTS, _QUERIES, _LENGTH, _COUNT = 500, 2000, 64, 64, 20
_COMPARED = 4
"""Queries that numpy is given one by one; its time grows with their number alone."""


def run() -> Result:
    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    ran = subprocess.run(
        [sys.executable, "-m", __name__], env={**os.environ, **alone}, stdout=subprocess.PIPE, text=True, check=True
    )
    return Result(**json.loads(ran.stdout))


def measure() -> Result:
    generator = np.random.default_rng(3)
    values = np.cumsum(generator.normal(0, 0.02, (_SERIES, _POINTS)), axis=1)
    prices = 1 / (1 + np.exp(-values))
    queries = np.cumsum(generator.normal(0, 1, (_QUERIES, _LENGTH)), axis=1)
    engines: dict[str, Any] = {"numpy": NumpyCorrelator()}
    if importlib.util.find_spec("torch"):
        engines = {"torch": TorchCorrelator(), **engines}
    series = [
        Series(price, value, 0, str(index)) for index, (price, value) in enumerate(zip(prices, values, strict=True))
    ]
    seconds = best_of(
        {
            **{name: partial(_ours, series, queries, engine) for name, engine in engines.items()},
            "per query": lambda: [_one_query(values, query) for query in queries[:_COMPARED]],
        },
        rounds=3,
    )
    windows = _SERIES * (_POINTS - _LENGTH + 1)
    pairs = {
        name: windows * (_COMPARED if name == "per query" else _QUERIES) / taken for name, taken in seconds.items()
    }
    found = _ours(series, queries[:_COMPARED], next(iter(engines.values())))
    expected = [_one_query(values, query) for query in queries[:_COMPARED]]
    error = max(
        abs(match.correlation - correlation)
        for matches, correlations in zip(found, expected, strict=True)
        for match, correlation in zip(matches, correlations, strict=True)
    )
    return Result(
        about=f"{_QUERIES} queries of {_LENGTH} in {windows:,} windows, the {_COUNT} best of each",
        ratios={f"{name} / per-query numpy": pairs[name] / pairs["per query"] for name in engines},
        measured={
            **{f"{name}, pairs of windows per second": value for name, value in pairs.items()},
            "largest error of a correlation": error,
        },
    )


def _ours(series: list[Series], queries: Any, correlator: Any) -> list[Any]:
    usable = [np.ones(each.values.size - _LENGTH + 1, dtype=np.bool_) for each in series]
    search = Search(series, usable, _LENGTH, 0, _LENGTH // 2, correlator)
    return search.nearest([Query(query, 10**9) for query in queries], _COUNT, lambda fraction: None)


def _one_query(values: Any, query: Any) -> list[float]:
    """Every window of every series against one query in double precision."""
    shape = normalised(query)
    correlations = []
    for series in values:
        windows = sliding_window_view(series, _LENGTH)
        centred = windows - windows.mean(axis=1, keepdims=True)
        correlations.append((centred @ shape) / np.sqrt((centred**2).sum(axis=1)))
    table = np.array(correlations)
    taken: list[tuple[int, int]] = []
    for place in np.argsort(-table, axis=None):
        series, first = divmod(int(place), table.shape[1])
        if all(series != other or abs(first - start) >= _LENGTH // 2 for other, start in taken):
            taken.append((series, first))
            if len(taken) == _COUNT:
                break
    return [float(table[each]) for each in taken]


if __name__ == "__main__":
    print(json.dumps(asdict(measure())))
