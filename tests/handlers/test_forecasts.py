"""Forecasts are written down before a market is decided, and scored afterwards against its price of then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.clock import ShiftedClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from tests.support.live_desk import live_client
from tests.support.processes import FED, answer_of, error_of

if TYPE_CHECKING:
    from tests.handlers.conftest import Agent

RESOLVED = "no-change-in-fed-interest-rates-after-june-2025-meeting"


@pytest.fixture
async def venue() -> AsyncIterator[ExchangeServer]:
    # The venue tells the second in which a market was closed, and a forecast of that second would come too late.
    ahead = ShiftedClock(datetime.now(UTC) + timedelta(seconds=3))
    exchange = Exchange(load_catalogue(), ExchangeSettings(simulated_traders=False), ahead)
    async with ExchangeServer(exchange) as server:
        yield server


def resolve(venue: ExchangeServer, slug: str, winner: int | None) -> None:
    (listing,) = (each for each in venue.exchange.markets.listings if each.recorded.gamma["slug"] == slug)
    venue.exchange.resolve(listing.condition_id, winner)


async def scores_of(client: Any, **arguments: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await answer_of(client, "score_forecasts", **arguments))["scores"]
    return found


async def test_a_forecast_carries_the_price_and_its_author_and_is_scored_once_its_market_is_decided(
    venue: ExchangeServer, tmp_path: Path
) -> None:
    async with live_client(venue, state_dir=tmp_path) as client:
        made = await answer_of(client, "record_forecast", market_id=FED, outcome="No", probability=0.1, reasons="calm")
        assert (made["author"], made["is_first"], made["outcome"]) == ("mcp", True, "No")
        assert made["market_price"] == pytest.approx(0.0195)
        again = await answer_of(client, "record_forecast", market_id=FED, probability=0.95)
        assert again["is_first"] is False
        (waiting,) = await scores_of(client)
        assert (waiting["events"], waiting["forecasts"], waiting["undecided"]) == (0, 2, 1)

        resolve(venue, FED, 0)
    # The catalogue is cached for minutes: the next desk asks anew.
    async with live_client(venue, state_dir=tmp_path) as client:
        (score,) = await scores_of(client, detail="full")
    assert score["verdict"].startswith("too few to say: 1 of 30")
    assert score["brier"] == pytest.approx(0.01)  # 0.9 that Yes, said first
    assert score["market_brier"] == pytest.approx((1 - 0.9805) ** 2, abs=1e-4)
    assert score["skill"] < 0
    assert score["calibration"] == [{"said": 0.9, "came_true": 1, "markets": 1}]


async def test_analyses_are_kept_apart_from_what_was_recorded_on_purpose(venue: ExchangeServer, tmp_path: Path) -> None:
    async with live_client(venue, state_dir=tmp_path) as client:
        await answer_of(client, "analyze_market", market_id=FED, outcome="No")
        await answer_of(client, "analyze_market", market_id=FED, my_probability=0.5)
        await answer_of(client, "record_forecast", market_id=FED, probability=0.7)
        found = {(each["author"], each["kind"]): each["forecasts"] for each in await scores_of(client)}
        assert found == {("mcp", "deliberate"): 1, ("mcp", "with analyses"): 1, ("polydesk", "with analyses"): 1}
        (own,) = await scores_of(client, author="polydesk")
        assert own["kind"] == "with analyses"


async def test_what_is_known_already_cannot_be_forecast(venue: ExchangeServer, tmp_path: Path) -> None:
    async with live_client(venue, state_dir=tmp_path) as client:
        refused = await error_of(client, "record_forecast", market_id=RESOLVED, probability=0.99)
        assert (refused["code"], refused["anything_sent"]) == ("market_closed", "no")
        assert await scores_of(client) == []


@pytest.mark.parametrize("probability", [0, 1, -0.2, 1.4, "likely"])
async def test_a_probability_lies_between_never_and_always(
    venue: ExchangeServer, tmp_path: Path, probability: object
) -> None:
    async with live_client(venue, state_dir=tmp_path) as client:
        refused = await error_of(client, "record_forecast", market_id=FED, probability=probability)
        assert refused["code"] == "invalid_arguments"


async def test_a_split_payout_is_scored_for_nobody_and_not_asked_about_again(
    venue: ExchangeServer, tmp_path: Path
) -> None:
    async with live_client(venue, state_dir=tmp_path) as client:
        await answer_of(client, "record_forecast", market_id=FED, probability=0.7)
        resolve(venue, FED, None)
    async with live_client(venue, state_dir=tmp_path) as client:
        (score,) = await scores_of(client)
        assert (score["markets"], score["undecided"]) == (0, 0)


@pytest.mark.parametrize("by", ["category", "horizon"])
async def test_scores_can_be_split_further(venue: ExchangeServer, tmp_path: Path, by: str) -> None:
    async with live_client(venue, state_dir=tmp_path) as client:
        await answer_of(client, "record_forecast", market_id=FED, probability=0.7)
        resolve(venue, FED, 1)
    async with live_client(venue, state_dir=tmp_path) as client:
        (score,) = await scores_of(client, by=by)
        assert score["group"]
        assert score["brier"] == pytest.approx(0.49)


async def test_a_reader_may_look_at_scores_and_not_record(venue: ExchangeServer, tmp_path: Path) -> None:
    async with live_client(venue, state_dir=tmp_path, read_only=True) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "polymarket_score_forecasts" in names
        assert "polymarket_record_forecast" not in names


async def test_scores_are_split_by_the_source_of_the_news(venue: ExchangeServer, tmp_path: Path) -> None:
    async with live_client(venue, state_dir=tmp_path) as client:
        told = {"stance": "supports", "strength": 1}
        news = [{"title": "One", "source": "Reuters", **told}, {"title": "Two", "url": "https://a.example/x", **told}]
        await answer_of(client, "analyze_market", market_id=FED, news=news)
        resolve(venue, FED, 0)
    async with live_client(venue, state_dir=tmp_path) as client:
        answer = await answer_of(client, "score_forecasts", by="source", detail="full")
    assert {each["group"] for each in answer["scores"]} == {"Reuters", "a.example"}
    assert answer["scores"][0]["calibration_plot"][0].startswith("0.9-1.0 ")


async def test_an_order_names_the_forecast_that_it_follows(agent: Agent) -> None:
    forecast = (await agent.call("record_forecast", market_id=FED, probability=0.99))["forecast_id"]
    order = {"market_id": FED, "outcome": "Yes", "spend_usd": 5}
    placed = await agent.call("place_order", **order, forecast_id=forecast)
    (line,) = (await agent.call("get_orders", order_id=placed["order_id"]))["orders"]
    assert line["forecast_id"] == forecast
    draft = (await agent.call("preview_order", market_id=FED, outcome="Yes", spend_usd=7))["draft_id"]
    await agent.call("place_order", draft_id=draft, forecast_id=forecast)
    plain = await agent.call("place_order", market_id=FED, outcome="Yes", spend_usd=9)
    kept = {each["order_id"]: each.get("forecast_id") for each in (await agent.call("get_orders"))["orders"]}
    assert list(kept.values()).count(forecast) == 2
    assert kept[plain["order_id"]] is None
    # the forecast is no part of the trade: repeated without it, the call still finds its order
    again = await agent.call("place_order", **order)
    assert (again["already_placed"], again["order_id"]) == (True, placed["order_id"])


async def test_an_order_cannot_follow_a_forecast_of_another_market(agent: Agent) -> None:
    other = "will-the-fed-decrease-interest-rates-by-25-bps-after-the-june-2026-meeting"
    forecast = (await agent.call("record_forecast", market_id=other, probability=0.01))["forecast_id"]
    for wrong in (forecast, "f-none"):
        error = await agent.refused("place_order", market_id=FED, outcome="Yes", spend_usd=5, forecast_id=wrong)
        assert (error["code"], error["anything_sent"]) == ("unknown_forecast", "no")
    assert (await agent.call("get_orders"))["orders"] == []
