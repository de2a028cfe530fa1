"""Sentiment: the word list of the base install, then the shipped int8 model, then a loop over transformers.

The loop needs the extra train and reads the shipped weights, rounded as they are, in float32. Labels are those of
NewsMTSC's devtest_mt where it lies beside the repository.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from polydesk.gpu import devices
from polydesk.gpu.executors.choice import choose_executor
from polydesk.gpu.interface import Executor
from polydesk.gpu.text.labelled import LABELS, read_labelled
from polydesk.gpu.text.model_files import SHIPPED_SENTIMENT
from polydesk.gpu.worker_kinds import TEXT
from polydesk.server.model_evaluation import ask, evaluate_sentiment

from .labelled_texts import SETS, sentences
from .registry import Result

_ROUNDS = 3
_STARTS = 3
_IN_LOOP = 64
_DEADLINE_S = 300.0


def run() -> Result:
    return asyncio.run(_measure())


async def _measure() -> Result:
    first = [await _first_answer_s() for _ in range(_STARTS)]
    executor = choose_executor("cpu", kinds=(TEXT,))
    try:
        return await _compare(executor, statistics.median(first))
    finally:
        await executor.aclose()


async def _first_answer_s() -> float:
    executor = choose_executor("cpu", kinds=(TEXT,))
    started = time.perf_counter()
    try:
        await executor.submit("sentiment", {"items": sentences()[:1]}, deadline_s=_DEADLINE_S)
        return time.perf_counter() - started
    finally:
        await executor.aclose()


async def _compare(executor: Executor, first_answer_s: float) -> Result:
    items = sentences() * 4
    loop = _transformers_loop()
    words, calls, single, loops = [], [], [], []
    for _ in range(_ROUNDS):
        words.append(await _rate(executor, items, model="lexicon"))
        calls.append(await _rate(executor, items))
        single.append(await _rate_of_single_calls(executor, items))
        if loop is not None:
            loops.append(_rate_of_loop(loop, items[:_IN_LOOP]))
    answer = await executor.submit("sentiment", {"items": items[:1]}, deadline_s=_DEADLINE_S)
    ratios: dict[str, float] = {}
    measured: dict[str, float] = {"word list (base install), texts/s": max(words)}
    quality: dict[str, Any] = {}
    file = SETS / "newsmtsc_devtest_mt.jsonl"
    if file.exists():
        rows = read_labelled(file)
        quality = await evaluate_sentiment(executor, rows, model=None)
        for name, label in (("word_list", "word list (base install)"), ("model_scores", "model (extra nlp)")):
            for end in ("value", "low", "high"):
                measured[f"{label}, NewsMTSC mt macro-F1, {end}"] = quality[name]["macro_f1"][end]
        measured["model without target, NewsMTSC mt macro-F1"] = quality["without_target"]["macro_f1"]["value"]
        ratios["macro-F1: model / word list"] = (
            quality["model_scores"]["macro_f1"]["value"] / quality["word_list"]["macro_f1"]["value"]
        )
    measured["model, texts/s in one call"] = max(calls)
    measured[f"model, texts/s in {len(items)} concurrent calls"] = max(single)
    measured["model, first answer of a cold pool, s"] = first_answer_s
    if loop is not None:
        ratios["texts/s: pool, one call / per-text transformers loop, same weights"] = max(calls) / max(loops)
        ratios["texts/s: pool, concurrent calls / per-text transformers loop, same weights"] = max(single) / max(loops)
        measured["transformers loop, texts/s"] = max(loops)
        if file.exists():
            measured["labels as float32 has them, share"] = await _agreement(executor, loop, file)
    return Result(
        about=f"engine {answer['engine']}, {devices.threads()} threads (the loop: these or one, whichever is faster), "
        "texts of about 20 tokens, "
        + (f"best of {_ROUNDS} rounds in turns" if loop else "no transformers loop: the extra train is not installed"),
        ratios=ratios,
        measured=measured,
    )


async def _rate(executor: Executor, items: list[dict[str, str]], **options: Any) -> float:
    started = time.perf_counter()
    await executor.submit("sentiment", {"items": items, **options}, deadline_s=_DEADLINE_S)
    return len(items) / (time.perf_counter() - started)


async def _rate_of_single_calls(executor: Executor, items: list[dict[str, str]]) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(executor.submit("sentiment", {"items": [item]}, deadline_s=_DEADLINE_S) for item in items))
    return len(items) / (time.perf_counter() - started)


def _transformers_loop() -> Any:
    """A function that labels one text as most programs do; None without torch, transformers and onnx."""
    try:
        import torch

        from .dequantised import shipped_in_transformers

        tokenizer, model = shipped_in_transformers(SHIPPED_SENTIMENT)
    except ImportError:
        return None

    def label(text: str, target: str) -> str:
        with torch.inference_mode():
            logits = model(**tokenizer(text, target, truncation=True, max_length=96, return_tensors="pt")).logits
        return LABELS[int(logits.argmax())]

    return label


def _rate_of_loop(label: Any, items: list[dict[str, str]]) -> float:
    """The better of all threads and one: beside other work, torch's threads wait for each other for long."""
    import torch

    rates = []
    for threads in {1, devices.threads()}:
        torch.set_num_threads(threads)
        started = time.perf_counter()
        for item in items:
            label(item["text"], item["target"])
        rates.append(len(items) / (time.perf_counter() - started))
    torch.set_num_threads(1)
    return max(rates)


async def _agreement(executor: Executor, label: Any, file: Any) -> float:
    rows = read_labelled(file)[::4]
    answer = await ask(executor, "sentiment", [{"text": row.text, "target": row.target} for row in rows])
    same = [each["label"] == label(row.text, row.target) for each, row in zip(answer["items"], rows, strict=True)]
    return float(sum(same) / len(same))
