"""The model in the package: its card is true of its files, it knows targets, and it beats the word list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from polydesk.gpu.text.evaluation import classification
from polydesk.gpu.text.labelled import LABELS, read_labelled
from polydesk.gpu.text.model_files import SHIPPED_SENTIMENT, read_folder
from polydesk.gpu.text.sentiment import sentiment

pytest.importorskip("onnxruntime", reason="the extra nlp is not installed")

CARD = json.loads((SHIPPED_SENTIMENT / "card.json").read_text(encoding="utf-8"))


def judge(items: list[dict[str, str]], **options: Any) -> dict[str, Any]:
    return sentiment({"items": items, **options}, lambda fraction: None)


def test_the_card_is_true_of_every_file() -> None:
    files = read_folder(SHIPPED_SENTIMENT, name="shipped")
    assert files.labels == LABELS
    for name, promised in CARD["files"].items():
        assert files.verified(files.folder / name) == promised
    page = (SHIPPED_SENTIMENT / "README.md").read_text(encoding="utf-8")
    measured = CARD["measured"]["sentiment"]
    assert f"{measured['macro_f1']['value']:.3f} ({measured['macro_f1']['low']:.3f}" in page
    assert (CARD["licence"], CARD["data"]["licence"]) == ("Apache-2.0", "MIT")


def test_the_same_sentence_weighs_differently_on_each_target() -> None:
    text = "Critics hailed Obama's success and condemned Trump's disastrous failure."
    answer = judge([{"text": text, "target": "Obama"}, {"text": text, "target": "Trump"}])
    assert answer["engine"] == "onnxruntime"
    obama, trump = answer["items"]
    assert obama["positive"] > trump["positive"] + 0.2


def test_the_answer_does_not_depend_on_what_else_is_in_the_batch() -> None:
    item = {"text": "The governor was charged with fraud.", "target": "The governor"}
    alone = judge([item])["items"][0]
    beside = judge([{"text": "word " * length, "target": "x"} for length in (1, 40, 90)] + [item])["items"][-1]
    # Activations are rounded to int8 by the batch's range, so that figures move a little; labels should not.
    assert alone["label"] == beside["label"] == "negative"
    assert alone["negative"] == pytest.approx(beside["negative"], abs=0.03)


@pytest.mark.takeover
def test_it_is_as_good_as_its_card_says(shared_data: Path) -> None:
    rows = read_labelled(shared_data / "sentiment" / "newsmtsc_devtest_mt.jsonl")
    labels = [row.label for row in rows]
    items = [{"text": row.text, "target": row.target} for row in rows]
    ours, words = (
        classification([each["label"] for each in judge(items, **options)["items"]], labels)["macro_f1"]
        for options in ({}, {"model": "lexicon"})
    )
    assert ours["value"] == pytest.approx(CARD["measured"]["sentiment"]["macro_f1"]["value"], abs=0.01)
    assert ours["low"] > words["high"]
