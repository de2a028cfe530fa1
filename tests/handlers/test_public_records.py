"""Holders, open interest, rewards, candles, ranks and wallets, as an agent reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import SystemClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.faults import NO_FAULTS, FaultPlan, StatusFault
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from tests.support.exchanges import SOMEBODY, live_urls, somebody_buys

if TYPE_CHECKING:
    from tests.handlers.conftest import Agent, OpenAgent

NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"


def exchange_with(faults: FaultPlan = NO_FAULTS) -> ExchangeServer:
    """An exchange that settles at once, so that a trade is on record when its order was answered."""
    settings = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0, faults=faults)
    return ExchangeServer(Exchange(load_catalogue(), settings, SystemClock()))


@pytest.fixture
async def exchange() -> AsyncIterator[ExchangeServer]:
    async with exchange_with() as server:
        yield server


async def test_a_market_in_full_tells_its_holders_and_the_money_in_it(
    exchange: ExchangeServer, open_agent: OpenAgent, tmp_path: Path
) -> None:
    await somebody_buys(exchange, NO_CHANGE, outcome=0, dollars="20")
    async with open_agent(tmp_path, mode="live", **live_urls(exchange)) as agent:
        (full,) = (await agent.call("get_market", markets=[NO_CHANGE], detail="full"))["markets"]
        (concise,) = (await agent.call("get_market", markets=[NO_CHANGE]))["markets"]
    (holder,) = full["largest_holders"]
    assert (holder["outcome"], holder["wallet"].lower()) == ("Yes", SOMEBODY.address.lower())
    assert holder["shares"] == full["open_interest"] == 20
    assert not {"largest_holders", "open_interest", "rewards"} & concise.keys()


async def test_orders_near_the_midpoint_score_and_the_market_tells_our_share(agent: Agent) -> None:
    terms = (await agent.call("get_market", markets=[NO_CHANGE], detail="full"))["markets"][0]["rewards"]
    assert (terms["min_size"], terms["max_spread_cents"]) == (200, 3.5)
    # So near to 0 or 1, only orders on both sides earn.
    placed = [
        await agent.call(
            "place_order", market_id=NO_CHANGE, outcome=outcome, price=price, size=size, time_in_force="GTC"
        )
        for outcome, price, size in (("Yes", 0.979, 200), ("No", 0.018, 200), ("No", 0.018, 100))
    ]
    orders = (await agent.call("get_orders", status="open"))["orders"]
    scores = {each["order_id"]: each["scores_rewards"] for each in orders}
    assert [scores[each["order_id"]] for each in placed] == [True, True, False]
    assert "scores_rewards" not in (await agent.call("get_orders"))["orders"][0]
    market = (await agent.call("get_market", markets=[NO_CHANGE], detail="full"))["markets"][0]
    assert 0 < market["rewards"]["our_share_pct"] <= 100


async def test_markets_are_told_even_when_the_public_record_fails(open_agent: OpenAgent, tmp_path: Path) -> None:
    faults = FaultPlan.of(StatusFault(kind="status", route="/data/*", status=500, body={"error": "no record"}))
    async with (
        exchange_with(faults) as server,
        open_agent(tmp_path, mode="live", max_retries=0, **live_urls(server)) as agent,
    ):
        answer = await agent.call("get_market", markets=[NO_CHANGE], detail="full")
    assert "no record" in answer["statistics_problem"]
    assert answer["markets"][0]["outcomes"][0]["bid"] == 0.98
    assert "open_interest" not in answer["markets"][0]


async def test_candles_hold_the_points_of_their_time(agent: Agent) -> None:
    whole = await agent.call("get_price_history", market_id=NO_CHANGE, candles="4h", max_points=90)
    assert all(each["low"] <= min(each["open"], each["close"]) for each in whole["candles"])
    assert all(each["high"] >= max(each["open"], each["close"]) for each in whole["candles"])
    assert whole["low"] == min(each["low"] for each in whole["candles"])
    latest = await agent.call("get_price_history", market_id=NO_CHANGE, candles="4h", max_points=5)
    assert latest["candles"] == whole["candles"][-5:]
    assert latest["thinned_from"] == len(whole["candles"])
    start, end = whole["candles"][3]["at"], whole["candles"][6]["at"]
    window = await agent.call("get_price_history", market_id=NO_CHANGE, candles="4h", start=start, end=end)
    assert [each["at"] for each in window["candles"]] == [each["at"] for each in whole["candles"][3:7]]


@pytest.mark.parametrize(
    "arguments",
    [
        {"candles": "1m", "interval": "1w"},
        {"candles": "1h", "start": "2026-05-16T00:00:00Z", "end": "2026-05-15T00:00:00Z"},
    ],
)
async def test_too_many_candles_or_none_are_refused_with_the_number(agent: Agent, arguments: dict[str, str]) -> None:
    error = await agent.refused("get_price_history", market_id=NO_CHANGE, **arguments)
    assert error["code"] == "window"
    assert "1 to 1000 candles" in error["message"]


async def test_a_period_without_a_history_has_no_candles(agent: Agent) -> None:
    window = {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}
    answer = await agent.call("get_price_history", market_id=NO_CHANGE, candles="1h", **window)
    assert answer["candles"] == []
    assert "no history" in answer["note"]


async def test_traders_are_ranked_and_one_wallet_is_read(
    exchange: ExchangeServer, open_agent: OpenAgent, tmp_path: Path
) -> None:
    await somebody_buys(exchange, NO_CHANGE, outcome=0, dollars="20")
    async with open_agent(tmp_path, mode="live", toolsets=("all",), **live_urls(exchange)) as agent:
        ranking = (await agent.call("get_traders", order="volume"))["ranking"]
        assert [each["wallet"].lower() for each in ranking] == [SOMEBODY.address.lower()]
        record = await agent.call("get_traders", wallet=SOMEBODY.address)
    assert record["ranking"][0]["rank"] == 1
    (position,) = record["positions"]
    assert position["market"] == NO_CHANGE
    assert record["value"] == pytest.approx(float(Decimal(str(position["shares"])) * Decimal("0.9805")), abs=0.05)
    (deed,) = record["activity"]
    assert (deed["kind"], deed["side"], deed["outcome"]) == ("trade", "BUY", "Yes")


async def test_a_wallet_without_a_record_and_one_that_is_none(open_agent: OpenAgent, tmp_path: Path) -> None:
    async with open_agent(tmp_path, toolsets=("all",)) as agent:
        nobody = await agent.call("get_traders", wallet="0x" + "9" * 40)
        assert nobody["positions"] == nobody["activity"] == nobody["ranking"] == []
        assert "No position" in nobody["note"]
        error = await agent.refused("get_traders", wallet="0x12")
        assert error["code"] == "invalid_arguments"


async def test_status_in_full_tells_how_long_the_venue_takes(agent: Agent) -> None:
    assert "routes" not in await agent.call("get_status")
    for _ in range(2):
        await agent.call("get_market", markets=[NO_CHANGE])
    routes = {each["route"]: each for each in (await agent.call("get_status", detail="full"))["routes"]}
    assert not any(route.startswith("order") for route in routes)
    market = routes["GET gamma /markets/slug/{id}"]
    assert (market["calls"], market["from_cache"]) == (2, 1)
    assert 0 < market["p50_ms"] <= market["p95_ms"]


async def test_status_in_full_tells_how_long_an_order_takes_by_stage(agent: Agent) -> None:
    await agent.call("place_order", market_id=NO_CHANGE, outcome="Yes", spend_usd=10)
    await agent.refused("place_order", market_id=NO_CHANGE, outcome="Yes", size=100000)
    routes = {each["route"]: each for each in (await agent.call("get_status", detail="full"))["routes"]}
    assert routes["order planning"]["calls"] == 2
    assert routes["order planning"]["errors"] == {"InputRejected": 1}
    for stage in ("order signing and journal", "order at the venue"):
        assert routes[stage]["calls"] == 1
        assert routes[stage]["p95_ms"] > 0
