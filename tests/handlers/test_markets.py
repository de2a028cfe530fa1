"""Agents find markets by any name and read prices that agree with the books."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.handlers.conftest import Agent

NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
CONDITION_LENGTH = 66


async def test_search_finds_the_event_and_its_prices_are_those_of_the_books(agent: Agent) -> None:
    found = await agent.call("search_markets", query="fed june", limit=10)
    by_slug = {each["market"]: each for each in found["markets"]}
    assert len(by_slug) == 5
    book = await agent.call("get_order_book", market_id=NO_CHANGE, outcome="Yes", depth=1)
    yes = by_slug[NO_CHANGE]["outcomes"][0]
    assert (yes["bid"], yes["ask"]) == (book["bids"][0]["price"], book["asks"][0]["price"]) == (0.98, 0.981)


async def test_pages_of_a_search_follow_each_other_without_gap_or_repeat(agent: Agent) -> None:
    seen: list[str] = []
    cursor = None
    for _ in range(10):
        page = await agent.call("search_markets", query="fed", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [each["market"] for each in page["markets"]]
        cursor = page.get("next_cursor")
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5


async def test_without_a_query_the_most_traded_come_first(agent: Agent) -> None:
    listed = await agent.call("search_markets", limit=5)
    volumes = [each["volume_24h"] for each in listed["markets"]]
    assert volumes == sorted(volumes, reverse=True)
    rest = await agent.call("search_markets", limit=5, cursor=listed["next_cursor"])
    assert not {each["market"] for each in listed["markets"]} & {each["market"] for each in rest["markets"]}


async def test_resolved_markets_are_found_when_asked_for(agent: Agent) -> None:
    found = await agent.call("search_markets", query="fed june", status="closed")
    states = {each["market"]: each["state"] for each in found["markets"]}
    assert states["no-change-in-fed-interest-rates-after-june-2025-meeting"] == "resolved Yes"


async def test_a_search_without_a_match_says_what_to_try(agent: Agent) -> None:
    answer = await agent.call("search_markets", query="zebra opera tickets")
    assert answer["markets"] == []
    assert "fewer" in answer["more"]


async def test_every_name_of_a_market_leads_to_it(agent: Agent) -> None:
    full = (await agent.call("get_market", markets=[NO_CHANGE], detail="full"))["markets"][0]
    token = full["outcomes"][1]["token_id"]
    names = [
        full["id"],
        full["condition_id"],
        full["condition_id"].upper().replace("0X", "0x"),
        token,
        f"https://polymarket.com/event/fed-decision-in-june-825/{NO_CHANGE}",
        f"polymarket.com/market/{NO_CHANGE}?tid=1",
    ]
    answer = await agent.call("get_market", markets=names)
    assert {each["market"] for each in answer["markets"]} == {NO_CHANGE}
    assert len(full["condition_id"]) == CONDITION_LENGTH
    # A token id names its outcome too.
    book = await agent.call("get_order_book", market_id=token, depth=1)
    assert book["outcome"] == "No"


async def test_an_event_is_read_whole_with_the_sum_of_its_probabilities(agent: Agent) -> None:
    answer = await agent.call("get_market", event="fed-decision-in-june-825")
    assert len(answer["markets"]) == 5
    assert answer["probabilities_sum"] == pytest.approx(1.0015, abs=0.005)
    assert answer["recorded_on"] == "2026-05-17"


@pytest.mark.parametrize("name", ["no-such-market", "999999999", "0x" + "00" * 32, "7" * 77, "polymarket.com/x", "é!"])
async def test_an_unknown_market_points_to_the_search(agent: Agent, name: str) -> None:
    error = await agent.refused("get_order_book", market_id=name)
    assert error["code"] == "unknown_market"
    assert error["anything_sent"] == "no"
    assert error["next_tool"] == "polymarket_search_markets"


async def test_an_event_where_a_market_is_meant_lists_the_choices(agent: Agent) -> None:
    error = await agent.refused("get_order_book", market_id="fed-decision-in-june-825")
    assert error["code"] == "ambiguous_market"
    assert NO_CHANGE in error["message"]


async def test_an_unknown_outcome_names_the_real_ones(agent: Agent) -> None:
    error = await agent.refused("get_order_book", market_id=NO_CHANGE, outcome="Maybe")
    assert "0 = Yes or 1 = No" in error["message"]


async def test_the_two_books_of_a_market_mirror_each_other(agent: Agent) -> None:
    yes = await agent.call("get_order_book", market_id=NO_CHANGE, outcome="Yes", depth=50)
    no = await agent.call("get_order_book", market_id=NO_CHANGE, outcome=1, depth=50)
    assert [(round(1 - each["price"], 4), each["size"]) for each in no["asks"][:20]] == [
        (each["price"], each["size"]) for each in yes["bids"][:20]
    ]


async def test_history_is_thinned_but_keeps_both_ends(agent: Agent) -> None:
    whole = await agent.call("get_price_history", market_id=NO_CHANGE, interval="max", max_points=90)
    few = await agent.call("get_price_history", market_id=NO_CHANGE, interval="max", max_points=5)
    assert len(few["points"]) == 5
    assert few["points"][0]["price"] == whole["points"][0]["price"]
    assert few["last"] == whole["last"]
    assert few["thinned_from"] > 90


async def test_history_between_two_moments_can_be_read(agent: Agent) -> None:
    answer = await agent.call(
        "get_price_history", market_id=NO_CHANGE, start="2026-05-14T00:00:00Z", end="2026-05-16T00:00:00Z"
    )
    assert answer["points"][0]["at"] >= "2026-05-14"
    error = await agent.refused("get_price_history", market_id=NO_CHANGE, end="2026-05-16T00:00:00Z")
    assert "end needs start" in error["message"]


async def test_a_window_longer_than_the_venue_allows_is_read_in_parts(agent: Agent) -> None:
    answer = await agent.call(
        "get_price_history", market_id=NO_CHANGE, start="2026-04-18T00:00:00Z", end="2026-05-16T00:00:00Z"
    )
    times = [each["at"] for each in answer["points"]]
    assert times == sorted(set(times))
    assert times[0] < "2026-04-19"
    assert times[-1] > "2026-05-14"
    error = await agent.refused("get_price_history", market_id=NO_CHANGE, start="2020-01-01T00:00:00Z")
    assert error["code"] == "window"


async def test_text_and_structure_of_an_answer_say_the_same(agent: Agent) -> None:
    answered = await agent.try_call("get_market", markets=[NO_CHANGE], detail="full")
    assert json.loads(answered.text) == answered.data
    error = await agent.try_call("get_market", markets=["nope"])
    assert json.loads(error.text) == error.data


async def test_an_own_order_shows_in_the_book_before_a_cache_would_let_it(agent: Agent) -> None:
    before = await agent.call("get_order_book", market_id=NO_CHANGE, outcome="Yes", depth=1)
    price = before["bids"][0]["price"]
    order = {"market_id": NO_CHANGE, "outcome": "Yes", "size": 20, "price": price, "time_in_force": "GTC"}
    await agent.call("place_order", **order)
    async with asyncio.timeout(8):  # what REST has told is kept for ten seconds
        while True:
            book = await agent.call("get_order_book", market_id=NO_CHANGE, outcome="Yes", depth=1)
            if book["bids"][0]["size"] == before["bids"][0]["size"] + 20:
                return
            await asyncio.sleep(0.02)
