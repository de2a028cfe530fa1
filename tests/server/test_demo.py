"""The demo plays to its end over real stdio, and its numbers hang together."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest


async def _demo(*options: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "polydesk.server",
        "demo",
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), timeout=90)
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


@pytest.mark.takeover
async def test_the_session_plays_to_its_end() -> None:
    code, output, errors = await _demo("--json")
    assert (code, errors) == (0, "")
    steps = [json.loads(line) for line in output.splitlines()]
    by_tool = {step["tool"].removeprefix("polymarket_"): step["answer"] for step in steps}
    assert not any(step["error"] for step in steps)
    assert by_tool["analyze_market"]["verdict"] == "no_edge"
    placed = next(step["answer"] for step in steps if step["answer"].get("status") == "filled")
    portfolio = by_tool["get_portfolio"]
    assert portfolio["positions"][0]["shares"] == placed["filled"]
    assert round(1000 - portfolio["cash"], 6) == round(placed["total"], 6)
    assert len(by_tool["cancel_orders"]["canceled"]) == 1
    runs = [run for step in steps for run in step["answer"].get("runs", ())]
    (backtest,) = (run["backtest"] for run in runs if run["kind"] == "backtest" and run["status"] == "done")
    assert backtest["profit"]["total"] > 0
    assert by_tool["stop_strategy"]["status"] == "stopped"
    tried, armed, *_ = (step["answer"] for step in steps if step["tool"] == "polymarket_manage_alerts")
    assert tried["would_have_fired"] >= 0
    told = next(step["answer"]["alerts"] for step in steps if step["answer"].get("alerts"))
    assert armed["rules"][0]["rule_id"] in {alert["rule_id"] for alert in told}


@pytest.mark.takeover  # the same session in other clothes
async def test_people_get_words_and_tables() -> None:
    code, output, _ = await _demo()
    assert code == 0
    assert "Will there be no change in Fed interest rates" in output
    assert "already_placed is True" in output
    assert output.rstrip().endswith("Every number came from a tool.")
