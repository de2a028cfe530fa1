"""Backtests as an agent begins them: data looked at first, run beside the desk, told when they are over."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.backtest_rows import ended, ladder, rows

if TYPE_CHECKING:
    from tests.handlers.conftest import OpenAgent


async def test_rows_are_looked_at_run_and_reported(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, toolsets=("all",)) as agent:
        looked = await agent.call("run_backtest", rows=ladder(), check_only=True)
        assert (looked["check"]["fidelity"], looked["check"]["markets"], looked["check"]["used"]) == ("bars", 2, 8)
        assert "run_id" not in looked
        started = await agent.call(
            "run_backtest", rows=ladder(), strategy="arbitrage", half_spread=0.005, capacity=True
        )
        again = await agent.call("run_backtest", rows=ladder(), strategy="arbitrage", half_spread=0.005, capacity=True)
        assert (again["run_id"], again["already_started"]) == (started["run_id"], True)
        run = await ended(agent, started["run_id"])
        assert (run["status"], run["backtest"]["done"]) == ("done", 1)
        told = run["backtest"]
        assert told["orders"] >= 2
        assert told["profit"]["total"] > 0
        assert told["profit"]["total"] == pytest.approx(
            sum(v for k, v in told["profit"].items() if k != "total"), abs=1e-3
        )
        assert told["fidelity"] == "bars"
        assert "capacity" in told["assumed"]
        assert told["capacity"] == "none is told: bars tell nothing of depth"
        page = await asyncio.to_thread(Path(told["report"]).read_text, encoding="utf-8")
        assert page.lower().startswith("<!doctype html")


async def test_files_are_read_from_the_folders_of_the_settings_alone(open_agent: OpenAgent, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    lines = ["at,market_id,question,price,end_date,yes_won"]
    lines += [",".join(str(value) for value in row.values()) for row in rows([0.4, 0.5])]
    (folder / "prices.csv").write_text("\n".join(lines).replace("$90,000", "90k"), encoding="utf-8")
    (tmp_path / "secret.csv").write_text("at,market_id,price", encoding="utf-8")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    async with open_agent(tmp_path / "state", toolsets=("all",), data_folders=(folder,)) as agent:
        assert (await agent.call("run_backtest", data="prices.csv", check_only=True))["check"]["markets"] == 1
        for path in ("../secret.csv", str(tmp_path / "secret.csv"), "link.csv", "nothing.csv"):
            refused = await agent.refused("run_backtest", data=path, check_only=True)
            assert (refused["code"], refused["anything_sent"]) == ("file_not_allowed", "no")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"strategy": "arbitrage"}, "invalid_arguments"),
        ({"rows": rows([0.5])}, "invalid_arguments"),
        ({"rows": rows([0.5]), "strategy": "astrology"}, "unknown_strategy"),
        ({"rows": rows([0.5]), "strategy": "news_sentiment"}, "data_missing"),
        ({"rows": rows([0.5]), "strategy": "arbitrage", "params": {"luck": 1}}, "invalid_parameter"),
        ({"rows": [], "strategy": "arbitrage"}, "wrong_number_of_rows"),
    ],
)
async def test_what_cannot_be_run_is_refused_at_once(
    open_agent: OpenAgent, tmp_path: Path, arguments: dict[str, Any], code: str
) -> None:
    async with open_agent(tmp_path, toolsets=("all",)) as agent:
        assert (await agent.refused("run_backtest", **arguments))["code"] == code
        assert (await agent.call("get_runs"))["runs"] == []


async def test_data_that_is_none_ends_the_run_with_its_reason(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, toolsets=("all",)) as agent:
        bad = [{"at": "yesterday", "market_id": "m", "price": 0.5}]
        started = await agent.call("run_backtest", rows=bad, strategy="arbitrage")
        run = await ended(agent, started["run_id"])
        assert run["status"] == "stopped"
        assert "yesterday" in run["cause"]


async def test_a_backtest_is_stopped_by_a_call_and_its_process_ends(open_agent: OpenAgent, tmp_path: Path) -> None:
    long = [
        {**row, "market_id": f"m{number}", "question": f"Will {number} win?"}
        for number in range(4)
        for row in rows([0.4 + 0.001 * (step % 50) for step in range(500)])
    ]
    async with open_agent(tmp_path, toolsets=("all",)) as agent:
        started = await agent.call("run_backtest", rows=long, strategy="ensemble", every_minutes=1)
        stopped = await agent.call("stop_strategy", run_id=started["run_id"])
        assert (stopped["status"], stopped["cause"]) == ("stopped", "it was stopped by a call")
        (run,) = (await agent.call("get_runs", run_id=started["run_id"]))["runs"]
        assert "conclusion" not in run["backtest"]
