"""The CUDA device against the processor, in one run: the same results within tolerance, and how much sooner.

Without a CUDA device, or without torch, it says so and measures nothing.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from polydesk.gpu import devices
from polydesk.gpu.batching import TokenBudget
from polydesk.gpu.devices import Device
from polydesk.gpu.monte_carlo.portfolio_risk import portfolio_risk
from polydesk.gpu.patterns.correlation import TorchCorrelator, normalised

from .measure import best_of
from .registry import Result

_ROUNDS = 3
_TOKENS = {True: 32_768, False: 1_024}
"""Of a batch, on CUDA and on the processor, as the text workers have it."""

_VALUES = 200_000
_QUERIES = 64
_WINDOW = 64


def run() -> Result:
    device = devices.this_device()
    if not device.is_cuda:
        return Result(about="not measured on CUDA: no device, or no torch, on this machine", ratios={})
    return compare(device, texts=2_000, paths=1_000_000, layers=12)


def compare(device: Device, *, texts: int, paths: int, layers: int) -> Result:
    """`device` against the processor; the encoder has the size of BERT-base at 12 `layers`, with random weights."""
    processor = devices.processor()
    ours, theirs = _Encoder(device, layers=layers), _Encoder(processor, layers=layers)
    lengths = _lengths(texts)
    sample = lengths[: max(16, texts // 20)]
    values = np.random.default_rng(3).standard_normal(_VALUES).cumsum()
    windows = np.lib.stride_tricks.sliding_window_view(values, _WINDOW)[:: _VALUES // _QUERIES][:_QUERIES]
    queries = normalised(windows).astype(np.float32)
    on_device, on_processor = TorchCorrelator(device.name), TorchCorrelator()
    book = {**_book(), "paths": paths, "seed": 5, "method": "monte_carlo"}
    seconds = best_of(
        {
            "encoder, device": lambda: ours.probabilities(lengths),
            "encoder, processor": lambda: theirs.probabilities(sample),
            "patterns, device": lambda: on_device.correlations(values, queries),
            "patterns, processor": lambda: on_processor.correlations(values, queries),
            "Monte Carlo, device": lambda: _simulate(book, engine="torch", device=device.name),
            "Monte Carlo, processor": lambda: _simulate(book, engine="auto", device="cpu"),
        },
        rounds=_ROUNDS,
    )
    rates = {name: (texts if "device" in name else len(sample)) / seconds[name] for name in seconds if "enc" in name}
    one = _simulate(book, engine="torch", device=device.name)["standard_deviation"]
    other = _simulate(book, engine="auto", device="cpu")["standard_deviation"]
    errors = np.hypot(one["standard_error"], other["standard_error"])
    return Result(
        about=f"{device.model} ({device.dtype}) against the processor ({processor.dtype}); an encoder of BERT's size",
        ratios={
            "texts per second: device / processor": rates["encoder, device"] / rates["encoder, processor"],
            "patterns: processor's seconds / device's": seconds["patterns, processor"] / seconds["patterns, device"],
            "Monte Carlo: processor's seconds / device's": seconds["Monte Carlo, processor"]
            / seconds["Monte Carlo, device"],
        },
        measured={
            **{f"{name}, texts per second": rate for name, rate in rates.items()},
            "largest difference of a probability": float(
                np.abs(ours.probabilities(sample) - theirs.probabilities(sample)).max()
            ),
            "largest difference of a correlation": float(
                np.abs(on_device.correlations(values, queries) - on_processor.correlations(values, queries)).max()
            ),
            "difference of the book's deviation, in standard errors": float((one["value"] - other["value"]) / errors),
            "times that memory ran out": float(ours.budget.halvings),
        },
    )


class _Encoder:
    """A classifier of three labels; equal weights on every device."""

    def __init__(self, device: Device, *, layers: int) -> None:
        torch, transformers = (importlib.import_module(name) for name in ("torch", "transformers"))
        torch.manual_seed(1)
        config = transformers.BertConfig(num_hidden_layers=layers, num_labels=3)
        model = transformers.BertForSequenceClassification(config)
        self._torch = torch
        self._device = device.name
        self._model = model.to(device.name, dtype=getattr(torch, device.dtype)).eval()
        self.budget = TokenBudget(
            _TOKENS[device.is_cuda], out_of_memory=devices.is_out_of_memory, release=devices.release_memory
        )

    def probabilities(self, lengths: Sequence[int]) -> Any:
        """(texts, labels) for texts of so many tokens, the same ones each time."""
        torch = self._torch

        def compute(batch: list[int]) -> list[Any]:
            longest = max(lengths[index] for index in batch)
            ids = torch.zeros((len(batch), longest), dtype=torch.long)
            mask = torch.zeros_like(ids)
            for row, index in enumerate(batch):
                ids[row, : lengths[index]] = torch.arange(index, index + lengths[index]) % 30_000 + 1
                mask[row, : lengths[index]] = 1
            logits = self._model(input_ids=ids.to(self._device), attention_mask=mask.to(self._device)).logits
            return list(logits.float().softmax(dim=1).cpu().numpy())

        with torch.inference_mode():
            return np.stack(self.budget.run(lengths, compute))


def _lengths(count: int) -> list[int]:
    """Tokens of headlines."""
    rng = random.Random(7)
    return [rng.randint(8, 48) for _ in range(count)]


def _book() -> dict[str, Any]:
    """Fifty correlated binary markets."""
    rng = random.Random(11)
    chances = [rng.uniform(0.1, 0.9) for _ in range(50)]
    return {
        "events": [
            {"probabilities": [chance], "complete": False, "cluster": "all", "loading": 0.5} for chance in chances
        ],
        "holdings": [
            {"event": index, "outcome": 0, "wins_on": True, "shares": 100.0, "cost": 100 * chance}
            for index, chance in enumerate(chances)
        ],
    }


def _simulate(book: dict[str, Any], *, engine: str, device: str) -> dict[str, Any]:
    return portfolio_risk({**book, "engine": engine, "device": device}, lambda fraction: None)
