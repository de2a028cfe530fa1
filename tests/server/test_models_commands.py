"""Measuring, training and fetching models from the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from polydesk.server.cli import main
from tests.support.small_models import inference_model, sentiment_model

SENTENCES = [("A good day for Acme", "positive"), ("A bad day for Acme", "negative"), ("A day", "neutral")]
QUESTION = "Will Acme launch a rocket by June?"


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    file = tmp_path / "labelled.csv"
    rows = [f"{text},Acme,{label}" for text, label in SENTENCES]
    file.write_text("\n".join(["text,target,label", *rows]), encoding="utf-8")
    return file


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    file = tmp_path / "pairs.jsonl"
    labels = {"Acme fails": "no", "Acme wins": "yes", "weather": "none"}
    rows = [{"question": QUESTION, "headline": text, "label": label} for text, label in labels.items()]
    file.write_text("\n".join(json.dumps(row) for row in rows * 20), encoding="utf-8")
    return file


def _needs_nlp() -> None:
    pytest.importorskip("onnxruntime", reason="the extra nlp is not installed")
    pytest.importorskip("onnx", reason="onnx builds the small models")


def test_sentiment_is_measured_beside_the_word_list(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _needs_nlp()
    model = sentiment_model(tmp_path / "mood")
    command = ["evaluate", "sentiment", "--data", str(labelled), "--model", str(model), "--json"]
    assert main(command) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["engine"], result["model"]) == ("onnxruntime", "mood")
    assert result["model_scores"]["macro_f1"]["value"] == 1
    assert result["word_list"]["rows"] == 3


def test_stance_is_measured_beside_tone_and_its_direction_recorded(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _needs_nlp()
    model = inference_model(tmp_path / "nli")
    command = ["evaluate", "stance", "--data", str(pairs), "--model", str(model)]
    assert main([*command, "--json", "--record"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["basis"] == "inference"
    assert result["chain"]["direction"]["value"] == 1
    assert result["chain"]["three_labels"]["accuracy"]["value"] == 1
    assert set(result) >= {"inference_alone", "sentiment_of_subject", "word_list_tone"}
    card = json.loads((model / "card.json").read_text(encoding="utf-8"))
    assert card["measured"]["stance"] == {"direction": 1.0, "pairs": 40, "on": "pairs.jsonl"}

    assert main(command) == 0
    assert "direction: 1.0000 (1.0000 to 1.0000)" in capsys.readouterr().out


def test_a_fall_back_is_measured_as_such_and_not_recorded(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "stance", "--data", str(pairs), "--model", "none", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["basis"], result["problem"]) == ("sentiment", "no model of inference is configured")
    assert main(["evaluate", "stance", "--data", str(pairs), "--model", "none", "--record"]) == 1
    assert "Nothing to record: no model of inference" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("what", "name", "content", "complaint"),
    [
        ("sentiment", "x.csv", "text,label\nhello,happy", "row 2: the label 'happy' is none of"),
        ("sentiment", "x.jsonl", "{", "row 1: this is not JSON"),
        ("sentiment", "x.csv", "text,label", "has no rows"),
        ("sentiment", "x.csv", "sentence\nhello", "row 2: there is no 'label'"),
        ("stance", "x.csv", "question,text,label\nWill it?,hello,perhaps", "row 1: the label 'perhaps' is none of"),
        ("stance", "x.csv", "question,label\nWill it?,yes", "row 1: a question and a text are needed"),
        ("stance", "x.jsonl", "{", "cannot be read"),
        ("stance", "x.csv", "question,text,label", "has no rows"),
    ],
)
def test_an_unreadable_file_is_named_with_its_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, name: str, content: str, complaint: str
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    assert main(["evaluate", what, "--data", str(file)]) == 2
    assert complaint in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for what in ("sentiment", "stance"):
        assert main(["evaluate", what, "--data", str(tmp_path / "gone.csv")]) == 2
        assert "cannot be read" in capsys.readouterr().err


def test_only_a_pinned_model_is_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch-model", "ProsusAI/finbert"]) == 1
    assert "is not a pinned hub model: owner/name@commit" in capsys.readouterr().err


def test_training_says_what_it_lacks(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["train-sentiment", "--data", str(labelled), "--out", str(tmp_path / "out")]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(command) == 2
    assert "There is no encoder to start from" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main([*command, "--base", str(tmp_path)]) == 2
    assert "pip install 'polydesk[train]'" in capsys.readouterr().err
