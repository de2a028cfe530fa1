"""Stance towards a market's question on labelled pairs: tone, sentiment of the subject, the desk's chain.

The base install comes first, then the extra nlp, then a model of inference where POLYMARKET_NLI_MODEL names one that
is on this machine. The sets lie beside the repository; those that are not there are left out.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

from polydesk.core.settings import load_settings
from polydesk.gpu.executors.choice import choose_executor
from polydesk.gpu.interface import Executor
from polydesk.gpu.text.evaluation import direction
from polydesk.server.model_evaluation import StancePair, ask, directions, evaluate_stance, read_stance, stance_item

from .labelled_texts import ROOT, SETS, argus, claims
from .registry import Result


def run() -> Result:
    return asyncio.run(_measure())


async def _measure() -> Result:
    executor = choose_executor("cpu")
    try:
        named = load_settings().nli_model
        return await _compare(executor, None if named == "none" else named)
    finally:
        await executor.aclose()


async def _compare(executor: Executor, model: str | None) -> Result:
    measured: dict[str, float] = {}
    ratios: dict[str, float] = {}
    pairs = read_stance(SETS / "market_stance_dev.tsv") if (SETS / "market_stance_dev.tsv").exists() else None
    figures = read_stance(ROOT / "tests" / "core" / "news" / "number_pairs.tsv")
    by_arithmetic = await evaluate_stance(executor, figures, inference_model=None, sentiment_model="lexicon")
    _interval(measured, "number_pairs that arithmetic answers (base install)", by_arithmetic["means"].get("figures"))
    problem = "no set of market questions lies beside the repository"
    if pairs is not None:
        fallback = await evaluate_stance(executor, pairs, inference_model=None, sentiment_model=None)
        best = await evaluate_stance(executor, pairs, inference_model=model, sentiment_model=None)
        _interval(measured, "market_stance: tone of the word list (base install)", fallback["word_list_tone"])
        _interval(measured, "market_stance: sentiment of the subject (extra nlp)", fallback["sentiment_of_subject"])
        _three_labels(measured, "market_stance: tone of the word list (base install)", fallback["word_list_tone"])
        _three_labels(measured, "market_stance: sentiment of the subject (extra nlp)", fallback["sentiment_of_subject"])
        problem = best["problem"] or ""
        if best["basis"] == "inference":
            _interval(measured, "market_stance: inference alone", best["inference_alone"])
            _interval(measured, "market_stance: the chain with inference", best["chain"])
            _three_labels(measured, "market_stance: the chain with inference", best["chain"])
            ratios["direction on market_stance: chain with inference / tone"] = (
                best["chain"]["direction"]["value"] / fallback["word_list_tone"]["direction"]["value"]
            )
            await _further_sets(executor, model, measured)
    return Result(
        about="share of labelled pairs whose direction is right, with 95 % bootstrap intervals over questions; "
        + (f"inference: {best['model']}" if not problem else f"no inference: {problem}"),
        ratios=ratios,
        measured=measured,
    )


async def _further_sets(executor: Executor, model: str | None, measured: dict[str, float]) -> None:
    started, asked = time.perf_counter(), 0
    if (file := SETS / "argus_val.csv").exists():
        pairs = argus(file)
        answer = await ask(executor, "stance", [stance_item(pair) for pair in pairs], model=model)
        asked += len(pairs)
        _interval(measured, "argus_val: outcome by the mean of a question's sentences", _by_question(pairs, answer))
        tone = await ask(executor, "sentiment", [{"text": pair.text} for pair in pairs], model="lexicon")
        moods = {"items": [{"stance": each["positive"] - each["negative"]} for each in tone["items"]]}
        _interval(measured, "argus_val: the same by tone", _by_question(pairs, moods))
        outcomes = {pair.question: pair.label for pair in pairs}
        yes = sum(label > 0 for label in outcomes.values()) / len(outcomes)
        measured["argus_val: the commoner outcome"] = max(yes, 1 - yes)
    if (file := SETS / "ibm_claim_stance_v1.csv").exists():
        pairs = claims(file)
        answer = await ask(executor, "stance", [stance_item(pair) for pair in pairs], model=model)
        asked += len(pairs)
        _interval(
            measured, "ibm_claim_stance: inference", directions(pairs, [each["stance"] for each in answer["items"]])
        )
        tone = await ask(executor, "sentiment", [{"text": pair.text} for pair in pairs], model="lexicon")
        leanings = [each["positive"] - each["negative"] for each in tone["items"]]
        _interval(measured, "ibm_claim_stance: tone", directions(pairs, leanings))
    if asked:
        measured["inference, pairs/s (tone and bootstrap included)"] = asked / (time.perf_counter() - started)


def _by_question(pairs: list[StancePair], answer: dict[str, Any]) -> dict[str, Any]:
    """Direction of each question's mean stance."""
    scores, labels = [], []
    rows = zip(pairs, answer["items"], strict=True)
    for _, group in itertools.groupby(rows, key=lambda row: row[0].question):
        members = list(group)
        scores.append(sum(each["stance"] for _, each in members) / len(members))
        labels.append(members[0][0].label)
    return direction(scores, labels)


def _three_labels(measured: dict[str, float], label: str, found: dict[str, Any]) -> None:
    for score, name in (("accuracy", "accuracy"), ("macro_f1", "macro-F1")):
        for end in ("value", "low", "high"):
            measured[f"{label}, three labels, {name}, {end}"] = found["three_labels"][score][end]


def _interval(measured: dict[str, float], label: str, found: dict[str, Any] | None) -> None:
    if found is None or "direction" not in found:
        return
    measured[f"{label}, n"] = found["rows"]
    for end in ("value", "low", "high"):
        measured[f"{label}, {end}"] = found["direction"][end]
    measured[f"{label}, AUC"] = found["auc"]
