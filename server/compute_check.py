"""Starts every kind of worker and has each do what it is for, once cold and once warm."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..core.settings import Settings
from ..gpu.devices import cores
from ..gpu.errors import ComputeError
from ..gpu.executors.choice import choose_executor
from ..gpu.executors.process_pool import cuda_devices
from ..gpu.interface import Executor, KindStatus

_PACKAGES = (
    "numpy", "onnxruntime", "tokenizers", "numba", "scipy", "torch", "transformers", "safetensors", "ray",
    "huggingface-hub",
)  # fmt: skip

_EXTRAS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "nlp": (("onnxruntime", "tokenizers"), "the trained model of tone instead of the word list"),
    "compute": (("numba", "scipy"), "simulations many times as fast as with numpy alone"),
    "gpu": (("torch", "transformers", "safetensors"), "models on CUDA devices, and those that have no ONNX file"),
    "hub": (("huggingface-hub",), "models from the hub, such as the one that judges stance"),
    "cluster": (("ray",), "workers on more than one machine"),
}
_DEADLINE_S = 180.0


@dataclass(frozen=True, slots=True)
class TaskTest:
    """One task tried twice. `problem` is what it says of a model that it could not use, `error` why it failed."""

    task: str
    engine: str | None = None
    first_ms: float | None = None
    again_ms: float | None = None
    problem: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class KindReport:
    status: KindStatus
    tests: tuple[TaskTest, ...]


@dataclass(frozen=True, slots=True)
class ComputeReport:
    """`installed` has None for packages that are not; `missing` says what each extra that is not would give."""

    backend: str
    cores: int
    cuda_devices: tuple[str, ...]
    installed: Mapping[str, str | None]
    kinds: tuple[KindReport, ...]
    missing: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Whether every task works, on the device that was chosen."""
        return not any(kind.status.degraded or any(test.error for test in kind.tests) for kind in self.kinds)

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}


async def check_compute(settings: Settings) -> ComputeReport:
    """Raises NoDevice where the settings ask for a device that is not here."""
    tests = _tests(settings)
    async with choose_executor(settings.compute) as executor:
        await executor.start()
        done: dict[str, list[TaskTest]] = {}
        for kind, tasks in tests.items():
            done[kind] = [await _try(executor, task, payload) for task, payload in tasks.items()]
        status = executor.describe()
    installed = {name: _version(name) for name in _PACKAGES}
    return ComputeReport(
        backend=status.backend,
        cores=cores(),
        cuda_devices=cuda_devices(),
        installed=installed,
        kinds=tuple(KindReport(kind, tuple(done.get(kind.kind, ()))) for kind in status.kinds),
        missing={
            extra: gives for extra, (needs, gives) in _EXTRAS.items() if not all(installed[name] for name in needs)
        },
    )


def _tests(settings: Settings) -> dict[str, dict[str, dict[str, Any]]]:
    headline = "Central bank cuts interest rates after inflation falls for a third month"
    inference_model = None if settings.nli_model == "none" else settings.nli_model
    event = {"probabilities": [0.5], "complete": False, "cluster": None, "loading": 0.0}
    holding = {"event": 0, "outcome": 0, "wins_on": True, "shares": 100.0, "cost": 45.0}
    return {
        "simulation": {
            "market_risk": {
                "probability": 0.5, "price": 0.45, "shares": 100.0, "fee": 0.0, "paths": 20_000, "seed": 1,
            },
            "portfolio_risk": {"events": [event], "holdings": [holding], "paths": 100_000, "seed": 1},
        },
        "text": {
            "sentiment": {
                "items": [{"text": headline, "target": "interest rates"}],
                "model": settings.sentiment_model,
            },
            "stance": {
                "items": [
                    {
                        "text": headline,
                        "statement": "Interest rates will be cut.",
                        "negation": "Interest rates will not be cut.",
                        "target": "interest rates",
                    }
                ],
                "model": inference_model,
                "sentiment_model": settings.sentiment_model,
            },
        },
    }  # fmt: skip


async def _try(executor: Executor, task: str, payload: Mapping[str, Any]) -> TaskTest:
    taken_ms = []
    answer: Mapping[str, Any] = {}
    try:
        for _ in range(2):
            started = time.perf_counter()
            answer = await executor.submit(task, payload, deadline_s=_DEADLINE_S)
            taken_ms.append(round(1000 * (time.perf_counter() - started), 2))
    except ComputeError as error:
        return TaskTest(task, error=str(error))
    return TaskTest(task, answer.get("engine"), taken_ms[0], taken_ms[1], problem=answer.get("problem"))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
