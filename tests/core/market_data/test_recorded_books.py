"""Recorded streams, replayed from text to books: every recorded best price comes out, to the last digit."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.identifiers import TokenId
from polydesk.core.market_data.book_keeper import BookGap, BookKeeper, RepairSettings
from polydesk.core.polymarket.wire.stream_decoding import decode_market_frame
from polydesk.core.polymarket.wire.stream_events import PRICE_UNIT

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Levels = dict[str, str]


class Replay:
    """Frames, as text, into a keeper."""

    def __init__(self, token_ids: set[str]) -> None:
        self.gaps: list[BookGap] = []
        self.keeper = BookKeeper(RepairSettings(), report=self.gaps.append)
        self.keeper.follow([TokenId(token_id) for token_id in token_ids], NOW)

    def play(self, frame: str) -> None:
        decoded = decode_market_frame(frame, NOW)
        assert not decoded.failures
        for event in decoded.events:
            self.keeper.apply(event, NOW)

    def best(self, token_id: str) -> tuple[Decimal, Decimal]:
        book = self.keeper.books[TokenId(token_id)]
        assert not book.stale
        return Decimal(book.best_bid) / PRICE_UNIT, Decimal(book.best_ask) / PRICE_UNIT


def test_the_capture_of_september_2026_follows_its_recorded_best_prices(shared_data: Path) -> None:
    frames = (shared_data / "wire" / "ws_market" / "capture_2026-09-27.ndjson").read_text().splitlines()
    opening = json.loads(frames[0])
    replay = Replay({book["asset_id"] for book in opening})
    told = 0
    for frame in frames:
        replay.play(frame)
        content = json.loads(frame)
        for row in {} if isinstance(content, list) else content.get("price_changes", ()):
            assert replay.best(row["asset_id"]) == (Decimal(row["best_bid"]), Decimal(row["best_ask"]))
            told += 1
    assert told == 12
    assert not replay.gaps


def test_the_recorded_single_frames_of_changes_agree_with_a_book_made_for_them(shared_data: Path) -> None:
    text = (shared_data / "wire" / "ws_market" / "price_change_v2_nautilus_2024_2025.json").read_text()
    rows = json.loads(text)["price_changes"]
    last = {row["asset_id"]: row for row in rows}
    replay = Replay(set(last))
    for token_id in last:
        replay.play(json.dumps(book_frame(token_id, "1", {}, {})))
    replay.play(text)
    for token_id, row in last.items():
        if not replay.keeper.books[TokenId(token_id)].stale:
            assert replay.best(token_id) == (Decimal(row["best_bid"]), Decimal(row["best_ask"]))


def book_frame(token_id: str, stamp: str, bids: Levels, asks: Levels, fingerprint: str = "") -> dict[str, Any]:
    return {
        "event_type": "book",
        "market": "0x1",
        "asset_id": token_id,
        "timestamp": stamp.rjust(13, "1"),
        "hash": fingerprint,
        "bids": [{"price": price, "size": size} for price, size in bids.items()],
        "asks": [{"price": price, "size": size} for price, size in asks.items()],
    }


@pytest.mark.parametrize("half", ["first", "second"])
def test_recorded_depth_replays_as_changes_to_the_recorded_best_prices(shared_data: Path, half: str) -> None:
    """Snapshots once a second become one book and then only what changed from one to the next."""
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = parquet.read_table(shared_data / "l2" / "btc_updown_15m_2026-09-28" / "books.parquet").to_pylist()
    markets = sorted({row["market_id"] for row in rows})
    chosen = set(markets[: len(markets) // 2] if half == "first" else markets[len(markets) // 2 :])
    rows = [row for row in rows if row["market_id"] in chosen]
    replay = Replay({f"{row['market_id']}-{row['side']}" for row in rows})
    before: dict[str, tuple[Levels, Levels]] = {}
    for row in rows:
        token_id, stamp = f"{row['market_id']}-{row['side']}", str(row["ts"])
        bids, asks = _levels(row["bid_px"], row["bid_sz"]), _levels(row["ask_px"], row["ask_sz"])
        best = max(map(Decimal, bids), default=Decimal(0)), min(map(Decimal, asks), default=Decimal(1))
        if token_id not in before:
            replay.play(json.dumps(book_frame(token_id, stamp, bids, asks)))
        elif changed := [
            {"asset_id": token_id, "price": price, "size": size, "side": side, "hash": stamp}
            for side, old, new in (("BUY", before[token_id][0], bids), ("SELL", before[token_id][1], asks))
            for price, size in _changes(old, new)
        ]:
            told = {"best_bid": str(best[0]), "best_ask": str(best[1])}
            frame = {"event_type": "price_change", "market": "0x1", "timestamp": stamp}
            replay.play(json.dumps({**frame, "price_changes": [{**change, **told} for change in changed]}))
        before[token_id] = bids, asks
        assert replay.best(token_id) == best
    assert len(rows) > 5_000
    assert not replay.gaps


def _levels(prices: list[float], sizes: list[float]) -> Levels:
    """The recorder summed sizes in floating point; the venue's have at most six decimals."""
    return {str(price): f"{size:.6f}" for price, size in zip(prices, sizes, strict=True)}


def _changes(old: Levels, new: Levels) -> Iterator[tuple[str, str]]:
    yield from ((price, size) for price, size in new.items() if old.get(price) != size)
    yield from ((price, "0") for price in old if price not in new)


@pytest.mark.parametrize("game", ["col-wsh-2025-06-19", "tor-cle-2025-06-24", "tb-kc-2025-06-25"])
def test_a_game_of_2025_replays_to_each_recorded_book_and_both_outcomes_mirror(shared_data: Path, game: str) -> None:
    """The old shape: changes carry no best prices, so they are held to whole books and to the other outcome's stream.

    At three moments of one game the recording itself has a change on one outcome only.
    """
    (path,) = (shared_data / "l2" / "mlb_2025_ws_flattened").glob(f"*{game}.csv.gz")
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    replay = Replay({row["asset_id"] for row in rows})
    books = moments = mirrored = 0
    for stamp, at_once in groupby(rows, key=lambda row: row["timestamp"]):
        for (kind, token_id), told in groupby(at_once, key=lambda row: (row["event_type"], row["asset_id"])):
            levels = list(told)
            if kind == "book":
                bids, asks = (
                    {row["price"]: row["size"] for row in levels if row["side"] == side} for side in ("bid", "ask")
                )
                replay.play(json.dumps(book_frame(token_id, stamp, bids, asks, levels[0]["hash"])))
                best = max(map(Decimal, bids), default=Decimal(0)), min(map(Decimal, asks), default=Decimal(1))
                assert replay.best(token_id) == best
                books += 1
                continue
            sides = {"bid": "BUY", "ask": "SELL"}
            changes = [{**row, "side": sides[row["side"]]} for row in levels]
            frame = {"event_type": "price_change", "market": "0x1", "timestamp": stamp, "price_changes": changes}
            replay.play(json.dumps(frame))
        first, second = replay.keeper.books.values()
        if not first.stale and not second.stale:
            moments += 1
            mirrored += first.best_bid + second.best_ask == second.best_bid + first.best_ask == PRICE_UNIT
    assert books > 50
    assert mirrored >= moments - 3
    assert not replay.gaps
