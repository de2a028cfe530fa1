"""Writing a trained encoder as an int8 ONNX file with its card: what workers load without torch."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .labelled import LABELS
from .model_files import CARD, sha256

_OPSET = 17


def export_onnx(trained: Path, out: Path, *, card: Mapping[str, Any]) -> None:
    """Export the folder `trained` (safetensors and tokenizer.json) to `out` with weights in int8, one scale a channel.

    `card` is written beside the model, completed by labels and by the sha256 of every file.
    `out` may be `trained` itself. A scale for each channel
    keeps the labels: one for the whole matrix costs most of a point of macro-F1.
    """
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import AutoModelForSequenceClassification

    out.mkdir(parents=True, exist_ok=True)
    model = AutoModelForSequenceClassification.from_pretrained(trained, attn_implementation="eager").eval()
    model.config.return_dict = False
    ids = torch.ones((2, 8), dtype=torch.long)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {0: "rows", 1: "tokens"}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of every branch in the library's code
        full = str(Path(scratch) / "model.onnx")
        torch.onnx.export(
            model,
            (),
            full,
            kwargs={"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)},
            input_names=names,
            output_names=["logits"],
            dynamic_axes=dict.fromkeys(names, axes) | {"logits": {0: "rows"}},
            opset_version=_OPSET,
            dynamo=False,
        )
        quantize_dynamic(full, str(out / "model.onnx"), per_channel=True, weight_type=QuantType.QInt8)
    if out.resolve() != trained.resolve():
        shutil.copyfile(trained / "tokenizer.json", out / "tokenizer.json")
    present = [name for name in ("model.onnx", "model.safetensors", "tokenizer.json") if (out / name).is_file()]
    files = {name: sha256(out / name) for name in present}
    complete = {**card, "labels": list(LABELS), "files": files}
    (out / CARD).write_text(json.dumps(complete, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
