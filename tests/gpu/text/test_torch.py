"""Models as the hub has them, on small ones made here: loaded by transformers, trained, exported, the same in ONNX."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polydesk.gpu import devices
from polydesk.gpu.text.evaluation import classification
from polydesk.gpu.text.export import export_onnx
from polydesk.gpu.text.labelled import LabelledText
from polydesk.gpu.text.model_files import read_folder
from polydesk.gpu.text.pair_classifiers import OnnxClassifier, TorchClassifier
from polydesk.gpu.text.sentiment import sentiment
from polydesk.gpu.text.stance import stance
from polydesk.gpu.text.training import Recipe, fine_tune
from polydesk.server.cli import main

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("default")]  # the libraries warn of each other

WORDS = "acme rose fell good bad day for the not will happen it in on strong weak profit loss".split()  # noqa: SIM905


def save_model(folder: Path, *, labels: tuple[str, ...], seed: int = 1) -> Path:
    """A BERT of two narrow layers with random weights, and its tokenizer, as transformers saves them."""
    torch = pytest.importorskip("torch")
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import BertProcessing
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    vocabulary = {token: index for index, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    raw = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    raw.normalizer, raw.pre_tokenizer = Lowercase(), Whitespace()
    raw.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def ask(task: Any, items: list[dict[str, str]], **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = task({"items": items, **options}, lambda fraction: None)
    return answer


def test_a_finance_model_of_the_hubs_form_is_read_by_its_own_labels(tmp_path: Path) -> None:
    model = save_model(tmp_path / "finbert", labels=("positive", "negative", "neutral"))
    answer = ask(sentiment, [{"text": "Acme rose"}, {"text": "", "target": "Acme"}], model=str(model))
    assert (answer["engine"], answer["model"]) == ("torch", "finbert")
    assert sum(answer["items"][0][label] for label in ("negative", "neutral", "positive")) == pytest.approx(1, abs=1e-3)
    assert answer["items"][1]["label"] == "neutral"


def test_an_inference_model_of_the_hubs_form_turns_around_with_its_hypotheses(tmp_path: Path) -> None:
    model = save_model(tmp_path / "nli", labels=("contradiction", "entailment", "neutral"))
    item = {"text": "acme fell", "statement": "it will happen", "negation": "it will not happen"}
    swapped = item | {"statement": item["negation"], "negation": item["statement"]}
    answer = ask(stance, [item, swapped], model=str(model))
    assert (answer["basis"], answer["engine"]) == ("inference", "torch")
    forth, back = answer["items"]
    assert forth["stance"] == pytest.approx(-back["stance"], abs=1e-4)


def test_labels_without_a_meaning_are_refused(tmp_path: Path) -> None:
    model = save_model(tmp_path / "other", labels=("LABEL_0", "LABEL_1", "LABEL_2"))
    answer = ask(sentiment, [{"text": "Acme rose"}], model=str(model))
    assert answer["engine"] == "lexicon"
    assert "is no model of sentiment: its labels are label_0" in answer["problem"]


def test_weights_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    model = save_model(tmp_path / "broken", labels=("negative", "neutral", "positive"))
    (model / "model.safetensors").write_bytes(b"not weights")
    answer = ask(sentiment, [{"text": "Acme rose"}], model=str(model))
    assert answer["engine"] == "lexicon"
    assert "cannot be loaded" in answer["problem"]


def labelled_rows() -> list[LabelledText]:
    said = {"positive": ("rose", "strong profit"), "negative": ("fell", "weak loss"), "neutral": ("day", "the day")}
    return [
        LabelledText(f"{'it in on ' * (number % 3)}acme {words}", "acme", label)
        for number in range(40)
        for label, phrases in said.items()
        for words in phrases
    ]


def test_training_learns_its_labels_and_its_export_answers_as_it_does(tmp_path: Path) -> None:
    base = save_model(tmp_path / "base", labels=("negative", "neutral", "positive"))
    rows = labelled_rows()
    told: list[str] = []
    recipe = Recipe(epochs=12, batch=16, learning_rate=2e-3, max_tokens=32, threads=1)
    fine_tune(rows, base=base, out=tmp_path / "trained", recipe=recipe, log=told.append)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        export_onnx(tmp_path / "trained", tmp_path / "exported", card={"name": "ours", "max_tokens": 32})
    assert any(line.startswith("epoch 12: mean loss") for line in told)

    items = [{"text": row.text, "target": row.target} for row in rows]
    answer = ask(sentiment, items, model=str(tmp_path / "exported"))
    assert (answer["engine"], answer["model"]) == ("onnxruntime", "ours")
    labels = [each["label"] for each in answer["items"]]
    assert classification(labels, [row.label for row in rows])["accuracy"]["value"] > 0.95

    pairs = [(row.text, row.target) for row in rows]
    cpu = devices.Device(name="cpu", model="", features=frozenset())
    of_torch = TorchClassifier(read_folder(tmp_path / "trained", name="t"), device=cpu, threads=1).probabilities(pairs)
    of_onnx = OnnxClassifier(read_folder(tmp_path / "exported", name="o"), threads=1).probabilities(pairs)
    assert (of_torch.argmax(axis=1) == of_onnx.argmax(axis=1)).mean() >= 0.96
    assert np.abs(of_torch - of_onnx).max() < 0.1


def test_the_same_seed_trains_the_same_weights(tmp_path: Path) -> None:
    base = save_model(tmp_path / "base", labels=("negative", "neutral", "positive"))
    recipe = Recipe(epochs=1, max_tokens=32, threads=1)
    for name in ("first", "second"):
        fine_tune(labelled_rows()[:64], base=base, out=tmp_path / name, recipe=recipe, log=lambda line: None)
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("first", "second"))
    assert first == second
    assert json.loads((tmp_path / "first" / "recipe.json").read_text())["seed"] == 1


def test_the_command_trains_into_a_folder_that_serves_and_measures_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = save_model(tmp_path / "base", labels=("negative", "neutral", "positive"))
    data, out = tmp_path / "data.jsonl", tmp_path / "mine"
    rows = [{"text": row.text, "target": row.target, "label": row.label} for row in labelled_rows()[:32]]
    data.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    command = ["train-sentiment", "--data", str(data), "--base", str(base), "--out", str(out), "--epochs", "1"]
    assert main([*command, "--held-out", str(data)]) == 0
    told = capsys.readouterr().out
    assert "model: mine" in told
    assert "macro_f1:" in told
    card = json.loads((out / "card.json").read_text(encoding="utf-8"))
    assert set(card["files"]) == {"model.onnx", "model.safetensors", "tokenizer.json"}
    assert card["rows"] == 32
