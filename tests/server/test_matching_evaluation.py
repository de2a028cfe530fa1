"""`polydesk evaluate matching` on files of both kinds."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from polydesk.server.cli import main

NEWS = (
    "question,headline,relevant\n"
    "Will Bitcoin reach $80k?,Bitcoin climbs,1\n"
    "Will Bitcoin reach $80k?,Gold climbs,0\n"
    "Will Spain win the World Cup?,Spain stocks lower,0\n"
    'Will Spain win the World Cup?,"Spain, somehow",1\n'
)


def test_news_is_scored_with_intervals_beside_shared_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(NEWS)
    assert main(["evaluate", "matching", "--data", str(file), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["matching"]["rows"] == 4
    assert result["matching"]["precision"]["value"] == 1.0
    assert result["matching"]["recall"]["value"] == 0.5
    assert result["matching"]["f1"]["low"] <= 0.6667 <= result["matching"]["f1"]["high"]
    assert result["everything"]["recall"]["value"] == 1.0
    assert [each["second"] for each in result["wrong"]] == ["Spain, somehow"]
    assert main(["evaluate", "matching", "--data", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "precision: 1.000" in printed
    assert "missed: Will Spain win the World Cup? | Spain, somehow" in printed


@pytest.mark.parametrize("form", ["csv.gz", "json", "jsonl", "tsv"])
def test_contracts_are_scored_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    rows = [
        {
            "pm_title": "BTC above $70k?",
            "kalshi_title": "Bitcoin above $70,000?",
            "kalshi_subtitle": "",
            "verified": "1",
        },
        {
            "pm_title": "BTC above $71k?",
            "kalshi_title": "Bitcoin above $70,000?",
            "kalshi_subtitle": "",
            "verified": "inv",
        },
    ]
    file = tmp_path / f"pairs.{form}"
    mark = "\t" if form == "tsv" else ","
    table = "\n".join(mark.join(f'"{each}"' if mark == "," else each for each in row.values()) for row in rows)
    table = mark.join(rows[0]) + "\n" + table + "\n"
    if form == "csv.gz":
        file.write_bytes(gzip.compress(table.encode()))
    elif form == "tsv":
        file.write_text(table)
    elif form == "json":
        pairs = [
            {"a": {"title": row["kalshi_title"]}, "b": {"title": row["pm_title"]}, "label": label}
            for row, label in zip(rows, ("equivalent", "near_miss"), strict=True)
        ]
        file.write_text(json.dumps({"pairs": pairs}))
    else:
        file.write_text("\n".join(json.dumps(row) for row in rows))
    assert main(["evaluate", "matching", "--data", str(file), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["engine"].startswith("names, figures")
    assert (result["matching"]["f1"]["value"], result["matching"]["positives"]) == (1.0, 1)


@pytest.mark.parametrize(
    "content",
    ["", "question,headline,relevant\n", "question,headline\na,b\n", "question,relevant\na,1\n", "relevant\n1\n"],
)
def test_a_file_that_cannot_be_scored_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(content)
    assert main(["evaluate", "matching", "--data", str(file)]) == 2
    assert str(file) in capsys.readouterr().err


def test_recorded_labels_are_matched_well(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Floors far below what was measured, so that a change that breaks matching shows."""
    floors = {"news/headline_market_labels.csv": 0.9, "crossvenue/matching_benchmark_handlabelled.json": 0.99}
    floors |= {"crossvenue/polymarket_kalshi_pairs_labelled_2026-07.csv.gz": 0.95}
    for name, floor in floors.items():
        assert main(["evaluate", "matching", "--data", str(shared_data / name), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["matching"]["f1"]["value"] > floor, name
