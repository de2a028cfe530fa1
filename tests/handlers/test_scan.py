"""A scan names places to look and why, a page at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.small_models import inference_model

if TYPE_CHECKING:
    from tests.handlers.conftest import Agent, OpenAgent


async def test_a_scan_says_why_and_what_it_took(agent: Agent) -> None:
    answer = await agent.call("scan_markets", min_volume_usd=0)
    assert answer["found"] == {"new": 3}
    assert answer["complete"] is True
    assert answer["markets_scanned"] == 8
    assert answer["requests"] == 1
    assert answer["hits"][0]["screen"] == "new"
    assert answer["hits"][0]["why"].startswith("opened")
    assert (await agent.call("analyze_market", market_id=answer["hits"][0]["market"]))["verdict"] == "no_edge"


async def test_pages_follow_each_other(agent: Agent) -> None:
    first = await agent.call("scan_markets", min_volume_usd=0, limit=2)
    second = await agent.call("scan_markets", min_volume_usd=0, limit=2, cursor=first["next_cursor"])
    assert [len(each["hits"]) for each in (first, second)] == [2, 1]
    assert "next_cursor" not in second
    assert not {each["market"] for each in first["hits"]} & {each["market"] for each in second["hits"]}


async def test_a_cursor_of_another_scan_is_refused(agent: Agent) -> None:
    await agent.call("scan_markets", min_volume_usd=0)
    error = await agent.refused("scan_markets", min_volume_usd=1, cursor="2")
    assert error["code"] == "cursor_expired"
    assert (await agent.refused("scan_markets", screens=["cheap"]))["code"] == "invalid_arguments"


async def test_a_scan_tells_how_far_it_is(agent: Agent) -> None:
    told: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)

    await agent.client.call_tool("polymarket_scan_markets", {}, progress_callback=hear)
    assert told[-1] == 1.0


async def test_an_answer_stays_small(agent: Agent) -> None:
    answered = await agent.try_call("scan_markets", min_volume_usd=0, limit=10)
    assert len(json.dumps(answered.data).encode()) / 4 < 1200


async def test_news_that_nobody_can_judge_finds_nothing_and_costs_no_requests(agent: Agent) -> None:
    await agent.call(
        "match_news", items=[{"title": "Fed officials signal no rush to cut rates in June"}], signals=False
    )
    answer = await agent.call("scan_markets", screens=["news_edge"], min_volume_usd=0)
    assert (answer["hits"], answer["requests"]) == ([], 1)


async def test_kept_news_that_moves_a_value_beyond_its_costs_is_found(open_agent: OpenAgent, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra nlp is not installed")
    folder = inference_model(tmp_path / "nli")
    card = json.loads((folder / "card.json").read_text())
    card["measured"] = {"stance": {"direction": 0.95, "pairs": 50, "on": "a test's own pairs"}}
    (folder / "card.json").write_text(json.dumps(card))
    async with open_agent(tmp_path / "state", nli_model=str(folder), sentiment_model="lexicon") as agent:
        await agent.call(
            "match_news", items=[{"title": "Fed fails on rates in June", "source": "Reuters"}], signals=False
        )
        answer = await agent.call("scan_markets", screens=["news_edge"], min_volume_usd=0)
    assert answer["found"].get("news_edge", 0) > 0
    hit = answer["hits"][0]
    assert "1 item of news" in hit["why"]
    assert answer["requests"] > 1
