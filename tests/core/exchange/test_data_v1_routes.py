"""The first version of the data service tells the same as the second, in its own spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from polydesk.core.exchange.position_operations import split_position
from polydesk.core.exchange.venue import Exchange

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client

BUSY = "0x" + f"{13:064x}"
NOBODY = "0x" + "12" * 20


async def rows(http: httpx2.AsyncClient, path: str, **query: str) -> Any:
    answer = await http.get("/data" + path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_a_wallet_did_shows_in_every_record(
    alice: Client, http: httpx2.AsyncClient, exchange: Exchange
) -> None:
    user = alice.wallet.address
    await alice.place("131", "BUY", "5.1", "10")
    await alice.place("131", "SELL", "5", "2.4")
    split_position(exchange, exchange.accounts.open_account(user), BUSY, 3_000_000)
    held = {row["asset"]: row["size"] for row in await rows(http, "/positions", user=user)}
    assert held == {"131": 8, "132": 3}
    assert len(await rows(http, "/positions", user=user, sizeThreshold="5")) == 1
    assert await rows(http, "/positions", user=user, market="0x00") == []
    assert [row["side"] for row in await rows(http, "/trades", user=user)] == ["SELL", "BUY"]
    assert len(await rows(http, "/trades", user=user, side="BUY", limit="1")) == 1
    assert len(await rows(http, "/trades", market=BUSY, takerOnly="false")) == 4
    assert {row["type"] for row in await rows(http, "/activity", user=user)} == {"TRADE", "SPLIT"}
    assert [row["usdcSize"] for row in await rows(http, "/activity", user=user, type="SPLIT")] == [3]
    assert (await rows(http, "/value", user=user))[0]["value"] > 0
    assert await rows(http, "/traded", user=user) == {"user": user.lower(), "traded": 1}
    yes, no = await rows(http, "/holders", market=BUSY)
    assert [holder["amount"] for group in (yes, no) for holder in group["holders"]] == [8, 3]
    assert (await rows(http, "/oi", market=BUSY))[0]["market"] == BUSY
    assert (await rows(http, "/oi"))[0]["market"] == "GLOBAL"
    assert (await rows(http, "/live-volume", id="1"))[0]["total"] == 15
    (ranked,) = await rows(http, "/v1/leaderboard", user=user, orderBy="VOL")
    assert (ranked["rank"], ranked["proxyWallet"]) == ("1", user.lower())


async def test_a_position_that_was_sold_is_closed(alice: Client, http: httpx2.AsyncClient) -> None:
    await alice.place("131", "BUY", "5.1", "10")
    await alice.place("131", "SELL", "10", "4.8")
    (row,) = await rows(http, "/closed-positions", user=alice.wallet.address)
    assert (row["asset"], row["realizedPnl"]) == ("131", -0.2)
    assert await rows(http, "/positions", user=alice.wallet.address) == []


@pytest.mark.parametrize("path", ["/positions", "/closed-positions", "/activity", "/trades"])
async def test_nobody_has_no_record(http: httpx2.AsyncClient, path: str) -> None:
    assert await rows(http, path, user=NOBODY) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/positions", "required query param 'user' not provided"),
        ("/activity?user=0x12", "required query param 'user' not provided"),
        ("/holders", "required query param 'market' not provided"),
        ("/live-volume", "required query param 'id' not provided"),
        ("/trades?offset=10001", "max historical trades offset of 10000 exceeded"),
        ("/trades?limit=x", "invalid value for query param 'limit'"),
        (f"/positions?user={NOBODY}&sizeThreshold=x", "invalid value for query param 'sizeThreshold'"),
        ("/v1/leaderboard?orderBy=LUCK", "invalid value for query param 'orderBy'"),
    ],
)
async def test_errors_are_plain(http: httpx2.AsyncClient, path: str, text: str) -> None:
    answer = await http.get("/data" + path)
    assert (answer.status_code, answer.json()) == (400, {"error": text})
