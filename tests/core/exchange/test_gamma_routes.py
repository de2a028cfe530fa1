"""The catalogue: the recorded objects with live fields, filters, pages and search."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx2
import pytest

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Floor

BUSY_CONDITION = "0x" + f"{13:064x}"


async def get(http: httpx2.AsyncClient, path: str, *query: tuple[str, str]) -> Any:
    answer = await http.get("/gamma" + path, params=list(query))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def market_ids(http: httpx2.AsyncClient, *query: tuple[str, str]) -> list[str]:
    return [market["id"] for market in (await get(http, "/markets/keyset", *query))["markets"]]


async def event_ids(http: httpx2.AsyncClient, *query: tuple[str, str]) -> list[str]:
    return [event["id"] for event in (await get(http, "/events/keyset", *query))["events"]]


async def test_a_market_carries_live_prices_over_its_recording(http: httpx2.AsyncClient, floor: Floor) -> None:
    before = await get(http, "/markets/13")
    assert (before["bestBid"], before["bestAsk"], before["spread"]) == (0.49, 0.51, 0.02)
    assert (before["lastTradePrice"], json.loads(before["outcomePrices"])) == (0.5, ["0.5", "0.5"])
    assert before["volume"] == "1000.5"
    floor.enter(floor.account("ann", dollars="100"), "BUY", "0.49", "100", market=13, outcome=1)
    floor.enter(floor.account("ben", dollars="100"), "BUY", "0.5", "50", market=13, outcome=1)
    after = await get(http, "/markets/slug/thing-13")
    assert (after["bestBid"], after["bestAsk"], after["lastTradePrice"]) == (0.49, 0.5, 0.5)
    assert json.loads(after["outcomePrices"]) == ["0.495", "0.505"]
    assert after["volumeNum"] == before["volumeNum"]
    floor.enter(floor.account("cid", dollars="100"), "BUY", "0.51", "100", market=13)
    traded = await get(http, "/markets/13")
    assert (traded["volume"], traded["volumeNum"], traded["lastTradePrice"]) == ("1051", 1051, 0.51)
    assert traded["updatedAt"].endswith("Z")
    event = (await get(http, "/events/1"))["volume"]
    assert event == 2051


async def test_an_empty_side_has_no_best_price(http: httpx2.AsyncClient) -> None:
    market = await get(http, "/markets/11")
    assert "bestBid" not in market and "bestAsk" not in market
    assert "lastTradePrice" not in market


async def test_a_market_names_its_event_and_an_event_holds_its_markets(http: httpx2.AsyncClient) -> None:
    market = await get(http, "/markets/13", ("include_tag", "true"))
    (event,) = market["events"]
    assert (event["slug"], "markets" in event) == ("event-1", False)
    assert market["tags"][0]["slug"] == "topic-1"
    whole = await get(http, "/events/slug/event-1")
    assert [held["id"] for held in whole["markets"]] == ["11", "12", "13"]
    assert all("events" not in held for held in whole["markets"])


async def test_closed_markets_are_listed_only_when_asked_for(http: httpx2.AsyncClient) -> None:
    assert await market_ids(http) == ["11", "12", "21", "13"]
    assert await market_ids(http, ("slug", "thing-31")) == []
    assert await market_ids(http, ("slug", "thing-31"), ("closed", "true")) == ["31"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ([("id", "11"), ("id", "21")], ["11", "21"]),
        ([("slug", "thing-12")], ["12"]),
        ([("condition_ids", BUSY_CONDITION)], ["13"]),
        ([("clob_token_ids", "212")], ["21"]),
        ([("question_ids", "0x" + "7" * 63 + "2")], ["12"]),
        ([("tag_id", "102")], ["21"]),
        ([("tag_id", "101"), ("tag_id", "102"), ("tag_match", "all")], []),
        ([("tag_id", "101"), ("exclude_tag_id", "102")], ["11", "12", "13"]),
        ([("exclude_tag_id", "101")], ["21"]),
        ([("decimalized", "true")], ["21"]),
        ([("active", "false")], []),
        ([("volume_num_min", "2000")], []),
        ([("liquidity_num_max", "50")], ["11", "12", "21", "13"]),
        ([("end_date_max", "2026-06-01")], []),
        ([("end_date_min", "2026-06-01"), ("start_date_max", "2026-02-01T00:00:00Z")], ["11", "12", "21", "13"]),
        ([("order", "id"), ("ascending", "false")], ["21", "13", "12", "11"]),
        ([("order", "lastTradePrice")], None),
        ([("order", "volume_num")], None),
    ],
)
async def test_markets_are_filtered_and_sorted(
    http: httpx2.AsyncClient, query: list[tuple[str, str]], ids: list[str] | None
) -> None:
    if ids is None:
        answer = await http.get(f"/gamma/markets?{urlencode(query)}")
        assert (answer.status_code, answer.json()) == (
            422,
            {"type": "validation error", "error": "order fields are not valid"},
        )
    else:
        assert await market_ids(http, *query) == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ([], ["1", "2", "3"]),
        ([("closed", "false")], ["1", "2"]),
        ([("title_search", "rates")], ["2"]),
        ([("tag_slug", "topic-3")], ["3"]),
        ([("volume_min", "100")], ["1", "2"]),
        ([("order", "volume"), ("ascending", "true")], ["3", "1", "2"]),
        ([("order", "closedTime,id"), ("ascending", "false")], ["3", "2", "1"]),
        ([("slug", "event-2"), ("id", "2")], ["2"]),
    ],
)
async def test_events_are_filtered_and_sorted(
    http: httpx2.AsyncClient, query: list[tuple[str, str]], ids: list[str]
) -> None:
    assert await event_ids(http, *query) == ids


async def test_keyset_pages_follow_each_other_until_no_cursor_is_left(http: httpx2.AsyncClient) -> None:
    first = await get(http, "/markets/keyset", ("limit", "3"))
    second = await get(http, "/markets/keyset", ("limit", "3"), ("after_cursor", first["next_cursor"]))
    assert [market["id"] for market in first["markets"] + second["markets"]] == ["11", "12", "21", "13"]
    assert "next_cursor" not in second
    ignored = await get(http, "/markets/keyset", ("limit", "3"), ("next_cursor", first["next_cursor"]))
    assert ignored == first


async def test_offset_lists_are_deprecated_arrays(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/gamma/events", params={"limit": "1", "offset": "1"})
    assert [event["id"] for event in answer.json()] == ["2"]
    assert answer.headers["deprecation"] == "true"
    assert answer.headers["sunset"] == "Fri, 01 May 2026 00:00:00 GMT"
    assert len((await http.get("/gamma/markets", params={"limit": "5000"})).json()) == 4


@pytest.mark.parametrize(
    ("path", "status", "kind", "text"),
    [
        ("/markets/keyset?offset=5", 422, "validation error", "offset is not allowed on keyset endpoints"),
        (
            "/markets?offset=2001",
            422,
            "validation error",
            "offset too large, use /markets/keyset for deeper pagination",
        ),
        ("/markets?limit=x", 422, "validation error", "limit must be a number"),
        ("/markets/keyset?limit=0", 422, "validation error", "limit must be at least 1"),
        ("/markets?closed=maybe", 422, "validation error", "closed must be true or false"),
        ("/markets?volume_num_min=x", 422, "validation error", "volume_num_min must be a number"),
        ("/markets?end_date_min=x", 422, "validation error", "end_date_min must be a date"),
        ("/events/keyset?after_cursor=%%%", 422, "validation error", "after_cursor is not valid"),
        ("/events?tag_id=1&exclude_tag_id=1", 422, "validation error", "exclude_tag_id must not overlap tag_id"),
        ("/markets/99", 404, "not found error", "market not found"),
        ("/markets/nine", 422, "validation error", "id is invalid"),
        ("/markets/slug/nine", 404, "not found error", "market not found"),
        ("/events/99", 404, "not found error", "event not found"),
        ("/tags/99", 404, "not found error", "tag not found"),
        ("/public-search", 422, "validation error", "required query parameter is missing"),
        ("/public-search?q=thing&sort=luck", 422, "validation error", "sort is not valid"),
    ],
)
async def test_errors_have_a_type_and_a_text(
    http: httpx2.AsyncClient, path: str, status: int, kind: str, text: str
) -> None:
    answer = await http.get("/gamma" + path)
    assert (answer.status_code, answer.json()) == (status, {"type": kind, "error": text})


async def test_tags_are_those_of_the_events(http: httpx2.AsyncClient) -> None:
    tags = await get(http, "/tags")
    assert [tag["slug"] for tag in tags] == ["topic-1", "topic-2", "topic-3"]
    assert await get(http, "/tags/102") == await get(http, "/tags/slug/topic-2") == tags[1]
    assert await get(http, "/events/2/tags") == await get(http, "/markets/21/tags") == [tags[1]]


async def test_search_finds_events_by_the_words_of_their_markets(http: httpx2.AsyncClient) -> None:
    found = await get(http, "/public-search", ("q", "bank cuts rates"))
    assert [event["id"] for event in found["events"]] == ["2"]
    assert found["pagination"] == {"hasMore": False, "totalResults": 1}
    both = await get(http, "/public-search", ("q", "thing"), ("limit_per_type", "1"))
    assert both["pagination"] == {"hasMore": True, "totalResults": 2}
    following = await get(http, "/public-search", ("q", "thing"), ("limit_per_type", "1"), ("page", "2"))
    assert [event["id"] for event in both["events"] + following["events"]] == ["1", "3"]
    assert (await get(http, "/public-search", ("q", "zebra")))["events"] == []


async def test_search_is_narrowed_sorted_and_slimmed(http: httpx2.AsyncClient) -> None:
    closed = await get(http, "/public-search", ("q", "thing"), ("events_status", "closed"))
    assert [event["id"] for event in closed["events"]] == ["3"]
    tagged = await get(http, "/public-search", ("q", "thing"), ("events_tag", "topic-1"))
    assert [event["id"] for event in tagged["events"]] == ["1"]
    cheapest = await get(http, "/public-search", ("q", "thing"), ("sort", "volume"), ("ascending", "true"))
    assert [event["id"] for event in cheapest["events"]] == ["3", "1"]
    topics = await get(http, "/public-search", ("q", "topic"), ("search_tags", "true"), ("search_profiles", "true"))
    assert topics["tags"][0] == {"id": "101", "label": "Topic 1", "slug": "topic-1", "event_count": 1}
    assert topics["profiles"] == []
    slim = await get(http, "/public-search", ("q", "bank"), ("optimized", "true"))
    assert slim["hasMore"] is False
    market = slim["events"][0]["markets"][0]
    assert market["outcomes"] == ["Yes", "No"]
    assert "clobTokenIds" not in market


async def test_a_resolution_closes_market_and_event(http: httpx2.AsyncClient, floor: Floor) -> None:
    floor.exchange.resolve(f"0x{21:064x}", 1)
    market = await get(http, "/markets/21")
    assert (market["closed"], market["acceptingOrders"]) == (True, False)
    assert (market["outcomePrices"], market["umaResolutionStatus"]) == ('["0", "1"]', "resolved")
    assert market["closedTime"] == "2026-05-17 06:00:00+00"
    assert (await get(http, "/events/2"))["closed"] is True
    assert await market_ids(http, ("id", "21")) == []
