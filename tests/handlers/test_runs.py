"""Sliced orders as an agent meets them: begun once, followed, stopped, and carried on by the next process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client

from tests.support.paper_desk import paper_client
from tests.support.processes import answer_of
from tests.support.real_venue import SLUG, real_venue

if TYPE_CHECKING:
    from tests.handlers.conftest import Agent, OpenAgent

NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
ALL = {"toolsets": ("all",)}
ORDER: dict[str, Any] = {"market_id": NO_CHANGE, "outcome": "Yes", "size": 30, "price": 0.985, "slices": 3}


async def until(agent: Agent, run_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    for _ in range(200):
        (run,) = (await agent.call("get_runs", run_id=run_id))["runs"]
        if holds(run):
            return dict(run)
        await asyncio.sleep(0.05)
    raise AssertionError(f"did not come true: {run}")


async def test_a_sliced_order_is_followed_to_its_end(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, **ALL) as agent:
        started = await agent.call("place_sliced_order", **ORDER, every_s=1)
        assert (started["already_started"], started["status"]) == (False, "running")
        again = await agent.call("place_sliced_order", **ORDER, every_s=1)
        assert (again["already_started"], again["run_id"]) == (True, started["run_id"])
        done = await until(agent, started["run_id"], lambda run: run["status"] != "running")
        assert (done["status"], done["cause"]) == ("done", "all of it has traded")
        order = done["sliced_order"]
        assert (order["slices_placed"], order["remaining"]) == (3, pytest.approx(0, abs=0.05))
        assert order["filled"] == pytest.approx(30, abs=0.05)
        assert order["average_price"] == pytest.approx(0.981, abs=0.002)
        orders = (await agent.call("get_orders", market_id=NO_CHANGE))["orders"]
        assert {each["attempt_id"] for each in orders} == set(done["attempt_ids"])
        (listed,) = (await agent.call("get_runs"))["runs"]
        assert listed["run_id"] == started["run_id"]


async def test_a_run_is_stopped_by_a_call_and_by_a_halt(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, **ALL) as agent:
        first = await agent.call("place_sliced_order", **ORDER, every_s=600)
        second = await agent.call("place_sliced_order", **ORDER, every_s=600, client_token="another")
        assert first["run_id"] != second["run_id"]
        stopped = await agent.call("stop_strategy", run_id=first["run_id"])
        assert (stopped["status"], stopped["cause"]) == ("stopped", "it was stopped by a call")
        await agent.call("halt_trading", reason="that is enough")
        ended = await until(agent, second["run_id"], lambda run: run["status"] != "running")
        assert "that is enough" in ended["cause"]
        refused = await agent.refused("place_sliced_order", **ORDER, client_token="a third")
        assert refused["code"] == "risk_halted"


async def test_a_price_nobody_offers_and_a_run_nobody_knows(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, **ALL) as agent:
        started = await agent.call("place_sliced_order", **(ORDER | {"price": 0.5}), every_s=1)
        ended = await until(agent, started["run_id"], lambda run: run["status"] != "running")
        assert (ended["status"], ended["sliced_order"]["slices_placed"]) == ("stopped", 0)
        assert "0.5 or better" in ended["cause"]
        assert (await agent.refused("stop_strategy", run_id="r_0"))["code"] == "unknown_run"
        small = await agent.refused("place_sliced_order", **(ORDER | {"size": 2}))
        assert (small["code"], small["anything_sent"]) == ("below_minimum", "no")


async def test_the_next_process_carries_a_run_on(tmp_path: Path) -> None:
    order = {"market_id": SLUG, "outcome": "Up", "size": 12, "price": 0.8, "slices": 4, "every_s": 1}
    state = tmp_path / "state"

    async def follow(client: Client, run_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while True:
                (run,) = (await answer_of(client, "get_runs", run_id=run_id))["runs"]
                if holds(run):
                    return dict(run)

    async with real_venue(tmp_path) as real:
        async with paper_client(real, state) as client:
            run_id = (await answer_of(client, "place_sliced_order", **order))["run_id"]
            await follow(client, run_id, lambda run: run["sliced_order"]["filled"] > 0)
        async with paper_client(real, state) as client:
            run = await follow(client, run_id, lambda run: run["status"] != "running")
            assert (run["status"], run["sliced_order"]["slices_placed"]) == ("done", 4), run
            assert run["sliced_order"]["filled"] == pytest.approx(12, abs=0.1)
            orders = (await answer_of(client, "get_orders"))["orders"]
            assert len(orders) == 4
