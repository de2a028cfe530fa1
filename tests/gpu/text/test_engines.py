"""What answers, from which files, and what is said where a model cannot be used."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from polydesk.gpu.text.model_files import ModelUnavailable, fetch
from polydesk.gpu.text.models import loaded_models
from polydesk.gpu.text.sentiment import sentiment
from polydesk.gpu.text.stance import stance
from polydesk.gpu.text.tasks import BATCHED, TASKS

pytest.importorskip("onnxruntime", reason="the extra nlp is not installed")
pytest.importorskip("onnx", reason="onnx builds the small models")

from tests.support.small_models import inference_model, sentiment_model

HEADLINES = ("A good day for Acme", "A bad day for Acme", "A day for Acme")


def ask(task: Any, items: list[dict[str, str]], **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = task({"items": items, **options}, lambda fraction: None)
    return answer


def judge(model: Path, *texts: str) -> list[str]:
    items = [{"text": text, "target": "Acme"} for text in texts]
    return [each["label"] for each in ask(sentiment, items, model=str(model))["items"]]


def hypotheses(text: str) -> dict[str, str]:
    return {"text": text, "statement": "it will happen", "negation": "it will not happen"}


def test_each_text_gets_its_label_in_order_however_long(tmp_path: Path) -> None:
    texts = [f"{'word ' * (number % 17)}{('good', 'bad', 'dull')[number % 3]}" for number in range(300)]
    labels = judge(sentiment_model(tmp_path / "small"), *texts)
    assert labels == [("positive", "negative", "neutral")[number % 3] for number in range(300)]


def test_outputs_are_read_by_name_and_not_by_place(tmp_path: Path) -> None:
    model = sentiment_model(tmp_path / "other", labels=("Positive", "Negative", "Neutral"))
    assert judge(model, *HEADLINES) == ["positive", "negative", "neutral"]


def test_the_answer_names_engine_model_and_hash(tmp_path: Path) -> None:
    model = sentiment_model(tmp_path / "small")
    answer = ask(sentiment, [{"text": "good"}], model=str(model))
    promised = json.loads((model / "card.json").read_text())["files"]["model.onnx"]
    named = {"model": "small", "engine": "onnxruntime", "device": "cpu", "sha256": promised}
    assert {key: answer[key] for key in named} == named
    assert loaded_models() == [{**named, "dtype": "float32"}]
    assert "problem" not in answer


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_file_with_another_hash_is_refused_by_name_and_the_word_list_answers(tmp_path: Path, file: str) -> None:
    model = sentiment_model(tmp_path / "small")
    with (model / file).open("ab") as opened:
        opened.write(b" ")
    answer = ask(sentiment, [{"text": "A wonderful success"}], model=str(model))
    assert answer["engine"] == "lexicon"
    assert answer["items"][0]["label"] == "positive"
    assert f"{file} was not loaded: its sha256 is" in answer["problem"]
    assert loaded_models() == []


def test_a_repaired_model_is_used_by_the_same_worker(tmp_path: Path) -> None:
    model = sentiment_model(tmp_path / "small")
    whole = (model / "model.onnx").read_bytes()
    (model / "model.onnx").write_bytes(whole[:-1])
    assert ask(sentiment, [{"text": "good"}], model=str(model))["engine"] == "lexicon"
    (model / "model.onnx").write_bytes(whole)
    assert ask(sentiment, [{"text": "good"}], model=str(model))["engine"] == "onnxruntime"


def test_without_onnx_runtime_the_word_list_answers_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    answer = ask(sentiment, [{"text": "bad"}], model=str(sentiment_model(tmp_path / "small")))
    assert (answer["engine"], answer["problem"]) == (
        "lexicon",
        "the extra nlp is not installed: pip install 'polydesk[nlp]'",
    )


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ("/nowhere/at/all", "there is no folder"),
        ("ProsusAI/finbert", "it must be pinned: owner/name@commit"),
        ("ProsusAI/finbert@main", "it must be pinned: owner/name@commit"),
        ("ProsusAI/finbert@" + "0" * 40, "ProsusAI/finbert"),
    ],
)
def test_a_model_that_is_not_there_is_named(model: str, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    answer = ask(sentiment, [{"text": "bad"}], model=model)
    assert answer["engine"] == "lexicon"
    assert complaint in answer["problem"]


def test_a_fetched_hub_model_is_used_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub", reason="the extra hub is not installed")
    revision = "0123456789" * 4
    sentiment_model(tmp_path / "models--owner--mood" / "snapshots" / revision)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    answer = ask(sentiment, [{"text": "good"}], model=f"owner/mood@{revision}")
    assert (answer["engine"], answer["items"][0]["label"]) == ("onnxruntime", "positive")


def test_fetching_asks_for_the_pinned_commit_and_tells_why_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("huggingface_hub", reason="the extra hub is not installed")
    asked: dict[str, Any] = {}

    def download(repository: str, **options: Any) -> str:
        asked.update(options, repository=repository)
        if options["revision"].startswith("f"):
            raise ConnectionError("no route to the hub")
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert fetch("owner/mood@" + "a" * 40) == tmp_path
    assert (asked["repository"], asked["revision"], asked["local_files_only"]) == ("owner/mood", "a" * 40, False)
    with pytest.raises(ModelUnavailable, match="could not be fetched: no route to the hub"):
        fetch("owner/mood@" + "f" * 40)
    with pytest.raises(ModelUnavailable, match="is not a pinned hub model"):
        fetch("owner/mood")


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    assert "names no labels" in ask(sentiment, [{"text": "bad"}], model=str(tmp_path))["problem"]
    (tmp_path / "config.json").write_text('{"id2label": {"0": "negative", "1": "neutral", "2": "positive"}}')
    assert "no tokenizer.json" in ask(sentiment, [{"text": "bad"}], model=str(tmp_path))["problem"]
    (tmp_path / "tokenizer.json").write_text("{}")
    assert ask(sentiment, [{"text": "bad"}], model=str(tmp_path))["engine"] == "lexicon"
    (tmp_path / "config.json").write_text("{")
    assert "cannot be read" in ask(sentiment, [{"text": "bad"}], model=str(tmp_path))["problem"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "🚀🚀🌕 to the moon",
        "الأسواق ترتفع اليوم",
        "שוק המניות",
        "\ud800 half a character",
        "\x00",
        "x" * 1_000_000,
    ],
    ids=["empty", "blank", "emoji", "arabic", "hebrew", "surrogate", "nul", "megabyte"],
)
@pytest.mark.parametrize("engine", ["model", "lexicon"])
def test_any_text_gets_an_answer_whose_weights_sum_to_one(tmp_path: Path, text: str, engine: str) -> None:
    model = str(sentiment_model(tmp_path / "small")) if engine == "model" else "lexicon"
    (answer,) = ask(sentiment, [{"text": text, "target": text[:50]}], model=model)["items"]
    assert answer["label"] in ("negative", "neutral", "positive")
    assert sum(answer[label] for label in ("negative", "neutral", "positive")) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("item", [{}, {"text": 5}, {"text": "x", "target": 7}])
def test_an_item_without_a_text_is_an_error(item: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs a text"):
        ask(sentiment, [item])


def test_stance_contrasts_the_statement_with_its_negation(tmp_path: Path) -> None:
    model = inference_model(tmp_path / "nli")
    answer = ask(stance, [hypotheses("it fails"), hypotheses("it wins"), hypotheses("weather")], model=str(model))
    fails, wins, weather = answer["items"]
    assert (answer["basis"], answer["engine"], answer["measured"]) == ("inference", "onnxruntime", None)
    assert fails["stance"] < -0.9
    assert wins["stance"] > 0.9
    assert min(fails["relatedness"], wins["relatedness"]) > 0.9
    assert weather["relatedness"] < 0.1


def test_swapping_statement_and_negation_turns_the_stance_around(tmp_path: Path) -> None:
    model = inference_model(tmp_path / "nli")
    item = hypotheses("it fails")
    swapped = item | {"statement": item["negation"], "negation": item["statement"]}
    forth, back = ask(stance, [item, swapped], model=str(model))["items"]
    assert forth["stance"] == -back["stance"]


@pytest.mark.parametrize(
    "labels", [("consistent", "contradiction"), ("entailment", "not_entailment")], ids=["two-way", "entailment-only"]
)
def test_models_with_two_outputs_serve_as_well(tmp_path: Path, labels: tuple[str, str]) -> None:
    model = inference_model(tmp_path / "nli", labels=labels, width=32)
    fails, wins = ask(stance, [hypotheses("it fails"), hypotheses("it wins")], model=str(model))["items"]
    assert fails["stance"] < 0 < wins["stance"]


def test_without_inference_the_targets_sentiment_stands_in_and_says_so(tmp_path: Path) -> None:
    model = sentiment_model(tmp_path / "small")
    good, bad = hypotheses("a good day"), hypotheses("a bad day")
    answer = ask(stance, [good, bad], sentiment_model=str(model))
    assert answer["basis"] == "sentiment"
    assert answer["problem"] == "no model of inference is configured"
    assert answer["engine"] == "onnxruntime"
    first, second = answer["items"]
    assert first["stance"] > 0.9
    assert second["stance"] < -0.9
    assert first["relatedness"] is None


def test_a_model_of_sentiment_is_refused_for_stance_and_the_other_way_round(tmp_path: Path) -> None:
    nli, mood = inference_model(tmp_path / "nli"), sentiment_model(tmp_path / "mood")
    answer = ask(stance, [hypotheses("a good day")], model=str(mood), sentiment_model=str(nli))
    assert answer["engine"] == "lexicon"
    assert "mood is no model of inference" in answer["problem"]
    assert "nli is no model of sentiment" in answer["problem"]


def test_an_empty_text_bears_on_nothing(tmp_path: Path) -> None:
    answer = ask(stance, [hypotheses(" ")], model=str(inference_model(tmp_path / "nli")))
    assert answer["items"] == [{"stance": 0.0, "relatedness": 0.0}]


def test_stance_needs_both_hypotheses() -> None:
    with pytest.raises(ValueError, match="its negation"):
        ask(stance, [{"text": "x", "statement": "it rains"}])


def test_workers_know_the_tasks_and_may_merge_their_calls() -> None:
    assert TASKS["sentiment"] is BATCHED["sentiment"] is sentiment
    assert TASKS["stance"] is BATCHED["stance"] is stance
