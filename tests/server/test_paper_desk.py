"""What an agent meets on paper: real markets of a replayed venue, play money, through the tools."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from polydesk.core.exchange.faults import FaultPlan, StatusFault
from polydesk.core.exchange.replay.level2 import stand_in_token
from polydesk.core.exchange.resolution import Resolutions
from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server
from tests.support.paper_desk import paper_client
from tests.support.processes import SOURCE_COMMAND, Served, answer_of, environment, error_of, exchange
from tests.support.real_venue import CONDITION, FALL, SLUG, real_venue

ROOT = Path(__file__).resolve().parents[2]


async def eventually(client: Client, tool: str, holds: Callable[[dict[str, Any]], bool], **arguments: Any) -> Any:
    """The first answer of a tool that fits; the desk and its venue go on in between."""
    async with asyncio.timeout(15):
        while True:
            answer = await answer_of(client, tool, **arguments)
            if holds(answer):
                return answer


async def test_an_agent_trades_on_the_real_venues_book_with_play_money(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as real, paper_client(real, tmp_path / "state") as client:
        status = await answer_of(client, "get_status")
        assert (status["mode"], status["venue"], status.get("warning")) == ("paper", "answers", None)
        tools = (await client.list_tools()).tools
        assert next(tool for tool in tools if tool.name == "polymarket_place_order").title == "Place PAPER order"
        found = await answer_of(client, "search_markets", query="bitcoin")
        assert SLUG in str(found)
        bought = await answer_of(client, "place_order", market_id=SLUG, outcome="Up", spend_usd=20)
        assert (bought["mode"], bought["account"]) == ("paper", status["account"])
        assert bought["status"] == "filled"
        portfolio = await eventually(client, "get_portfolio", lambda each: bool(each["positions"]))
        (position,) = portfolio["positions"]
        assert (position["market"], position["outcome"], position.get("stale_since")) == (SLUG, "Up", None)
        # Nothing of it reached the real venue.
        assert not [order for order in real.exchange.registry.orders.values() if order.owner]


async def test_a_second_buy_does_not_get_what_the_first_one_took(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as real, paper_client(real, tmp_path / "state") as client:
        real.go_to(2)  # asks 5 at 0.73, 530 at 0.74
        order = {"market_id": SLUG, "outcome": "Up", "size": 5, "price": 0.73, "time_in_force": "FOK"}
        bought = await answer_of(client, "place_order", client_token="the first", **order)
        assert bought["status"] == "filled"
        refused = await error_of(client, "place_order", client_token="the second", **order)
        assert refused["code"] == "not_marketable"
        book = await answer_of(client, "get_order_book", market_id=SLUG, outcome="Up")
        assert book["asks"][0]["price"] == 0.74


async def test_a_bid_that_the_market_fell_through_while_the_desk_was_off_is_marked(tmp_path: Path) -> None:
    tape = [
        {
            "condition_id": CONDITION,
            "token_id": stand_in_token(CONDITION, 0),
            "side": "SELL",
            "price": 0.55,
            "size": 40,
            "timestamp": 1_790_586_994,
        }
    ]
    async with real_venue(tmp_path, tape=tape) as real:
        async with paper_client(real, tmp_path / "state") as client:
            placed = await answer_of(
                client, "place_order", market_id=SLUG, outcome="Up", size=25, price=0.6, time_in_force="GTC"
            )
            assert placed["status"] == "open"
        real.go_to(60)
        async with paper_client(real, tmp_path / "state") as client:
            orders = await eventually(
                client, "get_orders", lambda each: bool(each["orders"] and each["orders"][0]["filled"]), status="filled"
            )
            (order,) = orders["orders"]
            assert order["order_id"] == placed["order_id"]
            assert (order["filled"], order["average_price"]) == (25, 0.6)
            assert {fill["role"] for fill in order["fills"]} == {"maker, while_away"}


async def test_where_the_tape_is_missing_the_agent_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polydesk.core.paper.absence._RETRY_S", 0)
    broken = FaultPlan.of(StatusFault(kind="status", route="/data/v2/trades", status=500))
    async with real_venue(tmp_path, faults=broken) as real:
        async with paper_client(real, tmp_path / "state", max_retries=0) as client:
            order = {"market_id": SLUG, "outcome": "Up", "size": 25, "price": 0.6, "time_in_force": "GTC"}
            placed = await answer_of(client, "place_order", **order)
        real.go_to(60)
        async with paper_client(real, tmp_path / "state", max_retries=0) as client:
            status = await eventually(client, "get_status", lambda each: "warning" in each)
            assert status["warning"] == "Results are not comparable with real trading: see polymarket_get_status."
            assert f"Not comparable: {SLUG} was not followed from 2026-09-28T09:16:0" in status["warnings"][0]
            orders = await answer_of(client, "get_orders", order_id=placed["order_id"])
            (order,) = orders["orders"]
            assert (order["status"], order["filled"]) == ("canceled", 0)
            assert "its public trades of that time cannot be read" in order["cause"]


async def test_a_void_pays_half_and_a_winner_a_dollar(tmp_path: Path) -> None:
    for outcome, paid in ((1, 0.0), (0, 1.0), (None, 0.5)):
        folder = tmp_path / str(outcome)
        folder.mkdir()
        async with real_venue(folder) as real, paper_client(real, folder / "state") as client:
            await answer_of(client, "place_order", market_id=SLUG, outcome="Up", size=10)
            await eventually(client, "get_portfolio", lambda each: bool(each["positions"]))
            real.exchange.resolve(CONDITION, outcome)
            portfolio = await eventually(client, "get_portfolio", lambda each: each["positions"][0]["status"] != "open")
            assert portfolio["positions"][0]["price_now"] == paid


async def test_a_disputed_outcome_pays_nothing_yet(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as real, paper_client(real, tmp_path / "state") as client:
        await answer_of(client, "place_order", market_id=SLUG, outcome="Up", size=10)
        await eventually(client, "get_portfolio", lambda each: bool(each["positions"]))
        oracle = Resolutions(real.exchange)
        oracle.propose(CONDITION, 1)
        oracle.dispute(CONDITION)
        portfolio = await answer_of(client, "get_portfolio")
        assert portfolio["positions"][0]["status"] == "open"
        assert portfolio["positions"][0]["value"] > 0


async def test_without_the_real_venue_the_desk_starts_and_says_what_is_wrong(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    settings = load_settings(
        mode="paper",
        state_dir=tmp_path,
        compute="inline",
        api_url=nowhere,
        gamma_url=nowhere,
        data_url=nowhere,
        ws_url="ws://127.0.0.1:9/ws",
        max_retries=0,
    )
    application = Application(settings)
    try:
        async with Client(build_server(application)) as client:
            assert len((await client.list_tools()).tools) > 5
            status = await answer_of(client, "get_status")
            assert (status["mode"], status["venue"]) == ("paper", "does not answer")
            assert "could not be sent" in status["venue_problem"]
            error = await error_of(client, "get_market", markets=["some-market"])
            assert (error["code"], error["anything_sent"]) == ("venue_unavailable", "no")
            assert (await answer_of(client, "get_portfolio"))["cash"] == 1000
    finally:
        await application.aclose()


@pytest.mark.takeover
async def test_the_installed_command_trades_on_a_replayed_venue(tmp_path: Path) -> None:
    with exchange(SOURCE_COMMAND, tmp_path, "--replay", str(FALL.parent)) as addresses:
        settings = {
            "POLYMARKET_MODE": "paper",
            "POLYMARKET_API_URL": addresses["clob_url"],
            "POLYMARKET_GAMMA_URL": addresses["gamma_url"],
            "POLYMARKET_DATA_URL": addresses["data_url"],
            "POLYMARKET_WS_URL": addresses["ws_url"],
            "POLYMARKET_PAPER_BALANCE": "500",
        }
        desk = Served("stdio", SOURCE_COMMAND, environment(tmp_path, **settings))
        async with desk.connect() as client:
            assert (await answer_of(client, "get_portfolio"))["cash"] == 500
            bought = await answer_of(client, "place_order", market_id=SLUG, outcome="Down", spend_usd=10)
            assert (bought["mode"], bought["status"]) == ("paper", "filled")
        async with desk.connect() as client:
            portfolio = await eventually(client, "get_portfolio", lambda each: bool(each["positions"]))
            assert portfolio["cash"] < 500


def test_nothing_but_the_composition_root_asks_whether_it_is_paper() -> None:
    asks = re.compile(r"Mode\.(PAPER|SANDBOX|LIVE)|[\"'](paper|sandbox)[\"']")
    allowed = {
        "core/settings.py",
        "handlers/instructions.py",  # tells the model which money it is
        "server/accounts.py",  # the folder of the ledger
        "server/application.py",
        "server/demo.py",  # start servers of a mode
        "server/reference.py",
        "server/setup.py",
        "server/sites.py",
        "server/terminal/screen.py",  # each mode has a colour of its own
        "server/trading_desk.py",  # whether a person's consent is asked for
    }
    asking = {
        str(path.relative_to(ROOT))
        for folder in ("core", "handlers", "server")
        for path in (ROOT / folder).rglob("*.py")
        if asks.search(path.read_text(encoding="utf-8"))
    }
    assert asking - allowed == set()
