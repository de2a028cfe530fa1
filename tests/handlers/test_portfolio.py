"""The portfolio through the tools: which cash is final, and profit held against the venue's balances."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.handlers.conftest import Agent

NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"


async def test_cash_is_provisional_until_trades_are_confirmed_and_then_the_books_tie(agent: Agent) -> None:
    bought = await agent.call("place_order", market_id=NO_CHANGE, outcome="Yes", spend_usd=25)
    early = await agent.call("get_portfolio")
    assert early["settled_cash"] == 1000
    assert early["provisional_cash"] == pytest.approx(-bought["total"], abs=1e-5)
    assert "statement" not in early
    settled = await _settled(agent)
    assert (settled["settled_cash"], settled["provisional_cash"]) == (settled["cash"], 0)
    statement = settled["statement"]
    assert (statement["paid_in"], statement["difference"]) == (1000, 0)
    assert statement["expected_cash"] == settled["cash"]
    assert statement["fees"] == bought["fee"]
    assert statement["realized"] == 0
    assert statement["realized"] + statement["unrealized"] == pytest.approx(settled["equity"] - 1000, abs=1e-4)
    assert "may_be" not in statement
    assert "shares_off" not in statement


async def _settled(agent: Agent) -> dict[str, Any]:
    """The full portfolio once nothing is settling; the exchange takes its own few seconds."""
    for _ in range(200):
        portfolio = await agent.call("get_portfolio", detail="full")
        if "settling" not in portfolio:
            return portfolio
        await asyncio.sleep(0.05)
    raise AssertionError("trades did not settle")
