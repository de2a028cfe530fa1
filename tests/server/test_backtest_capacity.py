"""How many dollars a strategy could have carried: in a planted book of known depth that is known by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.backtest.capacity import ScaledRun, capacity_of, scaled, sizes_of
from polydesk.core.strategies.registry import strategy_class
from polydesk.server import backtest_tasks
from polydesk.server.cli import main

D = Decimal
START_MS = int(datetime(2031, 3, 1, tzinfo=UTC).timestamp() * 1000)


def market(number: int, above: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "conditionId": "0x" + f"{number:02x}" * 32,
        "slug": f"above-{number}",
        "question": f"Will Bitcoin be above ${above} on March 5?",
        "description": "",
        "outcomes": ["Yes", "No"],
        "clobTokenIds": [f"{number}1", f"{number}2"],
        "outcomePrices": ["0.5", "0.5"],
        "endDate": "2031-03-05T00:00:00Z",
        "feesEnabled": False,
    }


def book(number: int, at_ms: int, *, bid: tuple[str, int], ask: tuple[str, int]) -> dict[str, Any]:
    sides = {name: [{"price": price, "size": str(size)}] for name, (price, size) in (("bids", bid), ("asks", ask))}
    return {
        "event_type": "book",
        "market": "0x" + f"{number:02x}" * 32,
        "asset_id": f"{number}1",
        "timestamp": str(at_ms),
        **sides,
    }


@pytest.fixture
def thousand_sets(tmp_path: Path) -> Path:
    """Above 100,000 implies above 90,000, yet Yes on this at 0.40 and No on that at 0.55 cost 95 cents: 1,000 times.

    It ends above both, so that of each set one outcome pays its dollar.
    """
    event = {
        "id": "9",
        "slug": "btc",
        "title": "Bitcoin on March 5",
        "markets": [market(1, "90,000"), market(2, "100,000")],
    }
    lines: list[dict[str, Any]] = [event]
    for minute in range(2):
        at_ms = START_MS + minute * 60_000
        lines.append(book(1, at_ms, bid=("0.38", 5_000), ask=("0.40", 1_000)))
        lines.append(book(2, at_ms, bid=("0.45", 1_000), ask=("0.47", 5_000)))
    for number in (1, 2):
        lines.append(
            {
                "event_type": "market_resolved",
                "market": "0x" + f"{number:02x}" * 32,
                "assets_ids": [f"{number}1", f"{number}2"],
                "winning_asset_id": f"{number}1",
                "timestamp": str(START_MS + 4 * 86_400_000),
            }
        )
    path = tmp_path / "books.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def arguments_of(path: Path) -> list[str]:
    told = ("--data", str(path), "--every", "1", "--cash", "95", "--capacity", "--json")
    return ["backtest", "--strategy", "arbitrage", *told]


def run(capsys: pytest.CaptureFixture[str], path: Path, *arguments: str) -> dict[str, Any]:
    assert main([*arguments_of(path), *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_capacity_of_a_known_book_is_what_its_depth_pays_for(
    thousand_sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "inline")
    found = run(capsys, thousand_sets, "--report", str(tmp_path / "report"))
    # 95 dollars buy 100 sets of 95 cents. There are 1,000 for 950 dollars and no more, which pay 50 dollars.
    assert [(each["scale"], each["balance"], each["profit"]) for each in found["capacity"]["curve"]] == [
        (1, 95, 5), (2, 190, 10), (4, 380, 20), (8, 760, 40), (16, 1520, 50), (32, 3040, 50), (64, 6080, 50)
    ]  # fmt: skip
    # 5.26 % a dollar, then 50 of 1,520 are 3.29 % and 50 of 3,040 are 1.64 %: less than the half, 2.63 %.
    assert (found["capacity"]["dollars"], found["capacity"]["more"]) == (1520, False)
    assert found["parameters"] == {"least_profit": 0.01, "largest_basket_usd": 100}
    assert any(each.startswith("With up to 1,520 dollars it would have earned") for each in found["conclusion"])
    page = (tmp_path / "report" / "report.html").read_text()
    assert "<h2>Capacity</h2>" in page and "1,520 dollars" in page


def test_no_capacity_is_claimed_where_nothing_was_earned_or_no_depth_recorded(
    thousand_sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "inline")
    dear = run(capsys, thousand_sets, "--params", "least_profit=0.06")
    assert dear["capacity"] == {
        "dollars": None,
        "more": False,
        "because": "the run earned nothing",
        "curve": [],
        "failed": None,
    }
    bars = tmp_path / "bars.csv"
    bars.write_text("t,market_id,price\n1950000000,m,0.4\n1950003600,m,0.6\n")
    assert main(["backtest", "--strategy", "momentum", "--data", str(bars), "--capacity"]) == 0
    text = capsys.readouterr().out
    assert "Capacity      none is told: bars tell nothing of depth" in text
    assert main(["backtest", "--strategy", "momentum", "--data", str(bars), "--capacity", "--sweep", "size=1"]) == 2


@pytest.mark.parametrize(("fails_at", "dollars"), [(380, 190), (190, None)])
def test_a_larger_run_that_fails_is_named_with_its_problem(
    thousand_sets: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fails_at: int,
    dollars: int | None,
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "inline")
    of_worker = backtest_tasks.backtest

    def failing(payload: Mapping[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
        if payload["starting_balance"] == str(fails_at):
            raise MemoryError("no room for so many orders <at once>")
        return of_worker(payload, report)

    monkeypatch.setitem(backtest_tasks.TASKS, "backtest", failing)
    found = run(capsys, thousand_sets, "--report", str(tmp_path / "report"))["capacity"]
    assert (found["dollars"], len(found["curve"])) == (dollars, fails_at // 190)
    assert (found["failed"]["scale"], found["failed"]["balance"]) == (fails_at // 95, fails_at)
    assert "no room for so many orders" in found["failed"]["problem"]
    page = (tmp_path / "report" / "report.html").read_text()
    assert f"x{fails_at // 95}, {fails_at} dollars, could not be run" in page
    assert "<at once>" not in page
    plain = [each for each in arguments_of(thousand_sets) if each != "--json"]
    assert main(plain) == 0
    text = capsys.readouterr().out
    assert f"x{fails_at // 95}, {fails_at} dollars, could not be run" in text
    assert "no room for so many orders" in text


def test_only_sizes_grow_and_only_inside_their_ranges() -> None:
    maker = strategy_class("market_maker").declaration
    assert sizes_of(maker) == ("size", "most_inventory")
    plain = maker.read_parameters({})
    larger = scaled(maker, plain, 4)
    assert larger == {**plain, "size": plain["size"] * 4, "most_inventory": plain["most_inventory"] * 4}
    assert scaled(maker, maker.read_parameters({"size": 600_000}), 2) is None


def test_a_strategy_that_never_runs_out_of_depth_could_have_carried_more_than_was_tried() -> None:
    runs = [ScaledRun(scale, D(100) * scale, D(3) * scale, D(50) * scale) for scale in (1, 2, 4)]
    assert (capacity_of(runs).dollars, capacity_of(runs).more) == (D(400), True)
    # What comes back at a larger stake is not counted: a smaller one already failed.
    lucky = [*runs[:1], ScaledRun(2, D(200), D(1), D(100)), runs[2]]
    assert (capacity_of(lucky).dollars, capacity_of(lucky).more) == (D(100), False)
