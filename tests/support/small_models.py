"""Small classifiers in the form of real ones: an ONNX graph, its tokenizer and its card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from polydesk.gpu.text.model_files import sha256

SENTIMENT_LABELS = ("negative", "neutral", "positive")
NLI_LABELS = ("entailment", "neutral", "contradiction")


def sentiment_model(folder: Path, *, labels: Sequence[str] = SENTIMENT_LABELS) -> Path:
    """Finds `good` positive, `bad` negative and everything else neutral; `labels` gives the order of its outputs."""
    of = {"good": "positive", "bad": "negative"}
    words = {word: [6.0 if label.lower() == of[word] else 0.0 for label in labels] for word in of}
    return _write(folder, words, bias=[1.0 if label.lower() == "neutral" else 0.0 for label in labels], labels=labels)


def inference_model(folder: Path, *, labels: Sequence[str] = NLI_LABELS, width: int | None = None) -> Path:
    """Finds a contradiction where the pair has the words `fails` and `not` in odd number together, and so without
    understanding a word answers whether `it fails` contradicts `it happens` or `it will not happen`.

    A pair without `fails` or `wins` is neutral. `width` makes it take texts of that many tokens alone.
    """
    # Hidden units: n, n - 1 and n - 2 of the negations where a verb is there, and whether one is.
    words = {"fails": [6.0, 6.0, 6.0, 1.0], "not": [1.0, 1.0, 1.0, 0.0], "wins": [5.0, 5.0, 5.0, 1.0]}
    odd, related = [1.0, -2.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]
    outputs = {
        "contradiction": [9 * o + 3 * r for o, r in zip(odd, related, strict=True)],
        "entailment": [-9 * o + 9 * r for o, r in zip(odd, related, strict=True)],
    }
    layers = [outputs.get(label, [0.0] * 4) for label in labels]
    bias = [5.0 if label == "neutral" else 0.0 for label in labels]
    return _write(folder, words, bias=bias, labels=labels, hidden=layers, shift=[-5.0, -6.0, -7.0, 0.0], width=width)


def _write(
    folder: Path,
    words: Mapping[str, Sequence[float]],
    *,
    bias: Sequence[float],
    labels: Sequence[str],
    hidden: Sequence[Sequence[float]] | None = None,
    shift: Sequence[float] | None = None,
    width: int | None = None,
) -> Path:
    """A sum of word vectors, optionally through one layer of rectifiers, plus a bias."""
    from onnx import TensorProto, helper, numpy_helper, save
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: index for index, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    marks = [(mark, vocabulary[mark]) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=marks
    )
    tokenizer.save(str(folder / "tokenizer.json"))

    size = len(next(iter(words.values())))
    table = np.zeros((len(vocabulary), size), dtype=np.float32)
    for word, vector in words.items():
        table[vocabulary[word]] = vector
    constants = {"table": table, "axis": np.array([1]), "bias": np.array(bias, dtype=np.float32)}
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["vectors"]),
        helper.make_node("ReduceSum", ["vectors", "axis"], ["summed"], keepdims=0),
    ]
    last = "summed"
    if hidden is not None:
        constants["shift"] = np.array(shift, dtype=np.float32)
        constants["outputs"] = np.array(hidden, dtype=np.float32).T
        nodes += [
            helper.make_node("Add", ["summed", "shift"], ["shifted"]),
            helper.make_node("Relu", ["shifted"], ["lit"]),
            helper.make_node("MatMul", ["lit", "outputs"], ["weighed"]),
        ]
        last = "weighed"
    nodes.append(helper.make_node("Add", [last, "bias"], ["logits"]))
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["rows", width or "tokens"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows", len(labels)])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx")
    card = {
        "name": folder.name,
        "labels": list(labels),
        "max_tokens": 32,
        "files": {name: sha256(folder / name) for name in ("model.onnx", "tokenizer.json")},
    }
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder
