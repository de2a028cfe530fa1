"""Holders, open interest, volume, ranks, resolutions and prices of the data service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client

BUSY, CLOSED = "0x" + f"{13:064x}", "0x" + f"{31:064x}"
BUSY_YES, BUSY_NO = "131", "132"
START = 1778997600


async def get(http: httpx2.AsyncClient, path: str, **query: str) -> Any:
    answer = await http.get("/data" + path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_the_largest_holder_comes_first_and_the_house_is_not_one(
    http: httpx2.AsyncClient, alice: Client, bob: Client
) -> None:
    for client, size in ((alice, "10"), (bob, "20")):
        assert (await client.place(BUSY_YES, "BUY", str(float(size) * 0.51), size)).status_code == 200
    yes, no = await get(http, "/v2/holders", condition_id=BUSY)
    assert [holder["amount"] for holder in yes["holders"]] == [20, 10]
    assert yes["holders"][0]["proxy_wallet"] == bob.wallet.address.lower()
    assert (no["token_id"], no["holders"]) == (BUSY_NO, [])
    yes, _ = await get(http, "/v2/holders", condition=BUSY, limit="1", min_balance="15")
    assert len(yes["holders"]) == 1
    assert await get(http, "/v2/oi", condition=BUSY) == [{"condition_id": BUSY, "value": 30}]
    assert await get(http, "/v2/oi") == [{"condition_id": "GLOBAL", "value": 30}]
    volume = await get(http, "/v2/live-volume", event_id="1")
    assert volume["taker_volume_total"] == 30
    assert await get(http, "/v2/live-volume", event_id="99") is None


async def test_ranks_are_by_profit_or_by_volume(http: httpx2.AsyncClient, alice: Client, bob: Client) -> None:
    await alice.place(BUSY_YES, "BUY", "5.1", "10")
    await alice.place(BUSY_YES, "SELL", "10", "4.9")
    await bob.place(BUSY_YES, "BUY", "5.1", "10")
    by_volume = await get(http, "/v2/leaderboard", sort_by="VOLUME")
    assert [(row["rank"], row["volume"]) for row in by_volume] == [(1, 20), (2, 10)]
    by_profit = await get(http, "/v2/leaderboard", time_period="all")
    assert by_profit[0]["pnl"] >= by_profit[1]["pnl"]
    standing = await get(http, "/v2/leaderboard", user=alice.wallet.address)
    assert standing["rank_volume"] == 1
    assert await get(http, "/v2/leaderboard", user="0x" + "0" * 40) is None


async def test_a_resolution_is_found_by_condition_question_or_event(http: httpx2.AsyncClient) -> None:
    (decided,) = await get(http, "/v2/resolutions", condition=CLOSED)
    assert (decided["status"], decided["price"]) == ("resolved", "1")
    (open_one,) = await get(http, "/v2/resolutions", condition=BUSY)
    assert (open_one["status"], open_one["price"]) == ("initialized", "69")
    assert len(await get(http, "/v2/resolutions", event_id="1")) == 3
    assert await get(http, "/v2/resolutions", question_id="0x" + "7" * 63 + "3") == [open_one]


async def test_prices_are_sampled_and_mirrored(http: httpx2.AsyncClient) -> None:
    query = {"start": str(START - 7200), "end": str(START), "bucket_seconds": "3600"}
    rows = await get(http, "/v2/prices-history", token_id=BUSY_YES, **query)
    assert [(row["timestamp"], row["price"]) for row in rows] == [
        (START - 7200, 0.4),
        (START - 3600, 0.45),
        (START, 0.5),
    ]
    mirrored = await get(http, "/v2/prices-history", token_id=BUSY_NO, **query)
    assert [row["price"] for row in mirrored] == [0.6, 0.55, 0.5]
    assert await get(http, "/v2/prices-history", token_id="1", start="0") == []


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        ("/v2/holders", {}, "condition"),
        ("/v2/holders", {"condition": BUSY, "min_balance": "x"}, "min_balance"),
        ("/v2/oi", {"condition": "0x1"}, "condition"),
        ("/v2/live-volume", {}, "event_id"),
        ("/v2/leaderboard", {"time_period": "year"}, "time_period"),
        ("/v2/leaderboard", {"sort_by": "LUCK"}, "sort_by"),
        ("/v2/resolutions", {}, "condition"),
        ("/v2/prices-history", {"start": "0"}, "token_id"),
        ("/v2/prices-history", {"token_id": BUSY_YES}, "start"),
        ("/v2/prices-history", {"token_id": BUSY_YES, "start": "0", "bucket_seconds": "1"}, "bucket_seconds"),
        ("/v2/prices-history", {"token_id": BUSY_YES, "start": "0", "end": "9999999"}, "end"),
    ],
)
async def test_a_bad_parameter_is_named(
    http: httpx2.AsyncClient, path: str, query: dict[str, str], parameter: str
) -> None:
    answer = await http.get("/data" + path, params=query)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)
