"""Encoders that classify pairs of texts, run by ONNX Runtime or by torch: the same answer from either.

Texts are cut before they are tokenised, so that a megabyte costs no more than a paragraph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..batching import TokenBudget
from ..devices import Device, is_out_of_memory, release_memory
from .model_files import ModelFiles, ModelUnavailable

Floats = NDArray[np.float32]

_TOKENS_OF_ONNX_RUNTIME = 256
"""Tokens of a batch, padding included. Larger ones gain nothing on a processor, and pad more."""

_TOKENS_OF_TORCH_ON_PROCESSOR = 1024
"""On two cores larger batches are no faster, and smaller ones waste calls."""

_TOKENS_ON_CUDA = 32_768

_CHARACTERS_A_TOKEN = 24
"""More than any language needs: text beyond this many for each token that is kept would be cut anyway."""


class PairClassifier(Protocol):
    """`engine` says what runs it, such as "onnxruntime", `dtype` in which format; `sha256` is that of its weights."""

    files: ModelFiles
    engine: str
    device: str
    dtype: str
    sha256: str

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """(pairs, labels): each row sums to 1. The second text of a pair may be empty."""
        ...


class OnnxClassifier:
    """Runs the exported file. Raises ModelUnavailable for a missing runtime or a file that is not what it should be."""

    engine = "onnxruntime"
    device = "cpu"

    def __init__(self, files: ModelFiles, *, threads: int) -> None:
        if files.onnx is None:
            raise ModelUnavailable(f"{files.folder} has no ONNX file")
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ModelUnavailable("the extra nlp is not installed: pip install 'polydesk[nlp]'") from error
        self.files = files
        self.sha256 = files.verified(files.onnx)
        # The names of a graph's operations stand in the file; quantised ones multiply integers.
        self.dtype = "int8" if b"MatMulInteger" in files.onnx.read_bytes() else "float32"
        files.verified(files.folder / "tokenizer.json")
        options = onnxruntime.SessionOptions()
        # Threads compute a batch each: those that share a short text's operations mostly wait for each other.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(files.onnx), sess_options=options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(files.folder / "tokenizer.json"))
        except Exception as error:  # both libraries raise classes of their own, derived from Exception itself
            raise ModelUnavailable(f"{files.folder} cannot be loaded: {error}") from error
        inputs = self._session.get_inputs()
        self._inputs = [each.name for each in inputs]
        width = inputs[0].shape[1]
        # Some exports take texts of one length alone.
        self._width = width if isinstance(width, int) else None
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(min(files.max_tokens, self._width or files.max_tokens))
        self._budget = _budget(_TOKENS_OF_ONNX_RUNTIME, threads=threads)

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        encoded = self._tokenizer.encode_batch(prepared(pairs, self.files.max_tokens))
        lengths = [self._width or len(each) for each in encoded]

        def compute(rows: list[int]) -> list[Floats]:
            shape = (len(rows), max(lengths[row] for row in rows))
            ids, mask, types = (np.zeros(shape, dtype=np.int64) for _ in range(3))
            for index, row in enumerate(rows):
                one = encoded[row]
                ids[index, : len(one)] = one.ids
                mask[index, : len(one)] = one.attention_mask
                types[index, : len(one)] = one.type_ids
            fed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
            logits: Floats = self._session.run(None, {name: fed[name] for name in self._inputs})[0]
            return list(logits)

        return _softmax(self._budget.run(lengths, compute))


class TorchClassifier:
    """Runs the safetensors with transformers, in bfloat16 on a GPU that has it. Raises ModelUnavailable."""

    engine = "torch"

    def __init__(self, files: ModelFiles, *, device: Device, threads: int) -> None:
        if files.safetensors is None:
            raise ModelUnavailable(f"{files.folder} has no model.safetensors")
        try:
            import torch
            from transformers import AutoModelForSequenceClassification, AutoTokenizer
        except ImportError as error:
            raise ModelUnavailable("the extra gpu is not installed: pip install 'polydesk[gpu]'") from error
        self.files = files
        self.device = device.name
        self.dtype: str = device.dtype
        self.sha256 = files.verified(files.safetensors)
        self._torch = torch
        torch.set_num_threads(threads)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(files.folder)
            model = AutoModelForSequenceClassification.from_pretrained(files.folder, dtype=getattr(torch, device.dtype))
        except Exception as error:  # the library raises what reading its files raised
            raise ModelUnavailable(f"{files.folder} cannot be loaded: {error}") from error
        self._model = model.to(device.name).eval()
        self._budget = _budget(_TOKENS_ON_CUDA if device.is_cuda else _TOKENS_OF_TORCH_ON_PROCESSOR)

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        texts = prepared(pairs, self.files.max_tokens)
        encoded = [
            self._tokenizer(
                *(text if isinstance(text, tuple) else (text,)), truncation=True, max_length=self.files.max_tokens
            )
            for text in texts
        ]

        def compute(rows: list[int]) -> list[Floats]:
            padded = self._tokenizer.pad([encoded[row] for row in rows], return_tensors="pt").to(self.device)
            logits: Floats = self._model(**padded).logits.float().cpu().numpy()
            return list(logits)

        with self._torch.inference_mode():
            return _softmax(self._budget.run([len(each["input_ids"]) for each in encoded], compute))


def _budget(tokens: int, *, threads: int = 1) -> TokenBudget:
    return TokenBudget(tokens, out_of_memory=is_out_of_memory, release=release_memory, threads=threads)


def prepared(pairs: Sequence[tuple[str, str]], max_tokens: int) -> list[str | tuple[str, str]]:
    """Texts as tokenizers take them: cut, without what UTF-8 cannot hold, and single where the second is empty."""
    longest = max_tokens * _CHARACTERS_A_TOKEN
    cleaned = [tuple(_valid(text[:longest]) for text in pair) for pair in pairs]
    return [(first, second) if second.strip() else first for first, second in cleaned]


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _softmax(rows: Sequence[Floats]) -> Floats:
    logits = np.stack(rows)
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return result


def describe(classifier: PairClassifier) -> dict[str, Any]:
    """Name, hash and engine, as reports show them."""
    return {
        "model": classifier.files.name,
        "sha256": classifier.sha256,
        "engine": classifier.engine,
        "device": classifier.device,
    }
