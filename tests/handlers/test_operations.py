"""Status, portfolio pages and the desk without a venue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.errors import (
    CircuitOpen,
    ConfigurationError,
    InputRejected,
    OrderError,
    OutcomeUnknown,
    PolymarketAPIError,
    RateLimitError,
    UnexpectedPayload,
    VenueUnavailable,
)
from polydesk.handlers.failures import failure_of

if TYPE_CHECKING:
    from tests.handlers.conftest import Agent, OpenAgent

KEY = "0x" + "5" * 64
NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"


async def test_status_names_the_money_the_limits_and_the_engine(agent: Agent) -> None:
    status = await agent.call("get_status")
    assert list(status)[:2] == ["mode", "account"]
    assert status["mode"] == "sandbox"
    assert "not current prices" in status["warning"]
    assert status["venue"] == "answers"
    assert status["limits"]["max_order_usd"] == 250
    assert status["compute"] == {"backend": "inline", "running": 0, "queued": 0}


async def test_status_tells_how_fast_and_sound_the_desk_has_been(agent: Agent) -> None:
    fresh = (await agent.call("get_status"))["figures"]
    assert (fresh["tool_calls"], "error_share" in fresh, "order_p95_ms" in fresh) == (0, False, False)
    await agent.call("get_order_book", market_id=NO_CHANGE)
    await agent.call("place_order", market_id=NO_CHANGE, outcome="Yes", size=10)
    await agent.refused("get_order_book", market_id="no-such-market")
    figures = (await agent.call("get_status"))["figures"]
    assert (figures["tool_calls"], figures["error_share"]) == (4, 0.25)
    assert figures["tool_p95_ms"] > 0
    assert figures["venue_p95_ms"] > 0  # of calls in the background too, which no tool waits for
    assert set(figures["order_p95_ms"]) == {"planning", "signing and journal", "at the venue"}
    assert figures["books"] >= figures["books_stale"] >= 0


async def test_status_in_full_names_what_computed(agent: Agent) -> None:
    await agent.call("analyze_market", market_id=NO_CHANGE)
    simulation, text = (await agent.call("get_status", detail="full"))["compute"]["kinds"]
    assert (text["kind"], "engine" in text) == ("text", False)
    assert (simulation["kind"], simulation["workers"], simulation["device"]) == ("simulation", 1, "cpu")
    assert simulation["engine"].startswith("numpy ")


async def test_every_answer_about_money_begins_with_the_mode(agent: Agent) -> None:
    calls: dict[str, dict[str, Any]] = {
        "get_status": {},
        "get_portfolio": {},
        "get_orders": {},
        "preview_order": {"market_id": NO_CHANGE, "outcome": "Yes", "size": 10},
        "place_order": {"market_id": NO_CHANGE, "outcome": "Yes", "size": 10},
        "cancel_orders": {"cancel_all": True},
        "analyze_market": {"market_id": NO_CHANGE},
        "halt_trading": {"reason": "test"},
    }
    for tool, arguments in calls.items():
        answer = await agent.call(tool, **arguments)
        assert list(answer)[:2] == ["mode", "account"], tool


async def test_live_without_a_wallet_reads_but_does_not_trade(open_agent: OpenAgent, tmp_path: Path) -> None:
    urls = dict.fromkeys(("api_url", "gamma_url", "data_url"), "http://127.0.0.1:9") | {"ws_url": "ws://127.0.0.1:9"}
    async with open_agent(tmp_path, mode="live", max_retries=0, **urls) as agent:
        status = await agent.call("get_status")
        assert status["trading"] == "no wallet configured"
        assert status["venue"] == "does not answer"
        error = await agent.refused("place_order", market_id=NO_CHANGE, outcome="Yes", size=10)
        assert error["code"] == "configuration"


async def test_an_unreachable_exchange_is_a_tool_error_and_the_server_lives_on(
    open_agent: OpenAgent, tmp_path: Path
) -> None:
    urls = dict.fromkeys(("api_url", "gamma_url", "data_url"), "http://127.0.0.1:9") | {"ws_url": "ws://127.0.0.1:9"}
    async with open_agent(tmp_path, mode="live", max_retries=0, private_key=KEY, **urls) as agent:
        remembered = await agent.call("get_orders")
        assert remembered["orders"] == []
        assert remembered["venue_problem"]
        calls: dict[str, dict[str, Any]] = {
            "search_markets": {"query": "fed"},
            "get_portfolio": {},
            "place_order": {"market_id": NO_CHANGE, "outcome": "Yes", "size": 10},
        }
        for tool, arguments in calls.items():
            error = await agent.refused(tool, **arguments)
            assert error["code"] == "venue_unavailable"
            assert error["anything_sent"] == "no"
        assert (await agent.call("get_status"))["mode"] == "live"


async def test_live_needs_limits_that_a_person_chose(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, mode="live", private_key=KEY, max_day_usd=None, max_exposure_usd=None) as agent:
        error = await agent.refused("get_status")
        assert error["code"] == "configuration"
        assert "POLYMARKET_MAX_DAY_USD, POLYMARKET_MAX_EXPOSURE_USD" in error["message"]


async def test_live_elsewhere_is_never_spoken_to_in_the_clear(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, mode="live", private_key=KEY, api_url="http://venue.invalid") as agent:
        error = await agent.refused("get_status")
        assert error["code"] == "configuration"
        assert "http://venue.invalid is not encrypted" in error["message"]


async def test_live_elsewhere_that_does_not_answer_is_told_and_nothing_is_sent(
    open_agent: OpenAgent, tmp_path: Path
) -> None:
    urls = dict.fromkeys(("api_url", "gamma_url", "data_url"), "https://venue.invalid")
    live = {"mode": "live", "private_key": KEY, "max_retries": 0, "timeout": 1, "ws_url": "wss://venue.invalid/ws"}
    async with open_agent(tmp_path, **live, **urls) as agent:
        status = await agent.call("get_status")
        assert (status["mode"], status["venue"]) == ("live", "does not answer")
        error = await agent.refused("place_order", market_id=NO_CHANGE, outcome="Yes", size=10)
        assert (error["code"], error["anything_sent"]) == ("venue_unavailable", "no")


async def test_a_read_only_server_offers_nothing_that_changes_anything(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, read_only=True) as agent:
        tools = (await agent.client.list_tools()).tools
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        assert "polymarket_place_order" not in {tool.name for tool in tools}
        assert (await agent.call("get_status"))["trading"] == "read-only"


async def test_toolsets_that_are_off_are_named_with_the_way_to_turn_them_on(
    open_agent: OpenAgent, tmp_path: Path
) -> None:
    async with open_agent(tmp_path, toolsets=("markets", "operations")) as agent:
        names = {tool.name for tool in (await agent.client.list_tools()).tools}
        assert names == {
            "polymarket_search_markets",
            "polymarket_get_market",
            "polymarket_get_order_book",
            "polymarket_get_price_history",
            "polymarket_get_status",
            "polymarket_manage_alerts",
            "polymarket_diagnose_account",
        }
        status = await agent.call("get_status")
        off = ["advanced", "charts", "portfolio", "research", "risk", "strategies", "trading"]
        assert status["toolsets_off"] == off
        assert "POLYMARKET_TOOLSETS" in status["turn_on"]


@pytest.mark.parametrize("arguments", [{"cursor": "x"}, {"detail": "everything"}])
async def test_a_portfolio_page_that_does_not_exist_is_refused(agent: Agent, arguments: dict[str, Any]) -> None:
    assert (await agent.refused("get_portfolio", **arguments))["anything_sent"] == "no"


@pytest.mark.parametrize(
    ("error", "code", "sent", "retry"),
    [
        (InputRejected("x", code="c", fix="f"), "c", "no", "never"),
        (OrderError("x", code="tick"), "tick", "no", "never"),
        (OrderError("x", restriction="post_only", retry_after_s=79), "rejected", "no", "after_79"),
        (RateLimitError("x", retry_after_s=3), "rate_limited", "no", "after_3"),
        (VenueUnavailable("x"), "venue_unavailable", "no", "after_5"),
        (CircuitOpen("x", retry_after_s=12), "venue_unavailable", "no", "after_12"),
        (OutcomeUnknown("x"), "outcome_unknown", "unknown", "never"),
        (ConfigurationError("x"), "configuration", "no", "never"),
        (UnexpectedPayload("x", path="bids.0", anything_sent="unknown"), "unexpected_payload", "unknown", "never"),
        (PolymarketAPIError("x"), "failed", "no", "never"),
    ],
)
def test_every_error_says_whether_anything_happened_and_what_next(
    error: PolymarketAPIError, code: str, sent: str, retry: str
) -> None:
    failure = failure_of(error)
    assert (failure.code, failure.anything_sent, failure.retry) == (code, sent, retry)
