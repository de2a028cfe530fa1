"""Orders through the tools: previewed, placed once, filled, cancelled, explained."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.handlers.conftest import Agent

NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
HIKE = "will-the-fed-increase-interest-rates-by-25-bps-after-the-june-2026-meeting"
RESOLVED = "no-change-in-fed-interest-rates-after-june-2025-meeting"


async def eventually(
    read: Callable[[], Awaitable[dict[str, Any]]], true: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Ask again until it holds; the exchange settles after its own few seconds."""
    for _ in range(200):
        answer = await read()
        if true(answer):
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError(f"did not come true: {answer}")


async def test_the_whole_job_from_preview_to_settled_position(agent: Agent) -> None:
    preview = await agent.call("preview_order", market_id=NO_CHANGE, outcome="Yes", spend_usd=25)
    assert preview["mode"] == "sandbox"
    assert preview["worst_cost"] <= 25
    placed = await agent.call("place_order", draft_id=preview["draft_id"])
    assert placed["status"] == "filled"
    assert placed["total"] == pytest.approx(preview["expected_total"], abs=1e-5)
    assert placed["total"] <= 25
    assert placed["pays_if_right"] == placed["filled"]

    settled = await eventually(lambda: agent.call("get_portfolio", detail="full"), lambda each: "settling" not in each)
    position = settled["positions"][0]
    assert position["shares"] == placed["filled"]
    assert position["average_price"] == pytest.approx(0.981)
    assert settled["cash"] == pytest.approx(1000 - placed["total"], abs=1e-6)
    assert settled["entry_fees_of_positions"] == placed["fee"]
    assert settled["risk"]["best"] == pytest.approx(placed["filled"] - placed["total"], abs=0.01)
    assert settled["risk"]["worst"] == pytest.approx(-placed["total"], abs=0.01)

    sold = await agent.call("place_order", market_id=NO_CHANGE, outcome="Yes", side="SELL", size="all")
    assert sold["status"] == "filled"
    assert sold["average_price"] == 0.98


async def test_the_specifications_three_arguments_are_enough(agent: Agent) -> None:
    placed = await agent.call("place_order", market_id=NO_CHANGE, outcome=0, size=10)
    assert (placed["status"], placed["filled"], placed["outcome"]) == ("filled", 10, "Yes")


async def test_the_same_call_again_places_nothing(agent: Agent) -> None:
    order = {"market_id": NO_CHANGE, "outcome": "Yes", "size": 10}
    first = await agent.call("place_order", **order)
    second = await agent.call("place_order", **order)
    assert second["already_placed"]
    assert second["order_id"] == first["order_id"]
    deliberate = await agent.call("place_order", **order, client_token="once-more")
    assert not deliberate["already_placed"]
    repeated = await agent.call("place_order", **order, client_token="once-more")
    assert repeated["order_id"] == deliberate["order_id"]
    fills = (await agent.call("get_orders", status="filled"))["orders"]
    assert sum(each["filled"] for each in fills) == 20


async def test_a_token_cannot_be_used_for_two_different_orders(agent: Agent) -> None:
    await agent.call("place_order", market_id=NO_CHANGE, outcome="Yes", size=10, client_token="a")
    error = await agent.refused("place_order", market_id=NO_CHANGE, outcome="Yes", size=11, client_token="a")
    assert error["code"] == "token_reused"


async def test_concurrent_identical_calls_place_one_order(agent: Agent) -> None:
    order = {"market_id": NO_CHANGE, "outcome": "Yes", "size": 10}
    answers = await asyncio.gather(*(agent.call("place_order", **order) for _ in range(8)))
    assert len({each["order_id"] for each in answers}) == 1
    assert sum(not each["already_placed"] for each in answers) == 1


async def test_a_resting_order_reserves_cash_and_is_cancelled(agent: Agent) -> None:
    resting = await agent.call(
        "place_order", market_id=NO_CHANGE, outcome="Yes", size=50, price=0.9, time_in_force="GTC"
    )
    assert resting["status"] == "open"
    assert resting["rests_while_you_are_away"]
    portfolio = await agent.call("get_portfolio")
    assert portfolio["reserved_for_orders"] == 45
    assert portfolio["free_cash"] == 955
    listed = await agent.call("get_orders", status="open")
    assert [each["order_id"] for each in listed["orders"]] == [resting["order_id"]]
    cancelled = await agent.call("cancel_orders", order_ids=[resting["order_id"]])
    assert cancelled["canceled"] == [resting["order_id"]]
    again = await agent.call("cancel_orders", order_ids=[resting["order_id"]])
    assert "already canceled" in again["not_canceled"][resting["order_id"]]
    assert (await agent.call("get_orders", order_id=resting["order_id"]))["orders"][0]["status"] == "canceled"


