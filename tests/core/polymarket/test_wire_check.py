"""Captured payloads are read with the client's parsers, and every object that no longer fits is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.polymarket.wire_check import check_file
from polydesk.core.polymarket.wire_kinds import KINDS

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


EXAMPLES: dict[str, dict[str, Any]] = {
    "market_event": {"event_type": "tick_size_change", "market": "0x1", "asset_id": "1"}
    | {"old_tick_size": "0.01", "new_tick_size": "0.001"},
    "user_event": {"type": "PLACEMENT", "id": "0x1", "market": "0x1", "asset_id": "1", "side": "BUY"}
    | {"original_size": "1", "price": "0.5"},
    "open_order": {"id": "0x1", "status": "LIVE", "market": "0x1", "asset_id": "1", "side": "BUY"}
    | {"original_size": "1", "price": "0.5"},
    "trade": {"id": "1", "taker_order_id": "0x1", "market": "0x1", "asset_id": "1", "side": "BUY", "size": "1"}
    | {"price": "0.5", "status": "TRADE_STATUS_MINED"},
    "placement": {"success": True, "orderID": "0x1"},
    "cancel": {"canceled": ["0x1"]},
    "signed_order": {"salt": 1, "maker": "0x1", "signer": "0x1", "tokenId": "1", "makerAmount": "1"}
    | {"takerAmount": "1", "signature": "0x"},
    "api_key": {"apiKey": "k", "secret": "s", "passphrase": "p"},
    "balance": {"balance": "1000000", "allowances": {}},
    "book": BOOK,
    "price_history": {"history": [{"t": 1767225600, "p": 0.5}]},
    "midpoint": {"mid": "0.5"},
    "spread": {"spread": "0.01"},
    "last_trade_price": {"price": "0.5", "side": ""},
    "price": {"price": "0.5"},
    "tick_size": {"minimum_tick_size": 0.01},
    "base_fee": {"base_fee": 1000},
    "clob_market": {"t": [{"t": "1", "o": "Yes"}], "mts": 0.01},
    "reward_programme": {"condition_id": "0x1", "rewards_config": []},
    "reward_earning": {"asset_address": "0x1", "earnings": 1},
    "listed_market": {"condition_id": "0x1", "tokens": []},
    "position_v2": {"token_id": "1", "condition_id": "0x1", "current_size": 1},
    "activity_v2": {"type": "REDEEM", "timestamp": 1767225600, "usdc_size": 1},
    "trade_v2": {"token_id": "1", "condition_id": "0x1", "transaction_hash": "0x1", "side": "SELL"}
    | {"price": 0.5, "size": 1, "timestamp": 1767225600},
    "price_point_v2": {"timestamp": 1767225600, "price": 0.5, "resolution_seconds": 60},
    "resolution_v2": {"question_id": "0x1", "log_index": "1", "status": "resolved"},
    "holders_v2": {"token_id": "1", "holders": [{"proxy_wallet": "0x1", "amount": 1}]},
    "live_volume_v2": {"taker_volume_total": 1, "conditions": []},
    "standing_v2": {"rank": 1, "user_id": "0x1", "pnl": 1, "volume": 2},
    "value_v2": {"proxy_wallet": "0x1", "value": 1},
    "open_interest_v2": {"condition_id": "GLOBAL", "value": 1},
    "activity_v1": {"proxyWallet": "0x1", "timestamp": 1767225600, "type": "TRADE", "usdcSize": 1, "side": "BUY"},
    "trade_v1": {"asset": "1", "conditionId": "0x1", "transactionHash": "0x1", "side": "BUY"}
    | {"price": 0.5, "size": 1, "timestamp": 1767225600},
    "position_v1": {"asset": "1", "conditionId": "0x1", "avgPrice": 0.5, "totalBought": 1},
    "gamma_related_tag": {"id": "1", "tagID": 1, "relatedTagID": 2, "rank": 1},
    "gamma_comment": {"id": "1", "body": "!", "parentEntityType": "Event", "createdAt": "2026-05-09 02:07:01+00"},
    "gamma_series": {"id": "1", "title": "FOMC", "slug": "fomc", "seriesType": "single"},
    "gamma_event": {"id": "1", "title": "Fed", "slug": "fed", "markets": [MARKET]},
    "gamma_market": MARKET,
    "gamma_tag": {"id": "1", "label": "Fed", "slug": "fed"},
    "gamma_search": {"events": [], "pagination": {"hasMore": False, "totalResults": 0}},
    "reference_price": {
        "topic": "crypto_prices",
        "payload": {"symbol": "btcusdt", "timestamp": 1767225600000, "value": 5},
    },
    "error": {"error": "order_version_mismatch"},
}


def test_every_kind_has_an_example() -> None:
    assert EXAMPLES.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_is_recognised_as_what_it_is_and_read(tmp_path: Path, kind: str) -> None:
    report = check_file(written(tmp_path, EXAMPLES[kind]))
    assert (report.kinds, report.objects, report.failures) == ((kind,), 1, ())


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"gamma_search", "cancel"}))
def test_an_object_of_another_kind_is_not_read_as_this_one(tmp_path: Path, kind: str) -> None:
    (failure,) = check_file(written(tmp_path, {"nothing": "known"}), kind=kind).failures
    assert failure.kind == kind


def test_prices_of_coins_are_read_and_a_time_beyond_the_calendar_is_named(tmp_path: Path) -> None:
    point = {"timestamp": 1767225600000, "value": 98000.5}
    frame = {"topic": "crypto_prices", "type": "subscribe", "payload": {"symbol": "btcusdt", "data": [point]}}
    report = check_file(written(tmp_path, frame))
    assert (report.kinds, report.failures) == (("reference_price",), ())
    damaged = {**frame, "payload": {"symbol": "btcusdt", "data": [point, {**point, "timestamp": 10**40}]}}
    (failure,) = check_file(written(tmp_path, damaged)).failures
    assert failure.path == "data.1.timestamp"
