"""Strategies as an agent meets them: listed, let loose inside bounds, followed, stopped, carried on."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

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
    arguments = await arguments_for(agent, strategy)
    return dict(await agent.call("run_strategy", **(arguments | {"every_s": 1} | changes)))


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
        resting = (await agent.call("get_orders", status="open"))["orders"]
        assert {each["attempt_id"] for each in resting} <= set(run["attempt_ids"])
        assert resting
        stopped = await agent.call("stop_strategy", run_id=run_id)
        assert (stopped["status"], stopped["cause"]) == ("stopped", "it was stopped by a call")
        assert (await agent.call("get_orders", status="open"))["orders"] == []


async def test_a_run_stays_inside_what_it_was_given(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, **ALL) as agent:
        # Two quotes of 40 shares at about 0.65 and 0.35 are 40 dollars: the second does not fit into 30.
        started = await begun(
            agent, max_exposure_usd=30, max_loss_usd=20, params={"size": 40, "half_spread": 0.005, "hours_to_end": 0}
        )
        await until(agent, started["run_id"], lambda run: run["strategy"]["looks"] >= 3)
        resting = (await agent.call("get_orders", status="open"))["orders"]
        assert 0 < sum(each["shares"] * each["limit_price"] for each in resting) <= 30


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"strategy": "astrology"}, "unknown_strategy"),
        ({"params": {"luck": 1}}, "invalid_parameter"),
        ({"params": {"half_spread": 5}}, "invalid_parameter"),
        ({"max_loss_usd": 100}, "invalid_bounds"),
        ({"until": "2026-05-01T00:00:00Z"}, "invalid_until"),
        ({"until": "2027-05-01T00:00:00Z"}, "invalid_until"),
        ({"markets": ["nobody-asks-this"]}, "unknown_market"),
    ],
)
async def test_a_run_that_makes_no_sense_does_not_begin(
    open_agent: OpenAgent, tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    async with open_agent(tmp_path, **ALL) as agent:
        arguments: dict[str, Any] = {
            "strategy": "market_maker",
            "markets": [BTC],
            "max_loss_usd": 20,
            "max_exposure_usd": 60,
            "until": "2026-05-18T00:00:00Z",
        }
        refused = await agent.refused("run_strategy", **(arguments | changes))
        assert (refused["code"], refused["anything_sent"]) == (code, "no")
        assert (await agent.call("get_runs"))["runs"] == []


async def test_what_a_strategy_cannot_have_is_said_before_it_begins(
    open_agent: OpenAgent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_agent(tmp_path, **ALL) as agent:
        strategies = (await agent.application.desk()).strategies
        around = strategies.surround
        monkeypatch.setattr(strategies, "surround", lambda *given: dataclasses.replace(around(*given), reference=None))
        (options,) = (await agent.call("list_strategies", name="option_ladder"))["strategies"]
        assert "reference_prices" in options["cannot_run"]
        refused = await agent.refused("run_strategy", **(await arguments_for(agent, "option_ladder")))
        assert "needs the prices of what its markets are about" in refused["message"]


async def test_a_halt_ends_every_strategy_and_takes_its_quotes_back(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, **ALL) as agent:
        started = await begun(agent, params={"size": 10, "half_spread": 0.005, "hours_to_end": 0})
        await until(agent, started["run_id"], lambda run: run["strategy"]["looks"] >= 2)
        await agent.call("halt_trading", reason="that is enough")
        ended = await until(agent, started["run_id"], lambda run: run["status"] != "running")
        assert "that is enough" in ended["cause"]
        assert (await agent.call("get_orders", status="open"))["orders"] == []
        refused = await agent.refused("run_strategy", **(await arguments_for(agent, "arbitrage")))
        assert refused["code"] == "risk_halted"


async def arguments_for(agent: Any, strategy: str) -> dict[str, Any]:
    today = datetime.fromisoformat((await agent.call("get_status"))["as_of"])
    return {
        "strategy": strategy,
        "markets": [BTC],
        "max_loss_usd": 20,
        "max_exposure_usd": 60,
        "until": (today + timedelta(hours=2)).replace(minute=0, second=0).isoformat(),
    }
