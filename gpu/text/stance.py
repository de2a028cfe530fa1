"""How texts bear on a statement: whether they make it likelier or less likely than its negation.

The contrast of two hypotheses cancels what a model makes of the text's wording alone: a text that contradicts
everything contradicts both. It is taken of log-odds, because such models are sure of themselves: of two contradictions
at 0.994 and 0.98 the first is three times as certain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .model_files import ModelUnavailable
from .models import classifier
from .pair_classifiers import PairClassifier, describe
from .sentiment import sentiment

_SUREST = 0.001
"""What an answer nearer to 0 or 1 is taken for: beyond, rounding in int8 decides."""


def stance(payload: Mapping[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
    """Judge `items` of `text`, `statement` and `negation`, and optionally `target`, the statement's subject.

    Each answer has `stance`, -1 (speaks for the negation) to 1 (for the statement), and `relatedness`, 0 to 1:
    the stronger of the two answers, near 0 for a text that bears on neither hypothesis. `model` names a model of
    natural language inference, by a folder or a pinned hub name. Without one, or where it cannot be loaded, the
    target's sentiment stands in: `basis` says so, `problem` says why, and its relatedness is None. `measured` is what
    the model's card says of its direction. With `with_sentiment`, each answer has the `sentiment` towards the target
    too, by `sentiment_model`, and `sentiment_by` says who judged that.
    """
    items = [_parse(item) for item in payload["items"]]
    problem = "no model of inference is configured"
    answer: dict[str, Any] | None = None
    if payload.get("model"):
        try:
            model = classifier(payload["model"])
            answer = {"items": contrast(model, items), "basis": "inference", **describe(model)}
            answer["measured"] = model.files.card.get("measured", {}).get("stance")
        except ModelUnavailable as unavailable:
            problem = str(unavailable)
    if answer is not None and not payload.get("with_sentiment"):
        return answer
    said = sentiment(
        {
            "items": [{"text": item["text"], "target": item["target"]} for item in items],
            "model": payload.get("sentiment_model"),
        },
        report,
    )
    if answer is None:
        answer = {
            **said,
            "items": [
                {"stance": round(each["positive"] - each["negative"], 4), "relatedness": None} for each in said["items"]
            ],
            "basis": "sentiment",
        }
    else:
        problem = ""
    if problems := "; ".join(text for text in (problem, said.get("problem")) if text):
        answer["problem"] = problems
    if payload.get("with_sentiment"):
        answer["items"] = [
            {**each, "sentiment": mood} for each, mood in zip(answer["items"], said["items"], strict=True)
        ]
        answer["sentiment_by"] = {name: said[name] for name in ("engine", "model") if name in said}
    return answer


def contrast(model: PairClassifier, items: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """contradicts(negation) - contradicts(statement), or the entailments where the model has no contradiction.

    Both as log-odds d, brought to -1 to 1 by tanh(d / 2), which is what the difference would be around even odds.
    Raises ModelUnavailable for a model without either label.
    """
    labels = model.files.labels
    if "contradiction" in labels:
        column, towards = labels.index("contradiction"), -1
    elif "entailment" in labels:
        column, towards = labels.index("entailment"), 1
    else:
        raise ModelUnavailable(f"{model.files.name} is no model of inference: its labels are {', '.join(labels)}")
    said = [index for index, item in enumerate(items) if item["text"].strip()]
    answers: list[dict[str, Any]] = [{"stance": 0.0, "relatedness": 0.0} for _ in items]
    if not said:
        return answers
    pairs = [(items[index]["text"], items[index][side]) for side in ("statement", "negation") for index in said]
    weights = model.probabilities(pairs)[:, column]
    for index, of_statement, of_negation in zip(said, weights[: len(said)], weights[len(said) :], strict=True):
        answers[index] = {
            "stance": round(towards * math.tanh((_log_odds(of_statement) - _log_odds(of_negation)) / 2), 4),
            "relatedness": round(float(max(of_statement, of_negation)), 4),
        }
    return answers


def _log_odds(probability: float) -> float:
    bounded = min(max(float(probability), _SUREST), 1 - _SUREST)
    return math.log(bounded / (1 - bounded))


def _parse(item: Mapping[str, Any]) -> dict[str, str]:
    parsed = {name: item.get(name) or "" for name in ("text", "statement", "negation", "target")}
    if not all(isinstance(value, str) for value in parsed.values()):
        raise ValueError("text, statement, negation and target must be texts")
    if not parsed["statement"] or not parsed["negation"]:
        raise ValueError("an item needs a statement and its negation")
    return parsed
