"""Strategies as an agent meets them: listed, let loose inside bounds, followed, stopped, carried on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.handlers.conftest import OpenAgent

BTC = "btc-updown-15m-1790592300"
ALL = {"toolsets": ("all",)}


async def until(agent: Any, run_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    for _ in range(300):
        (run,) = (await agent.call("get_runs", run_id=run_id))["runs"]
        if holds(run):
            return dict(run)
        await asyncio.sleep(0.05)
    raise AssertionError(f"did not come true: {run}")


async def begun(agent: Any, strategy: str = "market_maker", **changes: Any) -> dict[str, Any]:
    today = datetime.fromisoformat((await agent.call("get_status"))["as_of"])
    arguments: dict[str, Any] = {
        "strategy": strategy,
        "markets": [BTC],
        "max_loss_usd": 20,
        "max_exposure_usd": 60,
        "until": (today + timedelta(hours=2)).isoformat(),
        "every_s": 1,
    }
    return dict(await agent.call("run_strategy", **(arguments | changes)))


async def test_strategies_say_what_they_do_need_and_can_be_set_to(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, **ALL) as agent:
        listed = (await agent.call("list_strategies"))["strategies"]
        assert {"arbitrage", "market_maker", "momentum", "news_sentiment", "ensemble"} <= {
            each["name"] for each in listed
        }
        assert all(each["summary"] and each["needs"] and each["from_package"] for each in listed)
        (maker,) = (await agent.call("list_strategies", name="market_maker"))["strategies"]
        half = next(each for each in maker["parameters"] if each["name"] == "half_spread")
        assert half["low"] < half["default"] < half["high"]
        assert half["adjusts_itself"] is True
        assert (await agent.refused("list_strategies", name="astrology"))["code"] == "unknown_strategy"


async def test_a_maker_quotes_until_it_is_stopped_and_leaves_nothing_behind(
    open_agent: OpenAgent, tmp_path: Path
) -> None:
    async with open_agent(tmp_path, **ALL) as agent:
        started = await begun(agent, params={"size": 10, "half_spread": 0.005, "hours_to_end": 0})
        assert (started["status"], started["already_started"]) == ("running", False)
        again = await begun(agent, params={"size": 10, "half_spread": 0.005, "hours_to_end": 0})
        run_id = started["run_id"]
        assert (again["run_id"], again["already_started"]) == (run_id, True)
        run = await until(agent, run_id, lambda run: run["strategy"]["looks"] >= 2)
        print(run)
        resting = (await agent.call("get_orders", status="open"))["orders"]
        assert {each["attempt_id"] for each in resting} <= set(run["attempt_ids"])
        assert resting
        stopped = await agent.call("stop_strategy", run_id=run_id)
        assert (stopped["run"]["status"], stopped["run"]["cause"]) == ("stopped", "it was stopped by a call")
        assert (await agent.call("get_orders", status="open"))["orders"] == []
        assert stopped["run"]["strategy"]["profit"]["doing_nothing"] == 0
