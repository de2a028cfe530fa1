"""Several orders at once, cancels by kind, dead letters and what is new: as an agent meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.clock import SystemClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.faults import FaultPlan, StatusFault
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.server.cli import main
from tests.support.exchanges import live_urls
from tests.support.processes import KEY

if TYPE_CHECKING:
    from tests.handlers.conftest import OpenAgent

NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
INCREASE = "will-the-fed-increase-interest-rates-by-25-bps-after-the-june-2026-meeting"
ALL = {"toolsets": ("all",)}


def leg(price: float, market: str = NO_CHANGE, **more: Any) -> dict[str, Any]:
    return {
        "market_id": market,
        "outcome": "Yes",
        "size": 10,
        "price": price,
        "time_in_force": "GTC",
        **more,
    }


async def test_a_batch_is_placed_together_and_repeating_it_places_nothing(
    open_agent: OpenAgent, tmp_path: Path
) -> None:
    async with open_agent(tmp_path, **ALL) as agent:
        batch = [leg(0.9), leg(0.91), leg(0.001, INCREASE)]
        placed = await agent.call("place_orders", orders=batch)
        assert [each["status"] for each in placed["orders"]] == ["open"] * 3
        again = await agent.call("place_orders", orders=batch)
        assert [each["order_id"] for each in again["orders"]] == [each["order_id"] for each in placed["orders"]]
        assert all(each["already_placed"] for each in again["orders"])
        assert len((await agent.call("get_orders", status="open"))["orders"]) == 3


async def test_one_order_beyond_a_limit_stops_the_whole_batch(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, **ALL, max_exposure_usd=25) as agent:
        error = await agent.refused("place_orders", orders=[leg(0.9), leg(0.91), leg(0.92)])
        assert error["code"] == "risk_exposure"
        assert error["anything_sent"] == "no"
        assert (await agent.call("get_orders", status="open"))["orders"] == []
        refused = (await agent.call("get_orders", status="refused"))["orders"]
        assert {(each["stage"], each["control"], each["limit"]) for each in refused} == {
            ("gate", "exposure", "$25 in all")
        }
        assert len((await agent.call("place_orders", orders=[leg(0.9), leg(0.91)]))["orders"]) == 2


@pytest.mark.parametrize(
    "orders",
    [
        [leg(0.9), leg(0.9)],
        [leg(0.9, client_token="a"), leg(0.8, client_token="a")],
        [],
        [leg(0.9, colour="red")],
    ],
)
async def test_a_batch_that_contradicts_itself_is_refused(
    open_agent: OpenAgent, tmp_path: Path, orders: list[dict[str, Any]]
) -> None:
    async with open_agent(tmp_path, **ALL) as agent:
        error = await agent.refused("place_orders", orders=orders)
        assert (error["code"], error["anything_sent"]) == ("invalid_arguments", "no")


async def test_orders_are_cancelled_by_side_and_age_and_the_next_status_tells(
    open_agent: OpenAgent, tmp_path: Path
) -> None:
    async with open_agent(tmp_path, **ALL) as agent:
        assert "since_last_seen" not in await agent.call("get_status")
        placed = await agent.call("place_orders", orders=[leg(0.9), leg(0.91)])
        young = await agent.call("cancel_orders", older_than_s=3600)
        assert young["canceled"] == []
        gone = await agent.call("cancel_orders", side="BUY", market_id=NO_CHANGE)
        assert sorted(gone["canceled"]) == sorted(each["order_id"] for each in placed["orders"])
        error = await agent.refused("cancel_orders", side="BUY", cancel_all=True)
        assert error["code"] == "invalid_arguments"
        news = (await agent.call("get_status"))["since_last_seen"]
        assert [each["what"] for each in news["orders"]] == ["cancelled", "cancelled"]
        assert "since_last_seen" not in await agent.call("get_status")


async def test_the_next_status_tells_that_a_market_with_a_position_was_decided(
    open_agent: OpenAgent, tmp_path: Path
) -> None:
    settings = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)
    async with ExchangeServer(Exchange(load_catalogue(), settings, SystemClock())) as server:
        live = {"mode": "live", "private_key": KEY, "confirmation": "acknowledge", "ack_max_usd": 250} | live_urls(
            server
        )
        async with open_agent(tmp_path, **live) as agent:
            draft = await agent.call("preview_order", market_id=NO_CHANGE, outcome="Yes", spend_usd=20)
            await agent.call("place_order", draft_id=draft["draft_id"], acknowledge=draft["worst_cost"])
            await agent.call("get_status")
            listing = next(
                each for each in server.exchange.markets.listings if each.recorded.gamma["slug"] == NO_CHANGE
            )
            server.exchange.resolve(listing.condition_id, 0)
            assert (await agent.call("get_status"))["since_last_seen"]["resolved"] == [NO_CHANGE]
            assert "since_last_seen" not in await agent.call("get_status")


async def test_orders_are_listed_from_a_moment_on(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path) as agent:
        await agent.call("place_order", **leg(0.9))
        assert len((await agent.call("get_orders", since="2026-05-17T00:00:00Z"))["orders"]) == 1
        assert (await agent.call("get_orders", since="2099-01-01T00:00:00Z"))["orders"] == []


async def test_a_dead_order_is_listed_replayed_as_a_draft_and_dropped_on_the_command_line(
    open_agent: OpenAgent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    down = StatusFault(
        kind="status",
        route="/clob/order",
        method="POST",
        status=503,
        body={"error": "trading is currently disabled"},
        count=2,
    )
    settings = ExchangeSettings(simulated_traders=False, faults=FaultPlan.of(down))
    async with ExchangeServer(Exchange(load_catalogue(), settings, SystemClock())) as server:
        live = {"mode": "live", "private_key": KEY, "confirmation": "acknowledge", "ack_max_usd": 250} | live_urls(
            server
        )
        async with open_agent(tmp_path, **ALL, **live) as agent:
            for price in (0.9, 0.91):
                draft = await agent.call("preview_order", **leg(price))
                failed = await agent.refused("place_order", draft_id=draft["draft_id"], acknowledge=draft["worst_cost"])
                assert failed["anything_sent"] == "no"
            dead = (await agent.call("get_orders", status="dead"))["orders"]
            assert [(each["status"], each["stage"]) for each in dead] == [("dead", "venue")] * 2
            again = await agent.call("replay_dead_letter", letter_id=dead[0]["letter_id"])
            assert again["worst_cost"] == draft["worst_cost"]
            await agent.call("place_order", draft_id=again["draft_id"], acknowledge=again["worst_cost"])
            left = (await agent.call("get_orders", status="dead"))["orders"]
            assert [each.get("letter_id") for each in left] == [None, dead[1]["letter_id"]]

    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    assert main(["dead-letters", "list", "--mode", "live", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["letter_id"] == dead[1]["letter_id"]
    assert main(["dead-letters", "drop", row["letter_id"], "--mode", "live"]) == 0
    assert main(["dead-letters", "list", "--mode", "live"]) == 0
    assert "No dead letters" in capsys.readouterr().out
    assert main(["dead-letters", "drop", row["letter_id"], "--mode", "live"]) == 2

    assert main(["audit", "verify", "--mode", "live"]) == 0
    assert "unbroken" in capsys.readouterr().out
    assert main(["audit", "export", "--mode", "live"]) == 0
    kinds = [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()]
    assert {"order.asked", "order.dead", "order.live", "letter.kept", "letter.ended"} <= set(kinds)


def test_without_a_file_of_a_desk_the_commands_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    for command in (["audit", "verify"], ["audit", "export"], ["dead-letters", "list"]):
        assert main([*command, "--mode", "live"]) == 2
        assert "no desk has written one" in capsys.readouterr().err
