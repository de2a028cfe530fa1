"""Every engine draws the same distribution, and numpy and numba the same paths, for any number of threads."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import pytest

from polydesk.gpu import devices
from polydesk.gpu.monte_carlo import engines, numpy_kernel, random_lanes
from polydesk.gpu.monte_carlo.engines import Engine, choose_engine
from polydesk.gpu.monte_carlo.factor_points import factor_points, lattice_vector
from polydesk.gpu.monte_carlo.figures import OrderStatistics
from polydesk.gpu.monte_carlo.portfolio_risk import portfolio_risk
from tests.support.fake_device import FakeCuda, OutOfMemoryError

BOOK: dict[str, Any] = {
    "events": [
        {"probabilities": [0.2, 0.3], "complete": False, "cluster": "c", "loading": 0.6},
        *({"probabilities": [0.1 * k], "complete": False, "cluster": "c", "loading": 0.5} for k in range(1, 9)),
        {"probabilities": [0.45], "complete": False},
    ],
    "holdings": [
        *({"event": k, "outcome": 0, "wins_on": k % 2 == 0, "shares": 30.0 + k, "cost": 12.0} for k in range(10)),
        {"event": 0, "outcome": 1, "wins_on": True, "shares": 20.0, "cost": 5.0},
    ],
    "paths": 12_000,
    "seed": 8,
    "marginals": True,
    "copula": {"family": "t", "degrees_of_freedom": 5},
    "tail_loss": 100.0,
}


def run(**changes: Any) -> dict[str, Any]:
    return portfolio_risk(BOOK | changes, lambda fraction: None)


def source_of(function: Any) -> Any:
    """The Python function that was compiled."""
    return function.py_func


def test_numpy_and_numba_draw_the_same_paths() -> None:
    compiled, plain = run(engine="numba"), run(engine="numpy")
    assert (compiled.pop("engine"), plain.pop("engine")) == ("numba", "numpy")
    assert compiled == plain


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_the_number_of_threads_changes_nothing(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.append(run(engine=engine))
    assert found[0] == found[1] == found[2]
    assert run(engine=engine, seed=9)["mean"] != found[0]["mean"]


@pytest.mark.parametrize("paths", [1, 17, 1000])
def test_few_paths_are_rounded_up_and_still_have_an_error(paths: int) -> None:
    found = run(paths=paths, tail_loss=None)
    assert paths <= found["paths"] <= 2 * paths + 16
    assert found["mean"]["standard_error"] > 0


def test_the_compiled_functions_mean_what_their_source_says() -> None:
    from polydesk.gpu.monte_carlo import numba_kernel

    generator = np.random.default_rng(1)
    thresholds = generator.integers(0, 2**32, (3, 2), dtype=np.uint32)
    first_step, steps = np.array([0, 2]), np.array([2.0, -1.0])
    keys = random_lanes.stratum_keys(1, 0, 3)
    expected = np.empty((3, 5))
    numpy_kernel.profits(thresholds, first_step, steps, 1.5, keys, expected)
    counts, expected_counts = np.zeros((2, 3), np.int64), np.zeros((2, 3), np.int64)
    numpy_kernel.tail_counts(thresholds, first_step, steps, 1.5, keys, 5, 1.5, 1e-9, expected_counts)
    found = np.empty((3, 5))
    words, expected_words = np.empty((1, 3), np.uint32), np.empty((1, 3), np.uint32)
    places, table, slopes = np.array([[-1.0, 0.25, 9.0]]), np.array([0.0, 8.0, 10.0]), np.array([8.0, 2.0, 0.0])
    numpy_kernel.threshold_words(places, table, slopes, expected_words)
    with np.errstate(over="ignore"), pytest.MonkeyPatch.context() as patch:
        for name in ("_mixed", "_begin", "_draw"):
            patch.setattr(numba_kernel, name, source_of(getattr(numba_kernel, name)))
        source_of(numba_kernel.profits)(thresholds, first_step, steps, 1.5, keys, found)
        source_of(numba_kernel.tail_counts)(thresholds, first_step, steps, 1.5, keys, 5, 1.5, 1e-9, counts)
        source_of(numba_kernel.threshold_words)(places, table, slopes, words)
    assert found.tolist() == expected.tolist()
    assert counts.tolist() == expected_counts.tolist()
    assert words.tolist() == expected_words.tolist() == [[0, 2, 10]]


def test_draws_are_uniform_and_lanes_differ() -> None:
    lanes = random_lanes.Lanes(random_lanes.stratum_keys(3, 0, 64))
    draws = np.stack([lanes.draw().copy() for _ in range(64)])
    shares = np.bincount((draws >> np.uint32(28)).ravel(), minlength=16) / draws.size
    assert np.abs(shares - 1 / 16).max() < 5 * math.sqrt(1 / 16 / draws.size)
    assert len(np.unique(draws)) > 0.999 * draws.size


def test_without_numba_numpy_or_torch_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "numba_installed", lambda: False)
    monkeypatch.setattr(engines, "_installed", lambda module: False)
    assert choose_engine().name == "numpy"
    assert run()["engine"] == "numpy"
    for engine, extra in (("numba", "compute"), ("torch", "gpu")):
        with pytest.raises(ValueError, match=f"extra `{extra}`"):
            choose_engine(engine)
    monkeypatch.setattr(engines, "_installed", lambda module: True)
    monkeypatch.setattr("polydesk.gpu.monte_carlo.torch_kernel.TorchKernel", lambda device: device)
    assert choose_engine().name == "torch"


def test_a_device_joins_in_where_the_work_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = devices.this_device(FakeCuda())
    monkeypatch.setattr(devices, "cuda_expected", lambda: True)
    monkeypatch.setattr(devices, "this_device", lambda: fake)
    monkeypatch.setattr(engines, "_installed", lambda module: True)
    monkeypatch.setattr("polydesk.gpu.monte_carlo.torch_kernel.TorchKernel", lambda device: device)
    much, little = engines.WORTH_CUDA, engines.WORTH_CUDA - 1
    assert choose_engine(draws=much) == Engine("torch on cuda:0", "cuda:0", 1, "cuda:0")  # type: ignore[arg-type]
    assert choose_engine(draws=little).device == "cpu"
    assert choose_engine(draws=much, device="cpu").device == "cpu"
    assert choose_engine("numpy", draws=much).name == "numpy"
    assert choose_engine("torch").device == choose_engine(device="cuda:0").device == "cuda:0"
    monkeypatch.setattr(devices, "cuda_expected", lambda: False)
    assert choose_engine(draws=much).device == "cpu"


def test_a_device_without_memory_gives_way_to_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDevice:
        threshold_words = staticmethod(numpy_kernel.threshold_words)

        def profits(self, *arguments: Any) -> None:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    def choose(wanted: str = "auto", *, device: str | None = None, draws: int = 0) -> Engine:
        if device == "cpu":
            return choose_engine("numpy")
        return Engine("torch on cuda:0", cast("Any", FullDevice()), 1, "cuda:0")

    monkeypatch.setattr("polydesk.gpu.monte_carlo.portfolio_risk.choose_engine", choose)
    assert run() == run(engine="numpy", device="cpu")


def test_compiled_code_is_not_kept_where_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from polydesk.gpu import compiled

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "file" / name))
    (tmp_path / "file").write_text("")
    assert compiled._use_cache_folder() is False
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
    assert compiled._use_cache_folder() is True
    monkeypatch.delenv("NUMBA_CACHE_DIR")


def test_lattice_points_fill_every_cell_of_each_axis() -> None:
    factors, mixing = factor_points(points=64, factors=2, degrees=None, generator=np.random.default_rng(1))
    assert factors.shape == (64, 2) and mixing.tolist() == [1.0] * 64
    from scipy.stats import norm

    for column in norm.cdf(factors).T:
        assert np.bincount((column * 64).astype(int), minlength=64).max() <= 2
    assert lattice_vector(1, 2) == (1, 1)
    many, _ = factor_points(points=16, factors=30, degrees=None, generator=np.random.default_rng(1))
    assert many.shape == (16, 30)


def test_quantiles_are_order_statistics_whatever_the_values() -> None:
    generator = np.random.default_rng(2)
    atoms = generator.integers(0, 3, 1_000).astype(np.float64)
    for values in (generator.normal(size=5_000), atoms, np.zeros(10), np.array([3.0])):
        ordered = np.sort(values)
        levels = [0.0, 0.01, 0.25, 0.5, 0.999, 1.0]
        expected = [ordered[min(max(math.ceil(q * values.size - 1e-9) - 1, 0), values.size - 1)] for q in levels]
        assert OrderStatistics(values.reshape(math.gcd(values.size, 5), -1)).at(levels) == expected


@pytest.mark.gpu
def test_torch_draws_the_same_distribution() -> None:
    torch = pytest.importorskip("torch")
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    reference = run(engine="numpy", paths=200_000)
    for device in devices:
        found = run(engine="torch", device=device, paths=200_000)
        assert found["engine"] == ("torch" if device == "cpu" else f"torch on {device}")
        assert found == run(engine="torch", device=device, paths=200_000)
        for name in ("mean", "standard_deviation", "loss_probability"):
            error = math.hypot(found[name]["standard_error"], reference[name]["standard_error"])
            assert abs(found[name]["value"] - reference[name]["value"]) < 5 * error
        for one, other in zip(found["marginals"][0]["losses"], reference["marginals"][0]["losses"], strict=True):
            assert abs(one["value"] - other["value"]) < 5 * math.hypot(one["standard_error"], other["standard_error"])
