"""Which model answers in this worker: each is loaded once, on first use, and kept."""

from __future__ import annotations

from typing import Any

from ..devices import has_torch, processor, this_device, threads
from .model_files import ModelFiles, ModelUnavailable, find
from .pair_classifiers import OnnxClassifier, PairClassifier, TorchClassifier, describe

_loaded: dict[str, PairClassifier] = {}


def classifier(model: str) -> PairClassifier:
    """The classifier of a folder or pinned hub model.

    torch where it has a GPU and the model its safetensors, else ONNX Runtime, else torch on the CPU. Raises
    ModelUnavailable; the next call tries anew, because files may have come meanwhile.
    """
    if model not in _loaded:
        _loaded[model] = _load(find(model))
    return _loaded[model]


def loaded_models() -> list[dict[str, Any]]:
    """Name, sha256, engine, device and dtype of every model in use."""
    return [{**describe(each), "dtype": each.dtype} for each in _loaded.values()]


def forget() -> None:
    """Drop what is loaded."""
    _loaded.clear()


def _load(files: ModelFiles) -> PairClassifier:
    device = this_device()
    if device.is_cuda and files.safetensors is not None:
        return TorchClassifier(files, device=device, threads=threads())
    if files.onnx is None:
        return TorchClassifier(files, device=processor(), threads=threads())
    try:
        return OnnxClassifier(files, threads=threads())
    except ModelUnavailable:
        if files.safetensors is None or not has_torch():
            raise
        return TorchClassifier(files, device=processor(), threads=threads())
