"""`polydesk evaluate forecast` reads the usual layouts of labelled prices and scores the model beside the price."""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from polydesk.core.errors import ConfigurationError
from polydesk.core.forecasting.calibration import shipped_calibration
from polydesk.core.table_files import file_hashes
from polydesk.server.cli import main
from polydesk.server.forecast_evaluation import evaluate_forecast, in_time_order, modelled, verdict
from polydesk.server.labelled_price import LabelledPrice
from polydesk.server.labelled_prices import read_labelled_prices

START = datetime(2026, 1, 1, tzinfo=UTC)


def write(path: Path, header: str, *rows: str) -> Path:
    text = "\n".join([header, *rows])
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def row(event: int, price: float, came_true: bool, **changes: object) -> LabelledPrice:
    at = START + timedelta(days=event)
    plain = LabelledPrice(
        event=str(event),
        market=str(event),
        venue="",
        category="",
        question="Will it rain?",
        at=at,
        ends_at=at + timedelta(days=1),
        decided_at=at + timedelta(days=1),
        price=price,
        came_true=came_true,
        first_is_yes=True,
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def test_a_plain_table_needs_a_price_and_an_outcome(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "price,outcome", "0.3,yes", "0.4,0", "1,yes", "0.5,", "x,no")
    assert [(each.price, each.came_true) for each in read_labelled_prices(file)] == [(0.3, True), (0.4, False)]


def test_names_in_capitals_and_moments_that_cannot_be_are_no_obstacle(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "Price,OUTCOME,At,end_date", "0.3,Yes,9e30,2026-01-02", "0.4,No,soon,9999999")
    first, second = read_labelled_prices(file)
    assert (first.at, first.ends_at) == (None, datetime(2026, 1, 2, tzinfo=UTC))
    assert second.at is None
    lines = tmp_path / "b.jsonl"
    lines.write_text('[1, 2]\n{"price": 0.3, "outcome": true}\n7\n', encoding="utf-8")
    assert len(read_labelled_prices(lines)) == 1


def test_a_bet_on_no_is_turned_around(tmp_path: Path) -> None:
    header = "market_id,category,side,entry_price,resolved_ts,won"
    file = write(tmp_path / "a.csv.gz", header, "0xab,unknown,NO,0.75,1723038710,True")
    (found,) = read_labelled_prices(file)
    assert (found.price, found.came_true, found.event) == (0.25, False, "0xab")
    assert found.decided_at == datetime.fromtimestamp(1723038710, UTC)


def test_undecided_and_decided_in_part_are_passed_over_and_other_venues_named(tmp_path: Path) -> None:
    header = "source,id,question,freeze_datetime,freeze_price,close,resolution_date,resolved_to,resolved"
    dates = "Will it rain?,2025-10-16T00:00:00+00:00,0.4,2026-01-06T12:00:00+00:00"
    file = write(
        tmp_path / "rounds.csv",
        header,
        f"polymarket,1,{dates},2025-12-08,0.0,True",
        f"manifold,2,{dates},2025-12-08,1.0,True",
        f"manifold,3,{dates},2026-08-19,0.59,False",
        f"polymarket,4,{dates},2026-08-19,0.5,True",
        f"polymarket,5,{dates},,,",
    )
    first, second = read_labelled_prices(file)
    assert (first.venue, first.came_true, first.days_ahead) == ("", False, 82.5)
    assert (second.venue, second.came_true) == ("manifold", True)
    assert first.last_moment == datetime(2025, 12, 8, tzinfo=UTC)


def test_two_teams_are_no_yes_and_no(tmp_path: Path) -> None:
    header = "condition_id,slug,game_start,priceA,priceB,A_won"
    (found,) = read_labelled_prices(write(tmp_path / "a.csv", header, "1,cs2-a-b,2026-01-04 09:00:00+00:00,0.6,0.4,1"))
    assert (found.price, found.came_true, found.first_is_yes) == (0.6, True, False)


def test_windows_of_one_time_are_one_event(tmp_path: Path) -> None:
    header = "prediction_timestamp,resolution_timestamp,market_id,question,end_date,precio_yes_mercado,outcome_real"
    times = "2026-06-24T05:30:20+00:00,2026-06-24T05:36:38+00:00"
    rows = [
        f'{times},{n},"{coin} Up or Down - June 24",2026-06-24T05:35:00,0.49,NO' for n, coin in enumerate(("A", "B"))
    ]
    found = read_labelled_prices(write(tmp_path / "a.csv", header, *rows))
    assert len({each.event for each in found}) == 1


def test_teams_of_one_competition_are_one_event_and_those_that_advance_are_not(tmp_path: Path) -> None:
    header = "ts_utc,market,team,price,bid,ask,closed,yes_won"
    file = write(
        tmp_path / "a.csv",
        header,
        "2026-06-12T11:39:29+00:00,outright,Spain,0.2,0.19,0.21,False,1",
        "2026-06-12T11:39:29+00:00,outright,Chile,0.1,0.09,0.11,False,0",
        "2026-06-12T11:39:29+00:00,advance,Spain,0.9,0.89,0.91,False,1",
        "2026-06-12T11:39:29+00:00,advance,Chile,0.5,0.49,0.51,False,0",
        "2026-07-12T11:39:29+00:00,advance,Chile,0.01,,,True,0",
    )
    found = read_labelled_prices(file)
    assert [each.event for each in found] == ["outright", "outright", "Spain", "Chile"]
    assert [each.exclusive for each in found] == [True, True, False, False]
    assert found[0].half_spread == pytest.approx(0.01)


@pytest.mark.parametrize("named", ["folder", "markets.csv.gz"])
def test_series_are_read_at_times_before_the_end(tmp_path: Path, named: str) -> None:
    header = "market_id,event_slug,question,market_end_date,lower_price,upper_price,yes_won"
    write(tmp_path / "markets.csv.gz", header, "7,btc,Between?,2026-01-02 00:00:00+00:00,1,2,1", "8,btc,Other?,,1,2,")
    prices = [f"7,0,{int((START + timedelta(hours=hour)).timestamp())},0.{hour + 10}" for hour in range(24)]
    write(tmp_path / "prices.csv", "market_id,token_index,t,price", *prices, "7,1,1767225600,0.9", "8,0,1767225600,0.9")
    found = read_labelled_prices(tmp_path if named == "folder" else tmp_path / named)
    # 12, 6, 3 and 1 hours before the last price, which is 23 hours after the first
    assert [each.price for each in found] == [0.21, 0.27, 0.3, 0.32]
    assert all(each.exclusive and each.event == "btc" and each.came_true for each in found)


def test_parquet_and_the_venues_own_histories_are_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra data is not installed")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"price": [0.3], "outcome": [True]}), tmp_path / "a.parquet")
    assert [each.came_true for each in read_labelled_prices(tmp_path / "a.parquet")] == [True]
    history = [{"t": int((START + timedelta(hours=12 * n)).timestamp()), "p": 0.2} for n in range(20)]
    ended = [*history, {"t": int((START + timedelta(days=10)).timestamp()), "p": 0.9995}]
    lines = [
        {"market_id": "1", "token_id": "a", "history": ended},
        {"market_id": "1", "token_id": "b", "history": ended},
        {"market_id": "2", "token_id": "c", "history": history},
    ]
    file = tmp_path / "histories.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in lines), encoding="utf-8")
    found = read_labelled_prices(file)
    assert {(each.market, each.came_true, each.price) for each in found} == {("1", True, 0.2)}


@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", "question,tags\nx,y"), ("a.json", "{"), ("a.csv", ""), ("missing.csv", None)]
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=name):
        read_labelled_prices(tmp_path / name)


def _rows(count: int, price: float, share: float) -> Sequence[LabelledPrice]:
    return [row(number, price, number < share * count) for number in range(count)]


def test_a_model_that_knows_more_is_told_better_and_one_that_knows_less_worse() -> None:
    shipped = shipped_calibration()
    surer = dataclasses.replace(shipped, coefficients=(2.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    right = evaluate_forecast(_rows(100, 0.7, 0.85), surer, random=Random(1))
    assert right["verdict"] == "better than the market price"
    assert right["scores"]["model"]["brier"] < right["scores"]["market"]["brier"]
    assert right["brier_gain"]["low"] > 0
    wrong = evaluate_forecast(_rows(100, 0.7, 0.5), surer, random=Random(1))
    assert wrong["verdict"] == "worse than the market price"
    same = evaluate_forecast(_rows(100, 0.7, 0.7), shipped, random=Random(1))
    assert same["verdict"] == "no difference to the market price can be told"


def test_below_thirty_events_nothing_is_said() -> None:
    found = evaluate_forecast(_rows(29, 0.7, 1.0), shipped_calibration(), random=Random(1))
    assert found["verdict"].startswith("too few to say")
    assert verdict({"low": 1, "high": 2}, 29).startswith("too few")


def test_other_venues_are_told_apart() -> None:
    rows = [*_rows(40, 0.7, 0.7), *(dataclasses.replace(each, venue="manifold") for each in _rows(10, 0.2, 0.2))]
    found = evaluate_forecast(rows, shipped_calibration(), random=Random(1))
    assert found["rows"] == 40
    assert found["groups"]["manifold"]["rows"] == 10


def test_one_event_counts_once_however_many_rows_it_has() -> None:
    rows = [row(1, 0.9, True), *(row(2, 0.9, False) for _ in range(99))]
    found = evaluate_forecast(rows, shipped_calibration(), random=Random(1))
    assert (found["rows"], found["events"]) == (100, 2)
    assert found["scores"]["market"]["brier"] == pytest.approx((0.01 + 0.81) / 2)


def test_no_event_and_no_knowledge_of_later_is_in_the_earlier_part() -> None:
    slow = row(0, 0.5, True, decided_at=START + timedelta(days=300), ends_at=START + timedelta(days=300))
    rows = [*(row(number, 0.5, True) for number in range(100)), dataclasses.replace(slow, event="slow")]
    before, after = in_time_order(rows, 0.6)
    assert not {each.event for each in before} & {each.event for each in after}
    latest = max(each.decided_at for each in before if each.decided_at)
    assert all(each.at and each.at >= latest for each in after)
    assert "slow" not in {each.event for each in after}  # it was priced when the earlier ones were open


def test_rows_that_the_weights_were_fitted_on_are_recognised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "a.csv", "price,outcome,question", *(f"0.{n},yes,{n}" for n in range(10, 60)))
    assert main(["evaluate", "forecast", "--data", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["events"], found["in_sample"]) == (50, 50, False)
    shipped = shipped_calibration()
    of_file = dataclasses.replace(shipped.data[0], sha256=tuple(file_hashes(file)))
    known = evaluate_forecast(
        read_labelled_prices(file),
        dataclasses.replace(shipped, data=(of_file,)),
        random=Random(1),
        hashes=file_hashes(file),
    )
    assert known["in_sample"] is True
    assert main(["evaluate", "forecast", "--data", str(file)]) == 0
    assert "verdict: worse than the market price" in capsys.readouterr().out


@pytest.mark.takeover
def test_the_shipped_weights_are_what_the_fit_makes_of_its_data(shared_data: Path) -> None:
    from tools.fit_fair_value import SETS, fitted

    shipped = shipped_calibration()
    rows = [each for name in SETS for each in read_labelled_prices(shared_data / name) if not each.venue]
    again = fitted(rows, data=(), measured=shipped.measured)
    assert again.coefficients == pytest.approx(shipped.coefficients, abs=1e-4)
    hashes = {digest for name in SETS for digest in file_hashes(shared_data / name)}
    assert hashes == {digest for each in shipped.data for digest in each.sha256}


def test_rows_that_exclude_each_other_are_made_to_sum_to_one_at_most() -> None:
    together = [
        row(1, price, price > 0.5, market=str(price), exclusive=True, half_spread=spread)
        for price, spread in ((0.6, 0.005), (0.4, None), (0.15, None), (0.05, None))
    ]
    alone = [dataclasses.replace(each, exclusive=False) for each in together]
    plain = dataclasses.replace(shipped_calibration(), coefficients=(1.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    assert sum(modelled(plain, alone)) == pytest.approx(1.2)
    after = modelled(plain, together)
    assert sum(after) == pytest.approx(1.0, abs=0.02)
    assert all(now < before.price for now, before in zip(after, together, strict=True))


def test_all_files_of_a_folder_are_hashed(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "price,outcome", "0.3,yes")
    assert file_hashes(tmp_path) == file_hashes(file)
