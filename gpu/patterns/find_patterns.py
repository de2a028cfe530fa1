"""Windows like a given one, what followed them, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .correlation import choose_correlator
from .nearest import Match, Query, Search
from .series import Series, is_flat, parse_all, scaled

Floats = NDArray[np.float64]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MOST_MATCHES = 200
MOST_LENGTH = 10_000
_SHUFFLES = 2_000


def find_patterns(payload: Mapping[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
    """Nearest windows of each query, and the distribution of price changes that followed.

    Takes `series` (see Series: `prices` with NaN or None for gaps, `start` and `group`), `queries`, each with `prices`
    and `before`, the clock's place of its first bar; `horizon` in steps, `count` of matches, `exclusion` in steps (by
    default half the length), `tick`, `scale` (log_odds or price), `engine`, `device` and `seed`.

    A match and the `horizon` steps after it end before its query begins. Answers per query `flat` (no pattern to look
    for) or `matches` with correlation, distance and what `followed`; `outcome`: mean, share of rises and quantiles of
    that; `base`: the same of all windows that could have matched; and the `p_value` of a permutation test: how often as
    many windows, drawn at random from the series of the matches, were followed by changes whose mean is as far from the
    base's. Raises ValueError.
    """
    series, tick, scale = parse_all(payload)
    raw_queries = payload["queries"]
    lengths = {len(raw["prices"]) for raw in raw_queries}
    horizon, count = int(payload["horizon"]), int(payload.get("count", 20))
    if len(lengths) != 1 or not 4 <= (length := lengths.pop()) <= MOST_LENGTH:
        raise ValueError(f"queries have one length, from 4 to {MOST_LENGTH}")
    if horizon < 1:
        raise ValueError(f"a horizon is 1 step or more, not {horizon}")
    if not 1 <= count <= MOST_MATCHES:
        raise ValueError(f"matches are counted from 1 to {MOST_MATCHES}, not {count}")
    exclusion = int(payload.get("exclusion", max(1, length // 2)))
    prices = [np.array(raw["prices"], dtype=np.float64) for raw in raw_queries]
    shaped = [index for index, each in enumerate(prices) if not is_flat(each, tick=tick)]
    queries = [
        Query(scaled(prices[index], scale=scale, tick=tick), int(raw_queries[index]["before"])) for index in shaped
    ]
    windows = sum(max(0, each.prices.size - length + 1) for each in series)
    correlator = choose_correlator(
        payload.get("engine", "auto"), device=payload.get("device"), pairs=windows * len(queries)
    )
    usable = [_usable(each, length, horizon, tick=tick) for each in series]
    search = Search(series, usable, length, horizon, exclusion, correlator)
    found = dict(zip(shaped, search.nearest(queries, count, report), strict=True)) if queries else {}
    seed = int(payload.get("seed", 0))
    report(1.0)
    return {
        "queries": [
            _answer(
                search,
                found[index],
                int(raw_queries[index]["before"]),
                np.random.SeedSequence(seed, spawn_key=(index,)),
            )
            if index in found
            else {"flat": True}
            for index in range(len(prices))
        ],
        "windows": windows,
        "engine": correlator.name,
        "seed": seed,
    }


def _usable(series: Series, length: int, horizon: int, *, tick: float) -> NDArray[np.bool_]:
    """Windows that may match: known, not flat, and with a known price `horizon` steps later."""
    usable = series.usable(length, tick=tick)
    known = ~np.isnan(series.prices)
    after = np.zeros(usable.size, dtype=np.bool_)
    if usable.size > horizon:
        after[: usable.size - horizon] = known[length - 1 + horizon :]
    return usable & after


def _answer(search: Search, matches: Sequence[Match], before: int, seed: np.random.SeedSequence) -> dict[str, Any]:
    followed = [_followed(search, match.series, np.array([match.first])) for match in matches]
    changes = np.concatenate(followed) if followed else np.zeros(0)
    eligible = [
        np.flatnonzero(usable[: series.last_start(search.length, search.horizon, before=before)])
        for series, usable in zip(search.series, search.usable, strict=True)
    ]
    pool = [_followed(search, index, starts) for index, starts in enumerate(eligible)]
    base = np.concatenate(pool) if pool else np.zeros(0)
    return {
        "flat": False,
        "matches": [
            {
                "series": match.series,
                "first": match.first,
                "correlation": match.correlation,
                "distance": match.distance(search.length),
                "followed": float(change),
            }
            for match, change in zip(matches, changes, strict=True)
        ],
        "outcome": _distribution(changes),
        "base": _distribution(base),
        "p_value": _p_value(changes, matches, pool, base, np.random.default_rng(seed)),
        "shuffles": _SHUFFLES,
    }


def _followed(search: Search, index: int, starts: NDArray[np.int64]) -> Floats:
    return search.series[index].followed(starts, search.length, search.horizon)


def _distribution(changes: Floats) -> dict[str, Any] | None:
    """With standard errors of mean and share; None of nothing."""
    if not changes.size:
        return None
    rises = float(np.mean(changes > 0))
    deviation = float(changes.std(ddof=1)) if changes.size > 1 else 0.0
    return {
        "count": int(changes.size),
        "mean": {"value": float(changes.mean()), "standard_error": deviation / float(np.sqrt(changes.size))},
        "rises": {"value": rises, "standard_error": float(np.sqrt(rises * (1 - rises) / changes.size))},
        "quantiles": [{"level": level, "value": float(np.quantile(changes, level))} for level in QUANTILES],
    }


def _p_value(
    changes: Floats, matches: Sequence[Match], pool: Sequence[Floats], base: Floats, generator: np.random.Generator
) -> float | None:
    """Of the mean, two-sided; the observed draw counts as one of the shuffles, so that it is never 0."""
    if not changes.size:
        return None
    sums = np.zeros(_SHUFFLES)
    for match in matches:
        choices = pool[match.series]
        sums += choices[generator.integers(0, choices.size, _SHUFFLES)]
    centre = float(base.mean())
    far = np.abs(sums / changes.size - centre) >= abs(float(changes.mean()) - centre) - 1e-12
    return float((1 + np.count_nonzero(far)) / (_SHUFFLES + 1))
