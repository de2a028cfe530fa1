"""Pattern search against brute force, stumpy and planted motifs."""

from __future__ import annotations

import itertools
import json
import math
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydesk.gpu.patterns.correlation import NumpyCorrelator, TorchCorrelator, choose_correlator, normalised
from polydesk.gpu.patterns.find_patterns import find_patterns
from tests.support.fake_device import OutOfMemoryError

LENGTH, HORIZON = 8, 3


def walk(size: int, seed: int) -> list[float]:
    steps = np.random.default_rng(seed).normal(0, 0.02, size)
    return [float(price) for price in np.clip(0.5 + np.cumsum(steps), 0.02, 0.98)]


def run(series: list[Any], queries: list[Any], **changes: Any) -> dict[str, Any]:
    payload = {"horizon": HORIZON, "count": 5, "scale": "price", "tick": 0.001, "seed": 1, **changes}
    shaped = [each if isinstance(each, dict) else {"prices": each} for each in series]
    asked = [each if isinstance(each, dict) else {"prices": each, "before": 10**9} for each in queries]
    return find_patterns({"series": shaped, "queries": asked, **payload}, lambda fraction: None)


def brute_force(series: list[list[float]], query: list[float], count: int, exclusion: int, tick: float) -> list[float]:
    """Correlations of the matches, by looping over every window."""
    found = []
    shape = normalised(np.array(query))
    for index, values in enumerate(series):
        for first in range(len(values) - LENGTH - HORIZON + 1):
            window = np.array(values[first : first + LENGTH])
            if np.isnan(window).any() or math.isnan(values[first + LENGTH - 1 + HORIZON]) or window.std() < tick / 2:
                continue
            found.append((float(normalised(window) @ shape), index, first))
    taken: list[tuple[float, int, int]] = []
    for each in sorted(found, key=lambda item: (-item[0], item[1], item[2])):
        if all(each[1] != other[1] or abs(each[2] - other[2]) >= exclusion for other in taken):
            taken.append(each)
    return [each[0] for each in taken[:count]]


prices = st.one_of(st.floats(0.01, 0.99), st.sampled_from([0.5, 0.5, 0.25, float("nan")]))


