"""The public tape, in the toolset that is off by default."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import SystemClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from tests.support.exchanges import live_urls, somebody_buys

if TYPE_CHECKING:
    from tests.handlers.conftest import Agent, OpenAgent

NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"


@pytest.fixture
async def exchange() -> AsyncIterator[ExchangeServer]:
    """An exchange that settles at once, so that a trade is on the tape when its order was answered."""
    settings = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)
    async with ExchangeServer(Exchange(load_catalogue(), settings, SystemClock())) as server:
        yield server


async def test_the_tape_shows_what_takers_did_newest_first_and_pages(
    exchange: ExchangeServer, open_agent: OpenAgent, tmp_path: Path
) -> None:
    for outcome, dollars in ((0, "5"), (1, "1"), (0, "7")):
        await somebody_buys(exchange, NO_CHANGE, outcome=outcome, dollars=dollars)
    async with open_agent(tmp_path, mode="live", toolsets=("all",), **live_urls(exchange)) as agent:
        answer = await agent.call("get_market_trades", market_id=NO_CHANGE)
        assert [(line["outcome"], line["side"]) for line in answer["trades"]] == [
            ("Yes", "BUY"),
            ("No", "BUY"),
            ("Yes", "BUY"),
        ]
        assert [line["dollars"] for line in answer["trades"]] == [7, 1, 5]
        assert answer["bought"].keys() == {"Yes", "No"}
        assert answer["sold"] == {}
        first = await agent.call("get_market_trades", market_id=NO_CHANGE, limit=2)
        rest = await agent.call("get_market_trades", market_id=NO_CHANGE, limit=2, cursor=first["next_cursor"])
        assert [*first["trades"], *rest["trades"]] == answer["trades"]
        assert "next_cursor" not in rest
        later = await agent.call("get_market_trades", market_id=NO_CHANGE, since="2099-01-01T00:00:00Z")
        assert later["trades"] == []


async def test_the_default_toolsets_do_not_offer_it_and_status_says_how_to_get_it(agent: Agent) -> None:
    names = {tool.name for tool in (await agent.client.list_tools()).tools}
    assert "polymarket_get_market_trades" not in names
    status = await agent.call("get_status")
    assert status["toolsets_off"] == ["advanced", "charts", "risk", "strategies"]
    assert status["turn_on"].endswith("POLYMARKET_TOOLSETS=all")


async def test_all_toolsets_leave_nothing_to_turn_on(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, toolsets=("all",)) as agent:
        status = await agent.call("get_status")
        assert "toolsets_off" not in status
        assert "turn_on" not in status


async def test_a_market_nobody_traded_has_an_empty_tape(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, toolsets=("default", "advanced")) as agent:
        answer = await agent.call("get_market_trades", market_id=NO_CHANGE)
        assert answer["trades"] == []
        assert "No settled trade" in answer["note"]
        assert answer["recorded_on"]
        error = await agent.refused("get_market_trades", market_id="no-such-market")
        assert error["code"] == "unknown_market"
