"""The tasks of text workers. Models are loaded with their first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import lexicon
from .models import loaded_models
from .sentiment import sentiment
from .stance import stance

ENGINE = lexicon.ENGINE
DEVICE = "cpu"

BATCHED: Mapping[str, Callable[..., dict[str, Any]]] = {"sentiment": sentiment, "stance": stance}
"""Tasks that take `items` and answer as many, in order: calls whose other options agree may be made as one."""

TASKS = BATCHED


def describe() -> dict[str, Any]:
    """What answers, once models are loaded; before, the word list would."""
    models = loaded_models()
    if not models:
        return {}
    said = {name: sorted({model[name] for model in models}) for name in ("engine", "device", "dtype")}
    return {
        **{name: ", ".join(values) for name, values in said.items()},
        "models": [{"name": model["model"], "sha256": model["sha256"]} for model in models],
    }
