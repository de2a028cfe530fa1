"""Sweeps over worker processes: the same for any number of them, with what failed and what was stopped told."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.errors import ConfigurationError
from polydesk.gpu.executors.inline import InlineExecutor
from polydesk.server.backtest import BacktestPlan
from polydesk.server.backtest_sweep import BACKTESTS, run_sweep
from polydesk.server.backtest_sweep_summary import sweep_as_json, sweep_as_text
from polydesk.server.cli import main

START = datetime(2031, 5, 1, tzinfo=UTC)
D = Decimal


@pytest.fixture
def drifting(tmp_path: Path) -> Path:
    """Log-odds that rise by the same small step every hour for six days."""
    rng = random.Random(1)
    lines = ["t,market_id,question,price,yes_won"]
    for hour in range(150):
        price = 1 / (1 + math.exp(-(-1.0 + 0.0105 * hour + rng.gauss(0, 0.005))))
        lines.append(f"{int((START + timedelta(hours=hour)).timestamp())},m,Will it rise?,{price:.3f},1")
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(lines))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["backtest", "--strategy", "momentum", "--half-spread", "0.005", "--json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.takeover
def test_the_number_of_processes_changes_nothing(
    drifting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "inline")
    told = ("--data", str(drifting), "--sweep", "window_hours=6", "--sweep", "largest_order_usd=2,50")
    alone = run(capsys, *told)
    monkeypatch.setenv("POLYMARKET_COMPUTE", "cpu")
    together = run(capsys, *told, "--workers", "2", "--report", str(tmp_path / "report"))
    assert alone == together
    assert json.loads((tmp_path / "report" / "report.json").read_text()) == together
    assert "Dollars by set" in (tmp_path / "report" / "report.html").read_text()
    assert together["fixed"]["least_windows"] > 0 and "window_hours" not in together["fixed"]
    assert (alone["tried"], alone["failed"], alone["stopped"]) == (2, 0, False)
    profits = {tuple(each["parameters"].values()): each["profit"] for each in alone["runs"]}
    assert profits[6, 50] > profits[6, 2]
    assert alone["best_profit"] == max(profits.values())


async def test_walk_forward_counts_only_what_came_after_the_choice(drifting: Path) -> None:
    async with InlineExecutor([BACKTESTS]) as executor:
        plan = BacktestPlan(strategy="momentum", data=drifting)
        choices = {"window_hours": [D(2), D(6)], "least_windows": [D(10)]}
        result = await run_sweep(plan, choices, executor, folds=2, at_once=2)
    told = sweep_as_json(result)
    assert [each["window"] for each in told["runs"]] == [0, 0, 1, 1, 2, 2]
    assert (told["best"], len(told["folds"])) == (None, 2)
    assert told["out_of_sample_profit"] == sum(each["profit_after"] for each in told["folds"])
    assert "Out of sample: " in sweep_as_text(result)


async def test_rows_at_hand_are_no_data_of_a_sweep() -> None:
    rows = [{"t": 1_950_000_000 + 3600 * hour, "market_id": "m", "price": 0.4} for hour in range(3)]
    async with InlineExecutor([BACKTESTS]) as executor:
        with pytest.raises(ConfigurationError, match="write these rows to one"):
            await run_sweep(BacktestPlan(strategy="momentum", data=rows), {"significance": [D(2)]}, executor, at_once=1)


async def test_a_sweep_may_be_stopped_and_tells_what_failed(drifting: Path) -> None:
    async with InlineExecutor([BACKTESTS]) as executor:
        plan = BacktestPlan(strategy="momentum", data=drifting)
        seen: list[float] = []
        choices = {"significance": [D(2), D(-5), D(3), D(4)]}
        result = await run_sweep(plan, choices, executor, at_once=1, progress=seen.append, stop=lambda: len(seen) >= 2)
    assert result.stopped and len(result.runs) < 4
    assert "significance" in result.runs[1].problem
    text = sweep_as_text(result)
    assert "failed" in text and "It was stopped" in text
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--walk-forward", "2"), "give some with --sweep"),
        (("--sweep", "significance"), "nothing to try"),
        (("--sweep", "significance=2", "--workers", "0"), "1 or more workers"),
        (("--sweep", "significance=2", "--capacity"), "no --capacity"),
        (("--sweep", "significance=2,x"), "not a parameter"),
    ],
)
def test_what_cannot_be_swept_is_refused(
    drifting: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert main(["backtest", "--strategy", "momentum", "--data", str(drifting), *arguments]) == 2
    assert message in capsys.readouterr().err
