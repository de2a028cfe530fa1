"""What texts say about their targets: negative, neutral or positive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import lexicon
from .labelled import LABELS
from .model_files import SHIPPED_SENTIMENT, ModelUnavailable
from .models import classifier
from .pair_classifiers import PairClassifier, describe

_NOTHING_SAID = {"label": "neutral", "negative": 0.0, "neutral": 1.0, "positive": 0.0}


def sentiment(payload: Mapping[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
    """Classify `items` of `text` and `target` (may be empty: then the text as a whole is meant).

    Each answer has a `label` and the weights `negative`, `neutral` and `positive`, which sum to 1. `model` names a
    folder or pinned hub model; by default the one that is shipped. Where it cannot be loaded, or with `model`
    "lexicon", the word list answers; `problem` then says why, and `engine` always says who answered.
    """
    items = pairs_of(payload["items"])
    chosen = payload.get("model") or str(SHIPPED_SENTIMENT)
    try:
        if chosen == lexicon.ENGINE:
            return {"items": [lexicon.sentiment(text) for text, _ in items], "engine": lexicon.ENGINE}
        model = classifier(chosen)
        answers = classify(model, items)
    except ModelUnavailable as unavailable:
        return {
            "items": [lexicon.sentiment(text) for text, _ in items],
            "engine": lexicon.ENGINE,
            "problem": str(unavailable),
        }
    return {"items": answers, **describe(model)}


def classify(model: PairClassifier, items: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Answers in the order of the items. Raises ModelUnavailable for a model of other labels."""
    if missing := [label for label in LABELS if label not in model.files.labels]:
        raise ModelUnavailable(
            f"{model.files.name} is no model of sentiment: its labels are {', '.join(model.files.labels)}, "
            f"without {missing[0]}"
        )
    said = [index for index, (text, _) in enumerate(items) if text.strip()]
    answers: list[dict[str, Any]] = [dict(_NOTHING_SAID) for _ in items]
    if not said:
        return answers
    weights = model.probabilities([items[index] for index in said])
    columns = [model.files.labels.index(label) for label in LABELS]
    for index, row in zip(said, weights[:, columns], strict=True):
        answers[index] = {
            "label": LABELS[int(row.argmax())],
            **{label: round(float(weight), 4) for label, weight in zip(LABELS, row, strict=True)},
        }
    return answers


def pairs_of(items: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(text, target) of each item. Raises ValueError for one without a text, or with anything else in it."""
    pairs = []
    for item in items:
        text, target = item.get("text"), item.get("target") or ""
        if not isinstance(text, str) or not isinstance(target, str):
            raise ValueError("an item needs a text, and its target must be one as well")
        pairs.append((text, target))
    return pairs
