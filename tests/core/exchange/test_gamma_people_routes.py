"""Sports, teams, profiles and comments, of which the recordings have few or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sports", []),
        ("/sports/market-types", {"marketTypes": []}),
        ("/teams", []),
        ("/comments/7", []),
        ("/comments/user_address/0x12", []),
        ("/comments/keyset?parent_entity_type=Event&parent_entity_id=1", {"comments": []}),
    ],
)
async def test_there_is_nothing_to_tell(http: httpx2.AsyncClient, path: str, body: object) -> None:
    answer = await http.get("/gamma" + path)
    assert (answer.status_code, answer.json()) == (200, body)


async def test_a_trader_has_a_profile_and_nobody_else(alice: Client, http: httpx2.AsyncClient) -> None:
    known = await http.get("/gamma/public-profile", params={"address": alice.wallet.address})
    assert known.json()["proxyWallet"] == alice.wallet.address.lower()
    unknown = await http.get("/gamma/public-profile", params={"address": "0x" + "12" * 20})
    assert (unknown.status_code, unknown.json()) == (404, {"type": "not found error", "error": "profile not found"})
    wrong = await http.get("/gamma/public-profile", params={"address": "0x12"})
    assert (wrong.status_code, wrong.json()) == (400, {"type": "validation error", "error": "invalid address"})


async def test_comments_need_their_subject(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/gamma/comments/keyset")).status_code == 422


async def test_the_latest_trades_of_a_market_are_live_activity(alice: Client, http: httpx2.AsyncClient) -> None:
    await alice.place("131", "BUY", "5.1", "10")
    (row,) = (await http.get("/clob/markets/live-activity/0x" + f"{13:064x}")).json()
    assert (row["event_type"], row["side"], row["size"], row["price"]) == ("trade", "BUY", "10", "0.51")
    assert row["user"]["address"] == alice.wallet.address


async def test_no_orders_are_left_of_the_former_protocol(alice: Client) -> None:
    assert (await alice.call("GET", "/data/pre-migration-orders")).json()["data"] == []
