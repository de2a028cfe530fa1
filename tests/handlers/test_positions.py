"""Positions are changed on chain as they were shown, once, and by everybody's rules: a real client on the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import NO_CHANGE, RESOLVED, Agent, OpenAgent


@pytest.fixture
def agent_settings() -> dict[str, Any]:
    return {"toolsets": "all"}


SPLIT: dict[str, Any] = {"action": "split", "market_id": NO_CHANGE, "amount": 40}


async def cash(agent: Agent) -> float:
    found: float = (await agent.call("get_portfolio"))["cash"]
    return found


async def test_a_preview_shows_the_exact_calls_and_sends_nothing(agent: Agent) -> None:
    before = await cash(agent)
    shown = await agent.call("manage_position", **SPLIT)
    assert shown["status"] == "previewed"
    assert (shown["gives"], shown["gas"]) == ("$40", "paid by the relayer")
    (call,) = shown["calls"]
    assert call.startswith("NegRiskCtfCollateralAdapter 0xadA2005600Dec949baf300f4C6120000bDB6eAab splitPosition(")
    assert "amount=40000000 (six decimals)" in call
    assert await cash(agent) == before


async def test_a_split_is_carried_out_once_and_a_merge_undoes_it(agent: Agent) -> None:
    before = await cash(agent)
    shown = await agent.call("manage_position", **SPLIT)
    done = await agent.call("manage_position", preview_id=shown["preview_id"])
    assert done["status"] == "confirmed", done
    assert done["transaction"].startswith("0x")
    assert await cash(agent) == before - 40
    again = await agent.call("manage_position", preview_id=shown["preview_id"])
    assert (again["status"], again["transaction"]) == ("confirmed", done["transaction"])
    assert await cash(agent) == before - 40
    back = await agent.call("manage_position", action="merge", market_id=NO_CHANGE, amount="all")
    assert back["gets"] == "$40"
    assert (await agent.call("manage_position", preview_id=back["preview_id"]))["status"] == "confirmed"
    assert await cash(agent) == before


async def test_an_approval_names_the_spender_and_the_allowance(agent: Agent) -> None:
    for arguments, function, last in (
        ({"amount": 25}, "pUSD 0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB approve(", "amount=25000000 (six decimals)"),
        ({"amount": "all"}, "pUSD 0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB approve(", "amount=unlimited"),
        ({}, "Conditional Tokens 0x4D97DCd97eC945f40cF65F87097ACe5EA0476045 setApprovalForAll(", "approved=true"),
    ):
        shown = await agent.call("manage_position", action="approve", spender="exchange", **arguments)
        (call,) = shown["calls"]
        assert call.startswith(function)
        assert "CTF Exchange 0xE111180000d2663C0091e4f400237545B87B996B" in call
        assert last in call
        assert (await agent.call("manage_position", preview_id=shown["preview_id"]))["status"] == "confirmed"


async def test_a_missing_approval_is_named_and_never_sent_by_itself(agent: Agent) -> None:
    revoke = await agent.call("manage_position", action="approve", spender="neg_risk_adapter", amount=1)
    await agent.call("manage_position", preview_id=revoke["preview_id"])
    refused = await agent.refused("manage_position", **SPLIT)
    assert refused["code"] == "allowance_missing"
    assert refused["next_tool"] == "polymarket_manage_position"
    assert "action=approve, spender=neg_risk_adapter, amount=40" in refused["message"]


async def test_what_the_account_cannot_do_is_refused_before_anything_is_signed(agent: Agent) -> None:
    for arguments, code in (
        ({**SPLIT, "amount": 10**6}, "not_enough"),
        ({**SPLIT, "amount": 0.0000001}, "invalid_arguments"),
        ({"action": "merge", "market_id": NO_CHANGE, "amount": 5}, "not_enough"),
        ({"action": "redeem", "market_id": NO_CHANGE}, "not_resolved"),
        ({"action": "redeem", "market_id": RESOLVED}, "nothing_to_redeem"),
        ({"action": "redeem", "market_id": RESOLVED, "amount": 5}, "invalid_arguments"),
        ({"action": "split", "market_id": RESOLVED, "amount": 5}, "market_closed"),
        ({"action": "split", "market_id": NO_CHANGE}, "invalid_arguments"),
        ({"action": "unwrap", "amount": 10**6}, "not_enough"),
        ({"action": "unwrap"}, "invalid_arguments"),
        ({"action": "unwrap", "amount": 5, "market_id": NO_CHANGE}, "invalid_arguments"),
        ({"action": "wrap", "amount": "all"}, "invalid_arguments"),
        ({"action": "wrap", "amount": 5, "spender": "exchange"}, "invalid_arguments"),
        ({"action": "wrap", "amount": 0.0000001}, "invalid_arguments"),
        ({"action": "approve"}, "invalid_arguments"),
        ({"action": "approve", "spender": "exchange", "market_id": NO_CHANGE}, "invalid_arguments"),
        ({"action": "merge"}, "invalid_arguments"),
        ({}, "invalid_arguments"),
        ({"preview_id": "p_none"}, "unknown_preview"),
        ({"preview_id": "p_none", "action": "merge"}, "invalid_arguments"),
    ):
        refused = await agent.refused("manage_position", **arguments)
        assert (refused["code"], refused["anything_sent"]) == (code, "no"), (arguments, refused)


async def test_while_trading_is_halted_nothing_is_sent(agent: Agent) -> None:
    shown = await agent.call("manage_position", **SPLIT)
    await agent.call("halt_trading", reason="a test of it")
    assert (await agent.refused("manage_position", preview_id=shown["preview_id"]))["code"] == "halted"


async def test_what_changed_since_the_preview_is_not_sent(agent: Agent) -> None:
    first = await agent.call("manage_position", **SPLIT)
    await agent.call("manage_position", preview_id=first["preview_id"])
    all_of_it = await agent.call("manage_position", action="merge", market_id=NO_CHANGE, amount="all")
    some = await agent.call("manage_position", action="merge", market_id=NO_CHANGE, amount=15)
    await agent.call("manage_position", preview_id=some["preview_id"])
    refused = await agent.refused("manage_position", preview_id=all_of_it["preview_id"])
    assert refused["code"] == "not_enough"


async def test_a_toolset_that_only_reads_has_no_such_tool(open_agent: OpenAgent, tmp_path: Any) -> None:
    async with open_agent(tmp_path, toolsets="all", read_only=True) as agent:
        assert "polymarket_manage_position" not in {each.name for each in (await agent.client.list_tools()).tools}
