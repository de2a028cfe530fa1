"""What a book could lose and how much to bet, as an agent asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.handlers.conftest import Agent, OpenAgent

BTC = "btc-updown-15m-1790592300"
NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
FED = "fed-decision-in-june-825"


@pytest.fixture(name="desk")
async def desk_fixture(tmp_path: Any, open_agent: OpenAgent) -> AsyncIterator[Agent]:
    # As the agent fixture: the SDK's client must be left in the task that entered it.
    opened: asyncio.Future[Agent] = asyncio.get_running_loop().create_future()
    finished = asyncio.Event()

    async def hold() -> None:
        async with open_agent(tmp_path, toolsets=("all",)) as held:
            opened.set_result(held)
            await finished.wait()

    holder = asyncio.create_task(hold())
    yield await opened
    finished.set()
    await holder


def position(market: str, outcome: str, shares: float, **more: Any) -> dict[str, Any]:
    return {"market_id": market, "outcome": outcome, "shares": shares, **more}


async def test_given_positions_are_simulated_with_errors_and_a_method(desk: Agent) -> None:
    answer = await desk.call(
        "simulate_risk",
        positions=[position(BTC, "Up", 100, price=0.5), position(NO_CHANGE, "Yes", 50, price=0.6)],
        correlation=0.3,
        method="monte_carlo",
        paths=50_000,
    )
    assert answer["mode"] == "sandbox"
    assert answer["worst"] == pytest.approx(-80) and answer["best"] == pytest.approx(70)
    assert 0 < answer["chance_of_loss"]["standard_error"] < 0.01
    assert answer["cvar_95"]["value"] >= answer["var_95"]["value"]
    assert "Monte Carlo" in answer["method"] and "seed" in answer["method"]
    parts = sum(each["adds_to_cvar_95"]["value"] for each in answer["positions"])
    assert parts == pytest.approx(answer["cvar_95"]["value"], abs=0.05)


async def settled(desk: Agent) -> None:
    """The exchange takes its own few seconds."""
    for _ in range(200):
        if "settling" not in await desk.call("get_portfolio"):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("trades did not settle")


async def test_the_portfolio_is_simulated_exactly_where_it_can_be(desk: Agent) -> None:
    assert (await desk.refused("simulate_risk"))["code"] == "empty_book"
    await desk.call("place_order", market_id=BTC, outcome="Up", spend_usd=20)
    await desk.call("place_order", market_id=NO_CHANGE, outcome="Yes", spend_usd=20)
    await settled(desk)
    answer = await desk.call("simulate_risk", method="exact")
    assert answer["method"].startswith("exact")
    assert answer["chance_of_loss"]["standard_error"] == 0
    assert answer["worst"] == pytest.approx(-40, abs=0.5)
    more = await desk.call("simulate_risk", method="exact", what_if=[position(BTC, "Up", 40)])
    assert more["worst"] < answer["worst"] - 10
    less = await desk.call("simulate_risk", method="exact", what_if=[position(BTC, "Up", -5)])
    assert {each["market"]: each["shares"] for each in less["positions"]}[BTC] == pytest.approx(
        {each["market"]: each["shares"] for each in answer["positions"]}[BTC] - 5
    )
    refused = await desk.refused("simulate_risk", what_if=[position(BTC, "Up", -5000)])
    assert "cannot be sold" in refused["message"] or "The book" in refused["message"]


async def test_an_outcome_may_be_taken_to_have_happened(desk: Agent) -> None:
    books = [position(NO_CHANGE, "Yes", 100, price=0.5)]
    won = await desk.call("simulate_risk", positions=books, resolved=[{"market_id": NO_CHANGE, "outcome": "Yes"}])
    lost = await desk.call("simulate_risk", positions=books, resolved=[{"market_id": NO_CHANGE, "outcome": "No"}])
    assert (won["expected"], lost["expected"]) == (50, -50)
    siblings = [each["market"] for each in (await desk.call("get_market", event=FED))["markets"]]
    other = next(slug for slug in siblings if slug != NO_CHANGE)
    excluded = await desk.call("simulate_risk", positions=books, resolved=[{"market_id": other, "outcome": "Yes"}])
    assert excluded["expected"] == -50


async def test_prices_are_followed_on_the_way_with_progress(desk: Agent) -> None:
    seen: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    result = await desk.client.call_tool(
        "polymarket_simulate_risk",
        {
            "positions": [position(BTC, "Up", 100, price=0.5)],
            "horizon_days": 0.005,
            "levels": [{"market_id": BTC, "outcome": "Up", "price": 0.9}],
            "paths": 40_000,
            "method": "monte_carlo",
        },
        progress_callback=hear,
    )
    assert not result.is_error and result.structured_content
    way = result.structured_content["on_the_way"]
    assert way["drawdown"]["value"] > 0 and way["drawdown_95"] <= 100
    (touch,) = way["touches"]
    assert 0 <= touch["by_horizon"]["value"] <= touch["before_resolution"] + 0.02
    assert seen == sorted(seen) and seen[-1] == 1.0


async def test_a_rare_loss_has_its_chance(desk: Agent) -> None:
    books = [position(BTC, "Up", 100, price=0.5), position(NO_CHANGE, "No", 100, price=0.5)]
    answer = await desk.call("simulate_risk", positions=books, loss_usd=90, method="monte_carlo", copula="t")
    rare = answer["rare_loss"]
    assert rare["method"] == "importance sampling"
    assert 0 < rare["chance"]["value"] < 1 and rare["mean_loss"]["value"] >= 90


async def test_impossible_correlations_are_replaced_and_the_answer_says_so(desk: Agent) -> None:
    markets = [each["market"] for each in (await desk.call("search_markets", query="bitcoin", limit=10))["markets"]]
    assert len(markets) >= 2
    books = [position(slug, "0", 10, price=0.5) for slug in (BTC, NO_CHANGE)]
    third = next(slug for slug in markets if slug != BTC)
    pairs = [
        {"one": BTC, "other": FED, "correlation": 0.95},
        {"one": third, "other": FED, "correlation": 0.95},
        {"one": BTC, "other": third, "correlation": -0.95},
    ]
    answer = await desk.call("simulate_risk", positions=[*books, position(third, "0", 10, price=0.5)], pairs=pairs)
    assert any("cannot hold together" in note for note in answer["notes"])


TWO = [position(BTC, "Up", 10, price=0.5), position(NO_CHANGE, "Yes", 10, price=0.5)]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"paths": 10**9}, "10000000"),
    ({"horizon_days": -1}, "above 0 days"),
    ({"horizon_days": 0}, "above 0 days"),
    ({"horizon_days": 1, "copula": "t"}, "t copula"),
    ({"method": "exact", "positions": TWO, "copula": "t", "correlation": 0.3}, "Gaussian copula"),
    ({"correlation": 1.5}, "correlation"),
    ({"positions": [position(BTC, "Up", 0)]}, "no position"),
    ({"positions": [position(BTC, "Up", -4)]}, "no position"),
    ({"positions": [position(BTC, "Up", 5, price="NaN")]}, "finite"),
    ({"pairs": [{"one": BTC, "other": BTC, "correlation": 0.5}]}, "two different events"),
    ({"what_if": [position(BTC, "Up", 10_000_000)]}, "shares"),
]


async def test_what_makes_no_sense_is_refused_with_what_would_do(desk: Agent) -> None:
    for arguments, message in REFUSED:
        defaults = {"positions": [position(BTC, "Up", 10, price=0.5)]}
        refused = await desk.refused("simulate_risk", **(defaults | arguments))
        assert message in refused["message"], arguments
        assert refused["anything_sent"] == "no"


async def test_a_bet_is_sized_from_the_live_book_with_its_fee(desk: Agent) -> None:
    answer = await desk.call(
        "size_position", bets=[{"market_id": BTC, "outcome": "Up", "my_probability": 0.85}], bankroll_usd=400
    )
    (bet,) = answer["bets"]
    cost = bet["price"] + bet["fee"]
    assert bet["full_kelly"] == pytest.approx((0.85 - cost) / (1 - cost), abs=2e-3)
    assert bet["stake"]["value"] == pytest.approx(bet["full_kelly"] / 4, abs=1e-4)
    assert bet["dollars"] == pytest.approx(400 * bet["stake"]["value"], abs=0.02)
    assert bet["shares"] == pytest.approx(bet["dollars"] / cost, abs=0.1)
    assert answer["method"] == "Kelly, single"
    unsure = await desk.call(
        "size_position",
        bets=[{"market_id": BTC, "outcome": "Up", "my_probability": 0.85, "standard_error": 0.2}],
        bankroll_usd=400,
    )
    assert unsure["bets"][0]["dollars"] < bet["dollars"]


async def test_stakes_are_cut_to_the_limits_of_the_desk(open_agent: OpenAgent, tmp_path: Any) -> None:
    async with open_agent(tmp_path, toolsets=("risk",), max_order_usd="12.5") as agent:
        bets = [{"market_id": BTC, "outcome": "Up", "my_probability": 0.9}]
        (bet,) = (await agent.call("size_position", bets=bets, fraction=1))["bets"]
    assert bet["dollars"] == pytest.approx(12.5, abs=0.02)
    assert bet["held_back_by"] == "POLYMARKET_MAX_ORDER_USD"


async def test_without_an_edge_nothing_is_staked(desk: Agent) -> None:
    bets = [{"market_id": BTC, "outcome": "Up", "my_probability": 0.05}]
    (bet,) = (await desk.call("size_position", bets=bets))["bets"]
    assert (bet["dollars"], bet["shares"], bet["full_kelly"]) == (0, 0, 0)
    assert bet["edge"] < 0


async def test_bets_on_one_event_and_correlated_bets_are_sized_together(desk: Agent) -> None:
    siblings = [each["market"] for each in (await desk.call("get_market", event=FED))["markets"]][:2]
    exclusive = await desk.call(
        "size_position", bets=[{"market_id": slug, "outcome": "Yes", "my_probability": 0.7} for slug in siblings]
    )
    assert "exclusive" in exclusive["method"]
    assert "scaled to 1" in exclusive["notes"][0]
    both = []
    for slug, outcome in ((BTC, "Down"), (NO_CHANGE, "No")):
        book = await desk.call("get_order_book", market_id=slug, outcome=outcome)
        both.append(
            {"market_id": slug, "outcome": outcome, "my_probability": round(book["asks"][0]["price"] + 0.15, 3)}
        )
    loose = await desk.call("size_position", bets=both, fraction=1)
    tight = await desk.call("size_position", bets=both, fraction=1, correlation=0.9)
    assert "all scenarios" in loose["method"] and "monte_carlo" in tight["method"]
    assert sum(each["stake"]["value"] for each in tight["bets"]) < sum(each["stake"]["value"] for each in loose["bets"])


async def test_the_tools_are_off_until_named(agent: Agent) -> None:
    offered = {tool.name for tool in (await agent.client.list_tools()).tools}
    assert not any(name.endswith(("simulate_risk", "size_position", "find_patterns")) for name in offered)