async def test_orders_are_cancelled_by_market_and_all_at_once(agent: Agent) -> None:
    for market, price in ((NO_CHANGE, 0.9), (NO_CHANGE, 0.91), (HIKE, 0.002)):
        await agent.call(
            "place_order", market_id=market, outcome="Yes", size=600, price=price, time_in_force="GTC"
        ) if (market == HIKE) else await agent.call(
            "place_order", market_id=market, outcome="Yes", size=20, price=price, time_in_force="GTC"
        )
    assert len((await agent.call("cancel_orders", market_id=NO_CHANGE))["canceled"]) == 2
    assert len((await agent.call("cancel_orders", cancel_all=True))["canceled"]) == 1
    assert (await agent.call("get_portfolio"))["reserved_for_orders"] == 0


async def test_a_crossing_limit_order_fills_what_it_can_and_rests_with_the_remainder(agent: Agent) -> None:
    book = await agent.call("get_order_book", market_id="btc-updown-15m-1790592300", outcome=0, depth=1)
    best = book["asks"][0]
    size = round(best["size"] + 20, 2)
    placed = await agent.call(
        "place_order",
        market_id="btc-updown-15m-1790592300",
        outcome=0,
        size=size,
        price=best["price"],
        time_in_force="GTC",
    )
    assert placed["status"] == "partly filled, rest open"
    assert placed["filled"] == pytest.approx(best["size"])
    assert placed["average_price"] == best["price"]


@pytest.mark.parametrize(
    ("arguments", "code", "fix"),
    [
        ({"size": 20, "price": 0.9005, "time_in_force": "GTC"}, "price_off_tick", "0.9 or 0.901"),
        ({"size": 4, "price": 0.9, "time_in_force": "GTC"}, "below_minimum", "at least 5"),
        ({"size": 20, "spend_usd": 20}, "ambiguous_amount", "only one"),
        ({}, "ambiguous_amount", "only one"),
        ({"size": 20, "price": 0.9}, "time_in_force_missing", "add time_in_force"),
        ({"size": 20, "outcome": "Maybe"}, "unknown_outcome", "0 = Yes or 1 = No"),
        ({"size": 20, "market_id": RESOLVED}, "market_closed", "open market"),
        ({"size": 20, "market_id": "fed-decision-in-june-825"}, "ambiguous_market", "listed market slugs"),
        ({"size": 20, "market_id": "no-such-market"}, "unknown_market", "search"),
        ({"size": 5, "side": "SELL"}, "not_enough_shares", "buy the other outcome"),
        ({"spend_usd": 300}, "risk_order_value", "250"),
        ({"size": 20, "max_cost": 3}, "invalid_arguments", "no argument 'max_cost'"),
        ({"size": 20, "spendusd": 3}, "invalid_arguments", "did you mean spend_usd?"),
        ({"size": "many"}, "invalid_arguments", "must be a number"),
        ({"size": True}, "invalid_arguments", "must be a number"),
        ({"size": 20, "price": 1.5, "time_in_force": "GTC"}, "invalid_arguments", "less than 1"),
        ({"size": 20, "side": "HOLD"}, "invalid_arguments", "'BUY' or 'SELL'"),
        ({"size": 20, "draft_id": "d_1"}, "unknown_draft", "preview"),
        (
            {"size": 20, "expires_at": "soon", "price": 0.9, "time_in_force": "GTD"},
            "invalid_arguments",
            "must be a time",
        ),
    ],
)
async def test_bad_input_names_the_fix_and_sends_nothing(
    agent: Agent, arguments: dict[str, Any], code: str, fix: str
) -> None:
    error = await agent.refused("place_order", **({"market_id": NO_CHANGE, "outcome": "Yes"} | arguments))
    assert error["code"] == code
    assert fix in error["message"]
    assert error["anything_sent"] == "no"
    sent = [each for each in (await agent.call("get_orders"))["orders"] if "order_id" in each]
    assert sent == []


