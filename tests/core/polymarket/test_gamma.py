"""The catalogue client against a local venue: what it asks for and how it reads the answers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.errors import InputRejected, UnexpectedPayload
from polydesk.core.identifiers import ConditionId, EventId, MarketId, TokenId
from polydesk.core.money import NO_FEES, FeeSchedule
from polydesk.core.polymarket.gamma import GammaClient
from polydesk.core.polymarket.transport import Transport

if TYPE_CHECKING:
    from tests.core.polymarket.conftest import ScriptedVenue

CONDITION = ConditionId("0x" + "aa" * 32)


def market(market_id: str = "900001", **changes: Any) -> dict[str, Any]:
    return {
        "id": market_id,
        "question": "Will it rain?",
        "conditionId": CONDITION,
        "slug": f"rain-{market_id}",
        "outcomes": '["Yes", "No"]',
        "outcomePrices": '["0.505", "0.495"]',
        "clobTokenIds": '["111", "222"]',
        "endDate": "2026-06-30T23:59:00Z",
        "startDate": "2026-01-02",
        "updatedAt": "2026-01-02T10:00:00.05325Z",
        "volume": "1234.5",
        "volumeNum": 1234.5,
        "volume24hr": 10.1,
        "liquidity": "20.25",
        "active": True,
        "closed": False,
        "acceptingOrders": True,
        "negRisk": None,
        "orderPriceMinTickSize": 0.001,
        "orderMinSize": 5,
        "bestBid": 0.5,
        "bestAsk": 0.51,
        "feesEnabled": True,
        "feeSchedule": {"exponent": 1, "rate": 0.04, "takerOnly": True, "rebateRate": 0.25},
        "events": [{"id": 70001, "slug": "weather", "title": "Weather", "category": "Climate"}],
        "tags": [{"id": "1", "label": "Climate", "slug": "climate"}],
        **changes,
    }


@pytest.fixture
def gamma(transport: Transport) -> GammaClient:
    return GammaClient(transport)


async def test_a_market_is_read_exactly(venue: ScriptedVenue, gamma: GammaClient) -> None:
    venue.on("GET", "/markets/900001", venue.json(market()))
    found = await gamma.market(MarketId("900001"))
    assert found is not None
    assert [(outcome.label, outcome.token_id, outcome.price) for outcome in found.outcomes] == [
        ("Yes", "111", Decimal("0.505")),
        ("No", "222", Decimal("0.495")),
    ]
    assert found.volume == Decimal("1234.5")
    assert found.liquidity == Decimal("20.25")
    assert found.best_ask == Decimal("0.51")
    assert found.tick == Decimal("0.001")
    assert found.fees == FeeSchedule(Decimal("0.04"), 1, True, Decimal("0.25"))
    assert found.end_date == datetime(2026, 6, 30, 23, 59, tzinfo=UTC)
    assert found.start_date == datetime(2026, 1, 2, tzinfo=UTC)
    assert (found.event_id, found.event_slug, found.category) == ("70001", "weather", "Climate")
    assert found.tags == ("Climate",)
    assert found.tradable
    assert found.fetched_at == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert ("include_tag", "true") in venue.last.query


async def test_slugs_and_ids_that_the_venue_does_not_know_are_none(gamma: GammaClient) -> None:
    assert await gamma.market(MarketId("1")) is None
    assert await gamma.market_by_slug("no-such") is None
    assert await gamma.event(EventId("1")) is None
    assert await gamma.event_by_slug("no-such") is None


async def test_text_from_outside_cannot_reach_another_route(venue: ScriptedVenue, gamma: GammaClient) -> None:
    assert await gamma.market_by_slug("../../tags?x=1") is None
    assert venue.last.path == "/markets/slug/..%2F..%2Ftags%3Fx%3D1"


@pytest.mark.parametrize(
    ("changes", "status", "winner"),
    [
        ({"closed": True, "outcomePrices": '["0", "1"]', "umaResolutionStatus": "resolved"}, "resolved", "No"),
        ({"closed": True, "outcomePrices": '["1", "0"]', "umaResolutionStatuses": '["proposed"]'}, "resolved", "Yes"),
        ({"closed": True, "outcomePrices": '["0.5", "0.5"]', "umaResolutionStatus": "resolved"}, "resolved", None),
        ({"closed": True, "outcomePrices": '["0", "0"]'}, "", None),
        ({"closed": True, "outcomePrices": '["1", "0"]', "umaResolutionStatus": "disputed"}, "disputed", None),
        ({"outcomePrices": '["1", "0"]', "umaResolutionStatuses": '["proposed","disputed"]'}, "disputed", None),
        ({}, "", None),
    ],
)
async def test_a_winner_is_named_only_when_it_is_final(
    venue: ScriptedVenue, gamma: GammaClient, changes: dict[str, Any], status: str, winner: str | None
) -> None:
    venue.on("GET", "/markets/900001", venue.json(market(closedTime="2026-05-09 02:07:01+00", **changes)))
    found = await gamma.market(MarketId("900001"))
    assert found is not None
    assert (found.resolution.status, found.resolution.winner) == (status, winner)
    assert found.resolution.closed_at == datetime(2026, 5, 9, 2, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "fees"),
    [
        ({"feesEnabled": False}, NO_FEES),
        ({"feesEnabled": None, "feeSchedule": None}, NO_FEES),
        ({"feesEnabled": True, "feeSchedule": None}, FeeSchedule(rate=Decimal("0.07"))),
        ({"feesEnabled": None, "feeSchedule": {"rate": 0.05, "exponent": 1}}, FeeSchedule(rate=Decimal("0.05"))),
    ],
)
async def test_fees_are_never_guessed_too_low(
    venue: ScriptedVenue, gamma: GammaClient, changes: dict[str, Any], fees: FeeSchedule
) -> None:
    venue.on("GET", "/markets/900001", venue.json(market(**changes)))
    found = await gamma.market(MarketId("900001"))
    assert found is not None
    assert found.fees == fees


async def test_a_market_with_holes_is_still_a_market(venue: ScriptedVenue, gamma: GammaClient) -> None:
    venue.on("GET", "/markets/1", venue.json({"id": 1, "outcomes": ["A", "B"], "volume": "", "bestBid": None}))
    found = await gamma.market(MarketId("1"))
    assert found is not None
    assert found.id == "1"
    assert [outcome.token_id for outcome in found.outcomes] == ["", ""]
    assert (found.volume, found.best_bid, found.tick, found.min_size) == (Decimal(0), None, Decimal("0.01"), Decimal(5))


async def test_a_market_of_another_shape_names_the_field(venue: ScriptedVenue, gamma: GammaClient) -> None:
    page = {"markets": [market(), market(endDate="tomorrow")]}
    venue.on("GET", "/markets/keyset", venue.json(page))
    with pytest.raises(UnexpectedPayload) as changed:
        await gamma.markets()
    assert changed.value.path == "markets.1.endDate"


async def test_searching_asks_for_active_events_and_reads_the_page(venue: ScriptedVenue, gamma: GammaClient) -> None:
    event = {"id": "7", "slug": "weather", "title": "Weather", "negRisk": True, "markets": [market()], "tags": None}
    venue.on(
        "GET",
        "/public-search",
        venue.json({"events": [event], "pagination": {"hasMore": True, "totalResults": 46940}}),
    )
    page = await gamma.search("rain & snow", limit=5, page=2)
    assert dict(venue.last.query) == {
        "q": "rain & snow",
        "page": "2",
        "limit_per_type": "5",
        "events_status": "active",
        "search_tags": "false",
        "search_profiles": "false",
    }
    assert (page.has_more, page.total) == (True, 46940)
    assert page.events[0].neg_risk
    assert page.events[0].markets[0].event_slug == "weather"


async def test_the_slim_search_answer_is_read_too(venue: ScriptedVenue, gamma: GammaClient) -> None:
    venue.on("GET", "/public-search", venue.json({"events": None, "hasMore": False}))
    page = await gamma.search("nothing", status=None)
    assert (page.events, page.has_more, page.total) == ((), False, 0)
    assert "events_status" not in dict(venue.last.query)
    venue.on("GET", "/public-search", venue.json([]))
    with pytest.raises(UnexpectedPayload):
        await gamma.search("something")


async def test_pages_go_on_by_cursor(venue: ScriptedVenue, gamma: GammaClient) -> None:
    venue.on(
        "GET",
        "/markets/keyset",
        venue.json({"markets": [market()], "next_cursor": "abc"}),
        venue.json({"markets": [], "next_cursor": ""}),
    )
    page = await gamma.markets(limit=1, order="volume24hr", ascending=False, tag_id="21")
    assert page.next_cursor == "abc"
    assert ("order", "volume24hr") in venue.last.query
    assert ("ascending", "false") in venue.last.query
    last = await gamma.markets(limit=1, after_cursor=page.next_cursor)
    assert ("after_cursor", "abc") in venue.last.query
    assert last.next_cursor is None


async def test_ids_are_looked_for_among_closed_markets_too(venue: ScriptedVenue, gamma: GammaClient) -> None:
    venue.on(
        "GET",
        "/markets/keyset",
        venue.json({"markets": [market("1")]}),
        venue.json({"markets": [market("1"), market("2", closed=True)]}),
    )
    page = await gamma.markets(token_ids=[TokenId("111"), TokenId("333")])
    assert [found.id for found in page.markets] == ["1", "2"]
    assert [query for query in venue.requests[0].query if query[0] == "clob_token_ids"] == [
        ("clob_token_ids", "111"),
        ("clob_token_ids", "333"),
    ]
    assert "closed" not in dict(venue.requests[0].query)
    assert dict(venue.requests[1].query)["closed"] == "true"


async def test_one_look_is_enough_when_all_ids_are_found(venue: ScriptedVenue, gamma: GammaClient) -> None:
    venue.on("GET", "/markets/keyset", venue.json({"markets": [market("1")]}))
    await gamma.markets(condition_ids=[CONDITION])
    await gamma.markets(slugs=["rain-1"], closed=True)
    assert len(venue.requests) == 2


async def test_impossible_pages_are_refused_before_sending(venue: ScriptedVenue, gamma: GammaClient) -> None:
    with pytest.raises(InputRejected, match="101 ids"):
        await gamma.markets(token_ids=[TokenId(str(number)) for number in range(101)])
    for limit in (0, 101):
        with pytest.raises(InputRejected, match="limit"):
            await gamma.markets(limit=limit)
    assert venue.requests == []


async def test_events_come_with_their_markets(venue: ScriptedVenue, gamma: GammaClient) -> None:
    event = {"id": "7", "slug": "weather", "title": "Weather", "volume": 12.5, "markets": [market()]}
    venue.on("GET", "/events/keyset", venue.json({"events": [event], "next_cursor": None}))
    venue.on("GET", "/events/7", venue.json(event))
    venue.on("GET", "/events/slug/weather", venue.json({**event, "tags": [{"id": "3", "label": "Sky"}]}))
    page = await gamma.events(limit=3, closed=False)
    assert page.events[0].volume == Decimal("12.5")
    by_id, by_slug = await gamma.event(EventId("7")), await gamma.event_by_slug("weather")
    assert by_id is not None
    assert by_slug is not None
    assert by_id.markets[0].event_title == "Weather"
    assert by_slug.tags == ("Sky",)


async def test_tags_are_subjects(venue: ScriptedVenue, gamma: GammaClient) -> None:
    venue.on("GET", "/tags", venue.json([{"id": "21", "label": "Crypto", "slug": "crypto"}]))
    assert [(tag.id, tag.label, tag.slug) for tag in await gamma.tags()] == [("21", "Crypto", "crypto")]


async def test_the_catalogue_is_cached_for_five_minutes(venue: ScriptedVenue, gamma: GammaClient) -> None:
    venue.on("GET", "/markets/900001", venue.json(market()), venue.json(market(question="Changed?")))
    await gamma.market(MarketId("900001"))
    cached = await gamma.market(MarketId("900001"))
    fresh = await gamma.market(MarketId("900001"), fresh=True)
    assert cached is not None
    assert fresh is not None
    assert (cached.question, fresh.question) == ("Will it rain?", "Changed?")
    assert len(venue.requests) == 2
