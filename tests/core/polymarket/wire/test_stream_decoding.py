"""The quick reading of market frames says what the tolerant one says, and leaves to it what it cannot read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.errors import UnexpectedPayload
from polydesk.core.polymarket.wire import stream_decoding
from polydesk.core.polymarket.wire.fields import decode_json
from polydesk.core.polymarket.wire.stream_decoding import decode_market_frame
from polydesk.core.polymarket.wire.stream_events import BookSnapshot, PriceChanges
from polydesk.core.polymarket.wire.stream_frames import parse_market_event

NOW = datetime(2026, 11, 1, tzinfo=UTC)
STAMP = "1767225600123"
CHANGE = {"asset_id": "1", "price": "0.5", "size": "7", "side": "BUY", "hash": "h", "best_bid": "0.5", "best_ask": "1"}


KEYS = {*CHANGE, "market", "timestamp", "price_changes", "bids", "asks", "tick_size", "last_trade_price"}


def changes(**fields: Any) -> dict[str, Any]:
    row = {**CHANGE, **fields}
    return {"event_type": "price_change", "market": "0x1", "timestamp": STAMP, "price_changes": [row]}


def tolerantly(item: Any) -> Any:
    return parse_market_event(item, NOW)


def test_recorded_frames_read_the_same_both_ways(shared_data: Path) -> None:
    folder = shared_data / "wire" / "ws_market"
    frames = [path.read_text() for path in folder.glob("*.json") if "book_snapshot" not in path.name]
    frames += (folder / "capture_2026-09-27.ndjson").read_text().splitlines()
    for frame in frames:
        content = json.loads(frame)
        items = content if isinstance(content, list) else [content]
        quick = decode_market_frame(frame, NOW)
        assert quick.events == [tolerantly(item) for item in items]
        assert (quick.unknown, quick.failures, quick.incomplete) == (0, (), False)


def test_a_capture_needs_no_second_reading(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not(*_: object, **__: object) -> None:
        raise AssertionError("read twice")

    monkeypatch.setattr(stream_decoding, "decode_frame", must_not)
    capture = (shared_data / "wire" / "ws_market" / "capture_2026-09-27.ndjson").read_text()
    kinds = {type(event).__name__ for line in capture.splitlines() for event in decode_market_frame(line, NOW).events}
    assert kinds == {"BookSnapshot", "PriceChanges", "LastTrade"}


@given(
    price=st.integers(1, 9999),
    size=st.integers(0, 10**16),
    zeros=st.integers(0, 2),
    side=st.sampled_from(["BUY", "SELL"]),
)
def test_prices_and_sizes_are_exact(price: int, size: int, zeros: int, side: str) -> None:
    written = f"{Decimal(price) / 10_000:f}".lstrip("0"[:zeros]) + "0" * zeros
    frame = changes(price=written, size=f"{Decimal(size) / 1_000_000:f}", side=side)
    for decoded in (decode_market_frame(json.dumps(frame), NOW).events[0], tolerantly(frame)):
        assert isinstance(decoded, PriceChanges)
        (change,) = decoded.changes
        assert (change.price_e4, change.size_micro, change.side) == (price, size, side)
        assert (change.price, change.size) == (Decimal(price) / 10_000, Decimal(size) / 1_000_000)


def test_the_kind_may_stand_anywhere_and_in_bytes() -> None:
    frame = changes()
    assert next(iter(frame)) == "event_type"
    backwards = dict(reversed(frame.items()))
    assert next(iter(backwards)) != "event_type"
    assert decode_market_frame(json.dumps(frame), NOW) == decode_market_frame(json.dumps(backwards).encode(), NOW)


@pytest.mark.parametrize(
    "frame",
    [
        changes(price=Decimal("0.5"), size=7),
        changes(hash=None, best_bid=None, best_ask=None),
        {**changes(), "timestamp": 1767225600},
        {"event_type": "price_change", "market": "0x1", "timestamp": STAMP, **CHANGE},
    ],
    ids=["numbers", "nulls", "seconds", "one change on the envelope"],
)
def test_other_spellings_are_read_too(frame: dict[str, Any]) -> None:
    decoded = decode_market_frame(json.dumps(frame, default=float), NOW)
    assert not decoded.failures
    (event,) = decoded.events
    assert isinstance(event, PriceChanges)
    (change,) = event.changes
    assert (change.price, change.size) == (Decimal("0.5"), Decimal(7))


@pytest.mark.parametrize(
    ("frame", "incomplete"),
    [
        ("{", True),
        (json.dumps(changes())[:-20], True),
        (json.dumps(changes(price="0.12345")), True),
        (json.dumps(changes(price="1.01")), True),
        (json.dumps(changes(price="Infinity")), True),
        (json.dumps(changes(size="-1")), True),
        (json.dumps({**changes(), "timestamp": "9" * 25}), True),
        (json.dumps(changes(size="0.1234567")), True),
        (json.dumps(changes(side="HOLD")), True),
        (json.dumps(changes(price="half")), True),
        (json.dumps("text"), True),
        (json.dumps({"event_type": "book", "market": "0x1", "timestamp": STAMP}), True),
        (
            json.dumps(
                {"event_type": "book", "market": "0x1", "asset_id": "1", "asks": [{"price": "0.12345", "size": "1"}]}
            ),
            True,
        ),
        (json.dumps({"event_type": "new_market", "timestamp": STAMP}), False),
    ],
)
def test_damage_is_reported_and_says_whether_a_book_may_miss_something(frame: str, incomplete: bool) -> None:
    decoded = decode_market_frame(frame, NOW)
    assert not decoded.events
    assert len(decoded.failures) == 1
    assert decoded.incomplete is incomplete


HOSTILE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["Infinity", "NaN", "sNaN", "-1", "1e400", "9" * 30, STAMP, "book", "price_change", "BUY", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(KEYS)), inner, max_size=6),
)


@given(HOSTILE, st.sampled_from(["book", "price_change", "last_trade_price", "best_bid_ask", "new_market", "x"]))
def test_no_frame_ends_the_stream(content: object, kind: str) -> None:
    frame = {**changes(), **content, "event_type": kind} if isinstance(content, dict) else content
    for item in (frame, [frame]):
        decoded = decode_market_frame(json.dumps(item), NOW)
        for event in decoded.events:
            if isinstance(event, PriceChanges):
                assert all(0 <= row[2] <= 10_000 and row[3] >= 0 for row in event.rows)


def test_nesting_without_end_is_damage() -> None:
    assert decode_market_frame("[" * 100_000, NOW).incomplete


def test_what_can_be_read_of_a_damaged_array_is_kept() -> None:
    decoded = decode_market_frame(json.dumps([changes(), changes(side="HOLD"), {"event_type": "weather"}]), NOW)
    assert len(decoded.events) == len(decoded.failures) == decoded.unknown == 1
    assert decoded.incomplete


def test_an_empty_array_is_nothing() -> None:
    decoded = decode_market_frame("[]", NOW)
    assert (decoded.events, decoded.unknown, decoded.failures) == ([], 0, ())


def test_books_are_best_first_whatever_their_order() -> None:
    levels = [{"price": price, "size": "1"} for price in ("0.2", "0.3", "0.1")]
    frame = {
        "event_type": "book",
        "market": "0x1",
        "asset_id": "1",
        "timestamp": STAMP,
        "bids": levels,
        "asks": levels,
        "tick_size": "0.1",
        "last_trade_price": "0.870",
    }
    (book,) = decode_market_frame(json.dumps(frame), NOW).events
    assert isinstance(book, BookSnapshot)
    assert book == tolerantly(frame)
    assert [price for price, _ in book.bid_levels] == [3000, 2000, 1000]
    assert [level.price for level in book.asks] == [Decimal("0.1"), Decimal("0.2"), Decimal("0.3")]
    assert (book.tick, book.last_trade_price) == (Decimal("0.1"), Decimal("0.87"))


def test_answers_nested_without_end_are_refused_whatever_the_recursion_limit() -> None:
    for raw in ("[" * 100_000, '{"a":' * 100_000, b"[" * 201 + b"]" * 201):
        with pytest.raises(UnexpectedPayload, match="nested"):
            decode_json(raw)
    assert decode_json("[" * 200 + "]" * 200)