async def test_more_than_the_account_can_pay_is_refused_in_dollars_with_the_fix(agent: Agent) -> None:
    for price in (0.55, 0.56, 0.57, 0.58):
        await agent.call("place_order", market_id=NO_CHANGE, outcome="Yes", size=400, price=price, time_in_force="GTC")
    error = await agent.refused(
        "place_order", market_id=NO_CHANGE, outcome="Yes", size=400, price=0.5, time_in_force="GTC", client_token="2"
    )
    assert error["code"] == "insufficient_funds"
    assert "of $1000 cash $96 is free" in error["message"]
    assert "spend_usd of at most 96" in error["message"]
    assert error["anything_sent"] == "no"


async def test_a_refused_order_is_listed_with_its_stage_and_fix(agent: Agent) -> None:
    await agent.refused("place_order", market_id=NO_CHANGE, outcome="Yes", spend_usd=300)
    refused = (await agent.call("get_orders", status="refused"))["orders"][0]
    assert refused["stage"] == "gate"
    assert "250" in refused["cause"]
    by_attempt = await agent.call("get_orders", order_id=refused["attempt_id"])
    assert by_attempt["orders"][0] == refused


async def test_a_draft_is_placed_as_it_was_previewed_or_not_at_all(agent: Agent) -> None:
    preview = await agent.call("preview_order", market_id=NO_CHANGE, outcome="Yes", size=10)
    error = await agent.refused("place_order", draft_id=preview["draft_id"], size=20)
    assert "only draft_id" in error["message"]
    placed = await agent.call("place_order", draft_id=preview["draft_id"])
    again = await agent.call("place_order", draft_id=preview["draft_id"])
    assert again["already_placed"]
    assert again["order_id"] == placed["order_id"]


async def test_an_age_beyond_any_date_is_refused_as_an_argument(agent: Agent) -> None:
    assert (await agent.refused("cancel_orders", older_than_s=10**14))["code"] == "invalid_arguments"


async def test_halting_cancels_refuses_and_is_lifted_only_outside_the_tools(agent: Agent) -> None:
    await agent.call("place_order", market_id=NO_CHANGE, outcome="Yes", size=50, price=0.9, time_in_force="GTC")
    halted = await agent.call("halt_trading", reason="prices look wrong")
    assert len(halted["canceled"]) == 1
    error = await agent.refused("place_order", market_id=NO_CHANGE, outcome="Yes", size=10)
    assert error["code"] == "risk_kill_switch"
    assert "polydesk resume" in error["message"]
    status = await agent.call("get_status")
    assert (status["trading"], status["halted_because"]) == ("halted", "prices look wrong")
    tools = {tool.name for tool in (await agent.client.list_tools()).tools}
    assert not any("resume" in name for name in tools)


@pytest.mark.parametrize(
    "arguments", [{}, {"cancel_all": True, "market_id": NO_CHANGE}, {"order_ids": ["0x12"]}, {"order_ids": []}]
)
async def test_what_to_cancel_must_be_said_in_one_way(agent: Agent, arguments: dict[str, Any]) -> None:
    assert (await agent.refused("cancel_orders", **arguments))["code"] == "invalid_arguments"


async def test_orders_come_in_pages(agent: Agent) -> None:
    for index in range(5):
        await agent.call(
            "place_order", market_id=NO_CHANGE, outcome="Yes", size=10 + index, price=0.5, time_in_force="GTC"
        )
    first = await agent.call("get_orders", limit=3)
    second = await agent.call("get_orders", limit=3, cursor=first["next_cursor"])
    ids = [each["order_id"] for each in first["orders"] + second["orders"]]
    assert len(ids) == len(set(ids)) == 5
    assert "next_cursor" not in second
    only = await agent.call("get_orders", market_id=HIKE)
    assert only["orders"] == []
    assert (await agent.refused("get_orders", cursor="x"))["code"] == "invalid_cursor"
    assert (await agent.refused("get_orders", order_id="0x" + "1" * 64))["code"] == "unknown_order"


async def test_a_good_till_date_order_says_when_it_ends(agent: Agent) -> None:
    status = await agent.call("get_status")
    day = status["as_of"][:10]
    placed = await agent.call(
        "place_order",
        market_id=NO_CHANGE,
        outcome="Yes",
        size=10,
        price=0.9,
        time_in_force="GTD",
        expires_at=f"{day}T23:00:00Z",
    )
    assert placed["open_until"].startswith(f"{day}T23:00:00")
