"""The account doctor as an agent meets it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.handlers.conftest import OpenAgent


async def test_a_healthy_desk_has_no_findings(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, toolsets=("all",)) as agent:
        answer = await agent.call("diagnose_account")
        assert (answer["mode"], answer["can_trade"], answer["findings"]) == ("sandbox", True, [])
        cash = {"cash": 1000, "reserved": 0, "unsettled": 0, "free": 1000}
        assert answer["money"] == cash | {"allowance": answer["money"]["allowance"]}
        assert answer["facts"]["user stream"] == answer["facts"]["market stream"] == "works"
        assert len(json.dumps(answer)) < 1200 * 4


async def test_a_text_of_the_venue_is_explained_or_repeated(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, toolsets=("all",)) as agent:
        known = await agent.call(
            "diagnose_account", error="maker address not allowed, please use the deposit wallet flow"
        )
        (finding,) = known["findings"]
        assert not known["can_trade"]
        deposit = next(each.split()[0] for each in known["wallets"] if "older" not in each and "deposit wallet" in each)
        assert finding["fix"].endswith(f"POLYMARKET_FUNDER={deposit}")
        unknown = (await agent.call("diagnose_account", error="what nobody has ever seen"))["findings"]
        (finding,) = unknown
        assert finding == {"code": "unknown", "weight": "limits", "cause": "The venue said: what nobody has ever seen"}


async def test_a_halt_and_read_only_are_among_the_findings(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, toolsets=("all",)) as agent:
        await agent.call("halt_trading", reason="a test")
        answer = await agent.call("diagnose_account")
        assert answer["findings"][0]["cause"] == "Trading is halted here: a test."
    async with open_agent(tmp_path, read_only=True, toolsets=("all",)) as agent:
        codes = {each["code"] for each in (await agent.call("diagnose_account"))["findings"]}
        assert "read_only" in codes
