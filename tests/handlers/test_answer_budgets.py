"""Every answer stays within what a model should have to read: 1,200 tokens concise, 4,000 full."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.handlers.conftest import Agent, OpenAgent

NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
EVENT = "fed-decision-in-june-825"
CONCISE, FULL = 1200, 4000
NEWS = [
    {"title": "Федеральная резервная система взвешивает ставки " * 9, "source": "A newspaper", "stance": "neutral"}
] * 20


async def tokens(agent: Agent, tool: str, **arguments: Any) -> float:
    answered = await agent.try_call(tool, **arguments)
    assert not answered.failed, answered.data
    return len(answered.text.encode()) / 4


async def test_reading_the_largest_recorded_event_fits(agent: Agent) -> None:
    slugs = [each["market"] for each in (await agent.call("get_market", event=EVENT))["markets"]]
    assert len(slugs) == 5
    many = (slugs * 4)[:20]
    assert await tokens(agent, "search_markets", query="fed", limit=10) <= CONCISE
    assert await tokens(agent, "search_markets", limit=10) <= CONCISE
    assert await tokens(agent, "get_market", event=EVENT) <= CONCISE
    assert await tokens(agent, "get_market", markets=many) <= CONCISE
    assert await tokens(agent, "get_market", markets=many, detail="full") <= FULL
    assert await tokens(agent, "get_order_book", market_id=NO_CHANGE, outcome="Yes", depth=50) <= CONCISE
    assert await tokens(agent, "get_price_history", market_id=NO_CHANGE, interval="max", max_points=90) <= CONCISE
    assert await tokens(agent, "analyze_market", market_id=NO_CHANGE, news=NEWS) <= CONCISE
    assert await tokens(agent, "analyze_market", market_id=NO_CHANGE, news=NEWS, detail="full") <= FULL


async def test_much_news_about_many_markets_fits(agent: Agent) -> None:
    items = [
        {
            "title": f"Fed and Bitcoin: rates in item {index} " + "ставка " * 40,
            "source": "A newspaper " * 9,
            "id": str(index),
        }
        for index in range(90)
    ]
    refused = [{"title": "x" * 600}] * 10
    assert await tokens(agent, "match_news", items=items + refused) <= CONCISE
    assert await tokens(agent, "match_news", items=items + refused, detail="full") <= FULL


async def test_a_busy_account_fits(agent: Agent) -> None:
    slugs = [each["market"] for each in (await agent.call("get_market", event=EVENT))["markets"]]
    for slug in slugs:
        for outcome in ("Yes", "No"):
            assert await tokens(agent, "preview_order", market_id=slug, outcome=outcome, spend_usd=5) <= CONCISE
            assert await tokens(agent, "place_order", market_id=slug, outcome=outcome, spend_usd=5) <= CONCISE
        await agent.call("place_order", market_id=slug, outcome="Yes", size=5000, price=0.001, time_in_force="GTC")
    for index in range(10):
        await agent.refused("place_order", market_id=slugs[0], outcome="Yes", spend_usd=300 + index)
    assert await tokens(agent, "get_orders", limit=10) <= CONCISE
    assert await tokens(agent, "get_orders", status="filled", limit=10) <= CONCISE
    assert await tokens(agent, "get_orders", status="refused", limit=10) <= CONCISE
    assert await tokens(agent, "get_portfolio") <= CONCISE
    assert await tokens(agent, "get_portfolio", detail="full") <= FULL
    assert await tokens(agent, "get_status") <= CONCISE
    assert await tokens(agent, "cancel_orders", cancel_all=True) <= CONCISE
    assert await tokens(agent, "halt_trading", reason="x" * 300) <= CONCISE


async def test_strategies_and_many_runs_of_them_fit(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, toolsets=("all",)) as agent:
        today = datetime.fromisoformat((await agent.call("get_status"))["as_of"])
        run = {"max_loss_usd": 20, "max_exposure_usd": 60, "until": (today + timedelta(hours=9)).isoformat()}
        assert await tokens(agent, "list_strategies") <= CONCISE
        for name in ("market_maker", "ensemble", "option_ladder"):
            assert await tokens(agent, "list_strategies", name=name) <= CONCISE
        for number in range(10):
            begun = {"strategy": "market_neutral", "markets": [EVENT], "client_token": str(number)}
            assert await tokens(agent, "run_strategy", **run, **begun) <= CONCISE
        assert await tokens(agent, "get_runs") <= CONCISE
        (*_, oldest) = (await agent.call("get_runs"))["runs"]
        assert await tokens(agent, "get_runs", run_id=oldest["run_id"]) <= FULL