@settings(max_examples=60, deadline=None)
@given(
    series=st.lists(st.lists(prices, min_size=5, max_size=60), min_size=1, max_size=8),
    query=st.lists(st.floats(0.05, 0.95), min_size=LENGTH, max_size=LENGTH),
    count=st.integers(1, 6),
)
def test_matches_are_those_of_brute_force(series: list[list[float]], query: list[float], count: int) -> None:
    tick = 0.01
    (answer,) = run(series, [query], count=count, tick=tick)["queries"]
    if np.std(query) < tick / 2:
        assert answer == {"flat": True}
        return
    expected = brute_force(series, query, count, LENGTH // 2, tick)
    assert [match["correlation"] for match in answer["matches"]] == pytest.approx(expected, abs=1e-9)


STUMPY = """
import json, sys, numpy, stumpy
query, series = json.load(sys.stdin)
print(json.dumps([stumpy.mass(numpy.array(query), numpy.array(values)).tolist() for values in series]))
"""


@pytest.mark.takeover
def test_distances_are_those_of_stumpy() -> None:
    series = [walk(200, seed) for seed in range(3)]
    query = walk(LENGTH, 99)
    (answer,) = run(series, [query], count=3)["queries"]
    # Compiling it would take ten times as long as running it as it is.
    ran = subprocess.run(
        [sys.executable, "-c", STUMPY],
        input=json.dumps([query, [values[:-HORIZON] for values in series]]),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    profiles = json.loads(ran.stdout)
    assert answer["matches"][0]["distance"] == pytest.approx(min(min(profile) for profile in profiles), abs=1e-6)
    for match in answer["matches"]:
        assert match["distance"] == pytest.approx(profiles[match["series"]][match["first"]], abs=1e-6)


def test_a_planted_motif_is_found_first_whatever_its_level_and_size() -> None:
    motif = np.array([0.0, 0.1, 0.3, 0.2, 0.25, 0.1, 0.05, 0.3])
    series = [walk(300, seed) for seed in range(4)]
    series[2][100:108] = [float(each) for each in 0.2 + 0.5 * motif]
    (answer,) = run(series, [[float(each) for each in 0.6 + motif]])["queries"]
    first = answer["matches"][0]
    assert (first["series"], first["first"]) == (2, 100)
    assert first["correlation"] == pytest.approx(1.0)
    assert first["followed"] == pytest.approx(series[2][110] - series[2][107])


def test_nothing_that_a_match_tells_was_unknown_when_its_query_began() -> None:
    values = walk(200, 1)
    series = {"prices": values, "start": 1000}
    query = values[150:158]
    (answer,) = run([series], [{"prices": query, "before": 1150}], count=50)["queries"]
    assert answer["matches"]
    assert all(match["first"] + LENGTH + HORIZON <= 150 for match in answer["matches"])
    assert answer["base"]["count"] <= 150 - LENGTH - HORIZON + 1
    changed = {"prices": [*values[:150], *walk(50, 7)], "start": 1000}
    assert run([changed], [{"prices": query, "before": 1150}], count=50)["queries"] == [answer]
    (early,) = run([series], [{"prices": query, "before": 1005}])["queries"]
    assert (early["matches"], early["outcome"], early["p_value"]) == ([], None, None)


def test_siblings_tell_of_one_moment_once() -> None:
    yes = walk(200, 3)
    no = [1 - price for price in yes]
    series = [{"prices": yes, "group": "event"}, {"prices": no, "group": "event"}]
    (answer,) = run(series, [yes[50:58]], count=20, exclusion=8)["queries"]
    moments = sorted(match["first"] for match in answer["matches"])
    assert all(later - earlier >= 8 for earlier, later in itertools.pairwise(moments))


def test_flat_windows_match_nothing_and_ask_nothing() -> None:
    flat = [0.5] * 100
    assert run([walk(100, 1)], [[0.5] * LENGTH])["queries"] == [{"flat": True}]
    answer, other = run([flat], [walk(LENGTH, 2), [0.5, 0.501] * 4], tick=0.01)["queries"]
    assert answer["matches"] == [] and other == {"flat": True}


def test_a_pattern_that_foretells_is_told_from_one_that_does_not() -> None:
    generator = np.random.default_rng(5)
    motif = np.array([0.0, 0.02, 0.05, 0.02, 0.06, 0.09, 0.05, 0.1])
    telling, mute = [], []
    for seed in range(12):
        values = np.array(walk(300, seed))
        for place in (40, 140, 240):
            values[place : place + 8] = 0.4 + motif
            values[place + 8 : place + 12] = 0.65 + 0.01 * generator.normal(size=4)
        telling.append(values.tolist())
        mute.append(walk(300, seed))
    query = (0.3 + motif).tolist()
    (sure,) = run(telling, [query], count=30)["queries"]
    (unsure,) = run(mute, [query], count=30)["queries"]
    assert sure["p_value"] < 0.01 and sure["outcome"]["mean"]["value"] > 0.1
    assert sure["outcome"]["rises"]["value"] == 1.0
    assert unsure["p_value"] > 0.01


def test_p_values_of_chance_are_uniform() -> None:
    series = [walk(400, seed) for seed in range(5)]
    queries = [walk(LENGTH, 1000 + seed) for seed in range(60)]
    found = [answer["p_value"] for answer in run(series, queries, count=10)["queries"]]
    assert 0.3 < float(np.mean(found)) < 0.7
    assert min(found) > 0


def test_many_queries_over_many_series_at_once_agree_with_one_at_a_time() -> None:
    series = [walk(150, seed) for seed in range(30)]
    queries = [walk(LENGTH, 500 + seed) for seed in range(10)]
    together = run(series, queries)["queries"]
    apart = [run(series, [query])["queries"][0] for query in queries]
    assert [each["matches"] for each in together] == [each["matches"] for each in apart]
    assert run(series, queries) == run(series, queries)


def test_single_precision_is_good_to_a_millionth_where_prices_are_far_from_even() -> None:
    values = np.log(0.97 / 0.03) + 0.3 * np.array(walk(20_000, 4))
    queries = normalised(np.array([walk(64, seed) for seed in range(4)]))
    found = NumpyCorrelator().correlations(values, queries.astype(np.float32))
    exact = normalised(np.lib.stride_tricks.sliding_window_view(values, 64)) @ queries.T
    assert np.abs(found - exact.T).max() < 1e-5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizon": 0}, "a horizon is"),
        ({"count": 0}, "matches are counted"),
        ({"tick": 0}, "a tick lies"),
        ({"scale": "square"}, "a scale is"),
        ({"engine": "abacus"}, "an engine is"),
        ({"queries": [{"prices": [0.5], "before": 1}]}, "one length"),
        ({"series": [{"prices": [1.5, 0.2]}]}, "between 0 and 1"),
        ({"series": [{"prices": [[0.5], [0.2]]}]}, "a list of prices"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    series = changes.pop("series", [walk(50, 1)])
    queries = changes.pop("queries", [walk(LENGTH, 2)])
    with pytest.raises(ValueError, match=message):
        run(series, queries, **changes)


def test_without_torch_it_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert choose_correlator("auto", device="cpu", pairs=10**9).name == "numpy"
    with pytest.raises(ValueError, match="extra `gpu`"):
        choose_correlator("torch", device="cpu", pairs=1)


@pytest.mark.gpu
def test_torch_finds_the_same_matches() -> None:
    pytest.importorskip("torch")
    series = [walk(500, seed) for seed in range(20)]
    queries = [walk(32, 700 + seed) for seed in range(8)]
    one, other = (run(series, queries, engine=engine) for engine in ("torch", "numpy"))
    assert one.pop("engine") == "torch" and other.pop("engine") == "numpy"
    assert one == other


@pytest.mark.gpu
def test_a_device_that_runs_out_of_memory_gets_smaller_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    values = np.random.default_rng(5).normal(size=5_000).cumsum()
    queries = normalised(np.random.default_rng(6).normal(size=(3, LENGTH))).astype(np.float32)
    small = TorchCorrelator()
    whole = TorchCorrelator._block

    def block(self: TorchCorrelator, values: Any, queries: Any) -> Any:
        if values.size > 1_000:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return whole(self, values, queries)

    monkeypatch.setattr(TorchCorrelator, "_block", block)
    found = small.correlations(values, queries)
    assert small.rows < 1_000
    assert np.abs(found - NumpyCorrelator().correlations(values, queries)).max() < 1e-5
