"""Past windows like the latest one, as an agent asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.handlers.conftest import OpenAgent

NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
FED = "fed-decision-in-june-825"


async def test_patterns_are_found_over_several_markets_with_a_base_rate(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, toolsets=("all",)) as agent:
        siblings = [each["market"] for each in (await agent.call("get_market", event=FED))["markets"]]
        answer = await agent.call(
            "find_patterns",
            market_id=siblings[0],
            outcome="Yes",
            bars=48,
            bar_minutes=60,
            horizon_bars=4,
            markets=[*siblings, "no-such-market-at-all"],
            matches=10,
        )
        assert answer["not_read"] == ["no-such-market-at-all"]
        assert answer["flat"] is False
        assert answer["base_rate"]["windows"] > 50
        assert 1 <= answer["after_matches"]["windows"] <= 10
        assert 0 < answer["p_value"] <= 1
        assert all(match["ended"] < answer["window_began"] for match in answer["best_matches"])
        assert {match["market"] for match in answer["best_matches"]} <= set(siblings)
        assert "seed" in answer["method"] and "numpy" in answer["method"]
        by_words = await agent.call("find_patterns", market_id=siblings[0], bars=48, search="fed", horizon_bars=4)
        assert by_words["base_rate"]["windows"] >= answer["base_rate"]["windows"]
        still = await agent.call("find_patterns", market_id=NO_CHANGE, bars=8)
        assert still["flat"] is True and "hardly moved" in still["reading"]


async def test_more_bars_than_there_are_and_strange_markets_are_refused(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, toolsets=("risk",)) as agent:
        refused = await agent.refused("find_patterns", market_id=NO_CHANGE, bars=500, bar_minutes=1440)
        assert refused["code"] == "not_enough_history"
        assert (await agent.refused("find_patterns", market_id="nothing"))["code"] == "unknown_market"
        assert (await agent.refused("find_patterns", market_id=NO_CHANGE, bars=1))["code"] == "invalid_arguments"
