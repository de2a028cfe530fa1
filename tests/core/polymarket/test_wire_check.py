"""Captured payloads are read with the client's parsers, and every object that no longer fits is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.polymarket.wire_check import check_file

LEVEL = {"price": "0.4", "size": "10"}
BOOK = {"market": "0x1", "asset_id": "1", "timestamp": "1767225600000", "bids": [LEVEL], "asks": []}
MARKET = {"id": "1", "question": "Rain?", "outcomes": '["Yes", "No"]', "conditionId": "0x1"}


def written(folder: Path, payload: Any, name: str = "capture.json") -> Path:
    file = folder / name
    file.write_text(payload if isinstance(payload, str) else json.dumps(payload))
    return file


def test_each_object_of_a_page_is_read_and_the_bad_one_is_named_by_its_path(tmp_path: Path) -> None:
    broken = {**MARKET, "volumeNum": "plenty"}
    report = check_file(written(tmp_path, {"markets": [MARKET, broken, MARKET], "next_cursor": "x"}))
    assert (report.kinds, report.objects) == (("gamma_market",), 3)
    (failure,) = report.failures
    assert (failure.path, failure.kind) == ("markets.1.volumeNum", "gamma_market")


def test_a_needed_field_that_is_missing_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, [BOOK, {**BOOK, "bids": [{"price": "0.4"}]}])
    (failure,) = check_file(file).failures
    assert failure.path == "1.bids.0.size"


def test_fields_that_are_new_or_left_out_do_not_fail(tmp_path: Path) -> None:
    assert check_file(written(tmp_path, {**BOOK, "brand_new": 1, "timestamp": None})).failures == ()


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ({"token_id": "1", "condition_id": "0x1", "current_size": "many"}, "data.0.current_size"),
        (
            {"transaction_hash": "0x1", "token_id": "1", "condition_id": "0x1", "side": "HOLD", "price": 1, "size": 1},
            "data.0.side",
        ),
    ],
)
def test_rows_of_the_data_service_are_named_by_their_place(tmp_path: Path, row: dict[str, Any], path: str) -> None:
    file = written(tmp_path, {"data": [row], "pagination": {"has_more": False}})
    assert [failure.path for failure in check_file(file).failures] == [path]


def test_rows_of_the_first_version_are_named_by_their_place(tmp_path: Path) -> None:
    row = {
        "asset": "1",
        "conditionId": "0x1",
        "transactionHash": "0x",
        "side": "BUY",
        "price": "?",
        "size": 1,
        "timestamp": 1,
    }
    assert [failure.path for failure in check_file(written(tmp_path, [row])).failures] == ["0.price"]


def test_lines_are_read_one_by_one_zipped_or_not(tmp_path: Path) -> None:
    frame = {"event_type": "last_trade_price", "market": "0x1", "asset_id": "1", "side": "BUY", "price": "0.5"}
    lines = "\n".join(json.dumps(each) for each in ([frame, frame], frame, {**frame, "side": "?"})) + "\n\n"
    zipped = tmp_path / "frames.jsonl.gz"
    zipped.write_bytes(gzip.compress(lines.encode()))
    for file in (written(tmp_path, lines, "frames.jsonl"), zipped):
        report = check_file(file)
        assert (report.kinds, report.objects) == (("market_event",), 4)
        assert [failure.path for failure in report.failures] == ["line 3.side"]


def test_an_object_of_no_known_kind_fails_with_its_keys(tmp_path: Path) -> None:
    (failure,) = check_file(written(tmp_path, {"surprise": 1})).failures
    assert failure.kind is None
    assert "surprise" in failure.message
    assert "str" in check_file(written(tmp_path, ["text"])).failures[0].message


def test_a_kind_that_is_given_is_the_one_read(tmp_path: Path) -> None:
    (failure,) = check_file(written(tmp_path, MARKET), kind="book").failures
    assert (failure.kind, failure.path) == ("book", "market")
    assert check_file(written(tmp_path, {"events": []}), kind="gamma_search").failures == ()


@pytest.mark.parametrize("content", ["<html>", '{"a": 1}\n{"b"', ""])
def test_a_file_that_holds_nothing_readable_fails(tmp_path: Path, content: str) -> None:
    assert check_file(written(tmp_path, content)).failures


@pytest.mark.parametrize("content", ["[]", '{"data": [], "next_cursor": "LTE="}'])
def test_an_empty_page_is_no_failure(tmp_path: Path, content: str) -> None:
    report = check_file(written(tmp_path, content))
    assert (report.objects, report.failures) == (0, ())


def test_a_file_that_is_not_what_its_name_says_fails(tmp_path: Path) -> None:
    assert check_file(written(tmp_path, "plain", "frames.jsonl.gz")).failures[0].message.startswith("not JSON")


def test_what_a_recorder_wrapped_is_unwrapped(tmp_path: Path) -> None:
    report = check_file(written(tmp_path, [{"seen": 1, "raw": {**MARKET, "outcomes": "not a list"}}]))
    assert (report.kinds, [failure.path.split(".")[:2] for failure in report.failures]) == (
        ("gamma_market",),
        [["0", "raw"]],
    )
