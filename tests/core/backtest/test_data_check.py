"""What a file of one's own is told to hold: columns, rows with reasons, times, gaps, fidelity, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from polydesk.core.backtest.data_check import allowed_file, check_data
from polydesk.core.backtest.price_series import is_price_table, read_price_series
from polydesk.core.errors import InputRejected
from polydesk.core.exchange.replay.moments import BookMoment, LevelMoment
from polydesk.core.exchange.replay.recording import read_recording
from polydesk.core.recording.parts import PartWriter, Rotation
from polydesk.core.recording.rows import Row
from polydesk.server.data_check_text import check_as_json, check_as_text

START = datetime(2031, 3, 1, tzinfo=UTC)
FLAT = """market_slug,asset_id,event_type,price,side,size,hash,timestamp
a-b,7,book,0.40,bid,10,h1,1750361006835
a-b,7,book,0.42,ask,5.5,h1,1750361006835
a-b,8,book,0.58,bid,5.5,h2,1750361006835
a-b,7,price_change,0.41,bid,3,h3,1750361007000
a-b,8,price_change,0.59,ask,3,h3,1750361007000
a-b,7,last_trade_price,0.42,BUY,1,h4,1750361008000
"""


def hour(number: int) -> str:
    return (START + timedelta(hours=number)).strftime("%Y-%m-%d %H:%M:%S")


def test_rows_are_counted_with_the_reasons_for_those_left_out(tmp_path: Path) -> None:
    lines = ["time,market,price,outcome,mood,yes_won,closed"]
    for number in (*range(20), *range(60, 80)):
        lines.append(f"{hour(number)},rain,0.4,Yes,good,1,")
        lines.append(f"{hour(number)},rain,0.6,No,good,1,")
    lines += [f"{hour(81)},rain,,Yes,good,1,", f"{hour(82)},rain,1.0,Yes,good,1,true"]
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    found = check_data(tmp_path / "mine.csv")
    assert (found.problem, found.fidelity, found.layout) == ("", "bars", "table of prices")
    assert (found.rows, found.used, sorted(found.dropped.values())) == (82, 40, [1, 1, 40])
    assert found.columns["at"] == "time" and found.columns["label"] == "outcome"
    assert found.ignored == ("mood",)
    assert {"bid", "ask", "ends"} <= set(found.missing)
    assert found.time_zone.startswith("assumed to be UTC")
    assert (found.first, found.last) == (START, START + timedelta(hours=79))
    assert (found.markets, found.outcomes_known, found.in_sample) == (1, 1, ())
    (gap,) = found.gaps
    assert (gap.since, gap.until) == (START + timedelta(hours=19), START + timedelta(hours=60))
    assert any("no zone" in each for each in found.warnings)


def test_the_second_outcomes_rows_never_count_as_the_firsts(tmp_path: Path) -> None:
    rows = [{"t": 1_950_000_000 + at, "market_id": "m", "token_id": token, "price": price}
            for at in range(3) for token, price in (("11", 0.3), ("12", 0.7))]  # fmt: skip
    (series,) = read_price_series(rows)
    assert {row.price for row in series.rows} == {Decimal("0.3")}
    found = check_data(rows)
    assert any("which token is the first" in each for each in found.warnings)
    assert found.time_zone == "unix time, which is UTC"


def test_histories_are_read_point_by_point(tmp_path: Path) -> None:
    rows = [
        {"market_id": "m", "token_id": token, "history": [{"t": 1_950_000_000 + at, "p": price} for at in (0, 3600)]}
        for token, price in (("11", 0.25), ("12", 0.75))
    ]
    path = tmp_path / "histories.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    assert is_price_table(path) and is_price_table(tmp_path)
    (series,) = read_price_series(tmp_path)
    assert [row.price for row in series.rows] == [Decimal("0.25")] * 2
    path.write_text(json.dumps({"market_id": "m", "history": [3]}))
    assert "no object with a time" in check_data(path).problem


def test_doubtful_prices_are_pointed_at() -> None:
    rows = [
        {"t": 1_950_000_000 + number, "market_id": "m", "price": 0.5, "question": "Will it?"} for number in range(9)
    ]
    rows.append(dict(rows[-1]))
    found = " ".join(check_data(rows).warnings)
    assert "1 markets end with 5 or more prices of exactly 0.5" in found
    assert "1 rows have the market and the time of another" in found
    assert "how 1 of 1 markets ended is not told" in found


@pytest.mark.parametrize("count", [0, 2001])
def test_only_so_many_rows_may_be_handed_in(count: int) -> None:
    with pytest.raises(InputRejected) as refused:
        check_data([{"t": 1_950_000_000, "market": "m", "price": 0.5}] * count)
    assert refused.value.code == "wrong_number_of_rows"


def test_what_cannot_be_used_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "candles.csv").write_text("timestamp,open,close\n2031-01-01,1,2\n")
    found = check_data(tmp_path / "candles.csv")
    assert "no column is known as market (market_id" in found.problem
    assert "it has timestamp, open, close" in found.problem
    assert "There is nothing at" in check_data(tmp_path / "none.csv").problem
    (tmp_path / "empty.csv").write_text("t,market,price\n")
    assert "it has no rows" in check_data(tmp_path / "empty.csv").problem
    (tmp_path / "two").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "two" / name).write_text("x\n1\n")
    assert "no .json" in check_data(tmp_path / "two").problem
    assert "no object with named columns" in check_data([3]).problem  # type: ignore[list-item]


def test_flattened_frames_are_books_and_no_prices(tmp_path: Path) -> None:
    path = tmp_path / "flat.csv"
    path.write_text(FLAT)
    assert not is_price_table(path)
    for given in (path, tmp_path):
        recording = read_recording([given])
        (first, second) = [each for each in recording.moments if isinstance(each, BookMoment)]
        assert (first.bids, first.asks) == ({4000: 10_000_000}, {4200: 5_500_000})
        assert (second.token_id, second.bids) == ("8", {5800: 5_500_000})
        (change,) = [each for each in recording.moments if isinstance(each, LevelMoment)]
        assert change.rows == (("7", "BUY", 4100, 3_000_000), ("8", "SELL", 5900, 3_000_000))
    found = check_data(path)
    assert (found.fidelity, found.markets, found.layout) == ("l2", 1, "recording (2 book, 1 level, 1 trade)")
    path.write_text(FLAT + "a-b,9,price_change,0.41,bid,3,h3,1750361009000\n")
    assert "more than two tokens" in check_data(path).problem
    path.write_text(FLAT + "a-b,7,price_change,0.41,sideways,3,h3,1750361009000\n")
    assert "a row cannot be read" in check_data(path).problem


def test_files_are_read_from_their_folders_alone(tmp_path: Path) -> None:
    inside, outside = tmp_path / "data", tmp_path / "secret"
    inside.mkdir()
    outside.mkdir()
    (inside / "mine.csv").write_text("")
    (outside / "theirs.csv").write_text("")
    (inside / "link.csv").symlink_to(outside / "theirs.csv")
    assert allowed_file("mine.csv", [inside]) == (inside / "mine.csv").resolve()
    assert allowed_file(str(inside / "mine.csv"), [tmp_path / "none", inside]) == (inside / "mine.csv").resolve()
    for path in ("link.csv", "../secret/theirs.csv", str(outside / "theirs.csv"), "none.csv", "/etc/passwd"):
        with pytest.raises(InputRejected, match=str(inside)) as refused:
            allowed_file(path, [inside])
        assert refused.value.code == "file_not_allowed"


@pytest.mark.parametrize(
    ("name", "markets", "used", "fidelity"),
    [
        ("history/dirty_2023_daily_amm.csv.gz", 41, 3805, "bars"),
        ("history/politics_12h_2024_2026", 48, 21146, "bars"),
        ("history/world_cup_2026", 96, 1586, "bars"),
        ("history/israel_pm_negrisk_hourly_2026-06.csv.gz", 18, 3024, "bars"),
        ("history/geopolitics_hourly_2026-02_03", 18, 11250, "bars"),
        ("l2/mlb_2025_ws_flattened", 3, 7407, "l2"),
    ],
)
def test_recorded_histories_can_be_used(shared_data: Path, name: str, markets: int, used: int, fidelity: str) -> None:
    found = check_data(shared_data / name)
    assert (found.problem, found.markets, found.used, found.fidelity) == ("", markets, used, fidelity)


@pytest.mark.parametrize(
    "name",
    [
        "history/btcusd_chainlink_1hz_2026-07-24.csv.gz",
        "history/crypto_short_horizon_price_vs_outcome_2026-06.csv.gz",
        "history/esports_cs2_pregame_price_vs_outcome_2025_2026.csv.gz",
        "history/favourite_entry_price_vs_outcome_2023_2025.csv.gz",
        "history/resolved_markets_2022_2026_metadata.csv.gz",
    ],
)
def test_tables_that_are_no_histories_are_refused_by_what_they_lack(shared_data: Path, name: str) -> None:
    assert "no column is known as" in check_data(shared_data / name).problem


def test_what_the_recorder_did_not_see_is_told_with_its_reason(tmp_path: Path) -> None:
    began = int(START.timestamp() * 1000)

    def book(group: int, minute: int) -> list[Row]:
        at_ms = began + minute * 60_000
        head = Row("book", group, at_ms, at_ms, "0xa", "7")
        return [head, head._replace(side="BUY", price=4000, size=10), head._replace(side="SELL", price=4200, size=10)]

    def gap(group: int, minute: int, why: str) -> Row:
        at_ms = began + minute * 60_000
        return Row("gap", group, at_ms, at_ms, "0xa", text=why)

    rows = [gap(1, 0, "recording began"), *book(2, 0), *book(3, 1), gap(4, 2, "reconnected"), *book(5, 40)]
    rows += [*book(6, 41), *book(7, 42), gap(8, 43, "the disk was too slow"), gap(9, 44, "reconnected")]
    with PartWriter(tmp_path, Rotation()) as writer:
        writer.write(rows, START)
    found = check_data(tmp_path)
    # The stretch without rows from 1 to 40 is the recorder's own; nothing follows what it missed last.
    (told,) = found.gaps
    assert told.told == "reconnected"
    assert (told.since, told.until) == (START + timedelta(minutes=2), START + timedelta(minutes=40))
    assert "reconnected" in check_as_text(found)
    assert check_as_json(found)["gaps"][0]["told"] == "reconnected"
