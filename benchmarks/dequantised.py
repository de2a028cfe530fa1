"""The shipped int8 weights as a model of transformers, so that a loop over it runs with the very same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def shipped_in_transformers(folder: Path) -> tuple[Any, Any]:
    """(tokenizer, model) of the shipped sentiment model in float32. Needs torch, transformers and onnx."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    config = BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536, num_labels=3
    )
    model = BertForSequenceClassification(config).eval()
    weights = {name: torch.from_numpy(array) for name, array in _weights(folder / "model.onnx").items()}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if unexpected or [name for name in missing if not name.endswith("position_ids")]:
        raise ValueError(f"the exported file has other weights than expected: {missing} {unexpected}")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        pad_token="[PAD]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
    return tokenizer, model


def _weights(file: Path) -> dict[str, Any]:
    """Float32 arrays by the names that transformers gives them."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(file)).graph
    stored = {each.name: numpy_helper.to_array(each) for each in graph.initializer}

    def full(name: str) -> Any:
        """Undo the rounding: one scale for the whole matrix, or one for each column."""
        whole = stored[f"{name}_quantized"].astype(np.float32) - stored[f"{name}_zero_point"].astype(np.float32)
        return whole * stored[f"{name}_scale"]

    rounded = {name.removesuffix("_quantized") for name in stored if name.endswith("_quantized")}
    beside = {f"{name}{end}" for name in rounded for end in ("_quantized", "_scale", "_zero_point")}
    names = (name for name in stored if name.startswith(("bert.", "classifier.")) and name not in beside)
    found = {name: stored[name].copy() for name in names}
    for node in graph.node:
        weight = node.input[1].removesuffix("_quantized") if len(node.input) > 1 else ""
        if node.op_type == "MatMulInteger" and weight in rounded:
            place = node.name.rpartition("/")[0].strip("/").replace("/", ".")
            found[f"{place}.weight"] = np.ascontiguousarray(full(weight).T)
            rounded.remove(weight)
    return found | {name: full(name) for name in rounded}
