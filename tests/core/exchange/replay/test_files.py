"""What cannot be replayed is said with the file, the line and the reason."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polydesk.core.errors import ConfigurationError
from polydesk.core.exchange.replay.folder import load_folder
from polydesk.core.exchange.replay.moments import LevelMoment
from polydesk.core.exchange.replay.recording import read_recording

Write = Callable[..., Path]
BOOK = {"market": "0xa", "asset_id": "1", "timestamp": "1790000000000", "bids": [], "asks": []}
CHANGE = {"event_type": "price_change", "market": "0xa", "asset_id": "1", "timestamp": "1790000000001"}


def complaint(*paths: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_recording(paths)
    return caught.value.message


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"mid": "0.5"}, "neither a stream frame nor a payload of the three services: an object with mid"),
        ({}, "an object with no fields"),
        (5, "expected an object or a list, found int"),
        ({**BOOK, "bids": [{"price": "0.1"}]}, "the field 'size' is missing"),
        ({**BOOK, "bids": [{"price": "0.12345", "size": "1"}]}, "0.12345 has more than four decimals"),
        ({**BOOK, "bids": [{"price": "cheap", "size": "1"}]}, "a field has an unexpected value"),
        ({**BOOK, "timestamp": "yesterday"}, "a field has an unexpected value"),
        ({**CHANGE, "side": "HOLD", "price": "0.1", "size": "1"}, "'HOLD' is neither BUY nor SELL"),
        (
            {"conditionId": "0xa", "slug": "s", "clobTokenIds": '["1"]', "outcomes": '["Yes"]'},
            "market s has not two outcomes with a token each",
        ),
    ],
)
def test_a_payload_that_cannot_be_replayed_is_named(written: Write, payload: Any, reason: str) -> None:
    said = complaint(written(BOOK, payload))
    assert "frames.jsonl, line 2: " in said
    assert reason in said


def test_text_that_is_no_json_is_named(tmp_path: Path) -> None:
    lines = tmp_path / "lines.ndjson"
    lines.write_text('{"market": "0xa"\n')
    assert "lines.ndjson, line 1: not JSON" in complaint(lines)
    whole = tmp_path / "whole.json"
    whole.write_text('{"a": 1,\n"b": }')
    assert "whole.json, line 2: not JSON" in complaint(whole)


def test_files_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    assert "nowhere.json: there is no such file" in complaint(tmp_path / "nowhere.json")
    text = tmp_path / "notes.txt"
    text.write_text("")
    assert "notes.txt: not a .json" in complaint(text)
    folder = tmp_path / "folder"
    folder.mkdir()
    assert "folder: the folder holds no" in complaint(folder)
    packed = tmp_path / "packed.json.gz"
    packed.write_bytes(b"not packed")
    assert "packed.json.gz: cannot be read" in complaint(packed)
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe")
    assert "binary.json: not UTF-8" in complaint(binary)
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    assert "nothing in there can be replayed" in complaint(empty)


def table(path: Path, **changes: Any) -> Path:
    row = {
        "market_id": "0xa",
        "ts": 1_790_000_000_000,
        "side": "UP",
        "bid_px": [0.4],
        "bid_sz": [5.0],
        "ask_px": [0.5],
        "ask_sz": [6.0],
    }
    row.update(changes)
    pq.write_table(pa.Table.from_pylist([{name: value for name, value in row.items() if value is not None}]), path)
    return path


def test_a_table_that_cannot_be_replayed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "books.parquet"
    path.write_bytes(b"PAR?")
    assert "books.parquet: not a Parquet file" in complaint(path)
    assert "the columns ask_sz are missing" in complaint(table(path, ask_sz=None))
    assert "row 1 cannot be read: 'SIDEWAYS'" in complaint(table(path, side="SIDEWAYS"))
    assert "1 prices and 2 sizes" in complaint(table(path, bid_sz=[1.0, 2.0]))
    assert "1.5 is not a price" in complaint(table(path, bid_px=[1.5]))
    table(path)
    (tmp_path / "markets.csv").write_text("name\nx\n")
    assert "markets.csv, line 1: the column market_id is missing" in complaint(path)
    (tmp_path / "markets.csv.gz").write_bytes(b"not packed")
    assert "markets.csv.gz: cannot be read" in complaint(path)


def test_a_table_may_stand_alone(tmp_path: Path) -> None:
    """Without a table of markets there are stand-ins, and a price between cents means the finer tick."""
    recording = read_recording([table(tmp_path / "books.parquet", bid_px=[0.405])])
    (market,) = recording.catalogue.markets
    assert json.loads(market.gamma["outcomes"]) == ["Yes", "No"]
    assert [type(moment).__name__ for moment in recording.moments] == ["TickMoment", "BookMoment"]


def test_a_table_of_markets_may_be_packed(tmp_path: Path) -> None:
    content = "market_id,payout_up,payout_down\n0xa,0.5,0.5\n0xb,1,0\n"
    (tmp_path / "markets.csv.gz").write_bytes(gzip.compress(content.encode()))
    recording = read_recording([table(tmp_path / "books.parquet")])
    assert recording.moments[-1].winner is None  # type: ignore[union-attr]


def test_a_market_has_two_tokens(written: Write) -> None:
    books = [{**BOOK, "asset_id": token} for token in "123"]
    assert "market 0xa has more than two tokens" in complaint(written(*books))


def test_older_forms_of_changes_are_read(written: Write) -> None:
    """A list of changes of one token, and a single change without a list."""
    several = {**CHANGE, "changes": [{"price": "0.4", "side": "BUY", "size": "5"}]}
    single = {**CHANGE, "price": "0.3", "side": "SELL", "size": "6"}
    recording = read_recording([written(BOOK, several, single)])
    rows = [moment.rows for moment in recording.moments if isinstance(moment, LevelMoment)]
    assert rows == [(("1", "BUY", 4000, 5_000_000),), (("1", "SELL", 3000, 6_000_000),)]


def test_a_folder_is_a_catalogue(written: Write, tmp_path: Path) -> None:
    """Books of either outcome, terms of the order book service, and labels from wherever they were recorded."""
    written(
        {**BOOK, "asset_id": "2", "bids": [{"price": "0.58", "size": "5"}], "asks": [{"price": "0.6", "size": "10"}]},
        {"c": "0xa", "t": [{"t": "1", "o": "Rain"}, {"t": "2", "o": "Sun"}], "mts": 0.001, "mos": 15, "nr": True},
        {"condition_id": "0xb", "tokens": [{"token_id": "3", "outcome": "Up"}], "minimum_tick_size": 0.01},
        {"event_type": "new_market", "market": "0xc", "assets_ids": ["5", "6"], "outcomes": ["A", "B"]},
    )
    catalogue = load_folder(tmp_path)
    by_condition = {market.gamma["conditionId"]: market for market in catalogue.markets}
    rain = by_condition["0xa"]
    assert (rain.bids, rain.asks) == (
        ((Decimal("0.4"), Decimal(10)),),
        ((Decimal("0.42"), Decimal(5)),),
    )
    assert (rain.clob["mts"], rain.clob["mos"], rain.clob["nr"]) == (0.001, 15, True)
    assert [json.loads(market.gamma["outcomes"]) for market in catalogue.markets] == [
        ["Rain", "Sun"],
        ["Up", "No"],
        ["A", "B"],
    ]


def test_a_folder_with_a_whole_catalogue_is_taken_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such folder"):
        load_folder(tmp_path / "nowhere")
    path = tmp_path / "catalogue.json"
    path.write_text('{"starts_at": "2026-05-17T06:00:00+00:00", "events": [], "markets": [], "headlines": []}')
    assert load_folder(tmp_path).markets == ()
    path.write_text("{}")
    with pytest.raises(ConfigurationError, match=r"catalogue\.json: not a catalogue"):
        load_folder(tmp_path)
