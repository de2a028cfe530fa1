"""One wallet's record in figures, tokens by id, and an archive of what it has."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from polydesk.core.exchange.venue import Exchange

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client

BUSY = "0x" + f"{13:064x}"
NOBODY = "0x" + "12" * 20


async def data(http: httpx2.AsyncClient, path: str, **query: str) -> Any:
    answer = await http.get("/data/v2" + path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_figures_of_a_wallet_that_traded(alice: Client, http: httpx2.AsyncClient, exchange: Exchange) -> None:
    await alice.place("131", "BUY", "5.1", "10")
    await alice.place("131", "SELL", "5", "2.4")
    user = alice.wallet.address
    stats = await data(http, "/user-stats", user=user)
    assert (stats["trades"], stats["all_time_pnl"]["trade_count"]) == (1, 2)
    volume = await data(http, "/user-volume", user=user)
    assert volume == {"volume": 15, "volume_usdc": 7.55, "trade_count": 2}
    assert (await data(http, "/user-volume", user=user, start=str(exchange.now_s + 1)))["trade_count"] == 0
    series = await data(http, "/user-pnl", user=user, interval="1w")
    assert (series["interval"], len(series["points"])) == ("1w", 1)
    assert series["points"][0]["realized_pnl"] == pytest.approx(-0.1)


async def test_a_wallet_that_nobody_uses(http: httpx2.AsyncClient) -> None:
    assert await data(http, "/user-stats", user=NOBODY) is None
    assert (await data(http, "/user-pnl", user=NOBODY))["points"] == []
    assert (await data(http, "/user-volume", user=NOBODY))["trade_count"] == 0


async def test_tokens_are_described_by_id_or_market(http: httpx2.AsyncClient, exchange: Exchange) -> None:
    (row,) = await data(http, "/tokens", token_id="132")
    assert (row["condition_id"], row["outcome"], row["opposite_token_id"], row["resolved"]) == (
        BUSY,
        "No",
        "131",
        False,
    )
    assert row["final_price"] is None
    exchange.resolve(BUSY, 1)
    assert [row["final_price"] for row in await data(http, "/tokens", condition=BUSY)] == [0, 1]


async def test_every_contract_is_approved_up_to_the_allowance(
    alice: Client, http: httpx2.AsyncClient, exchange: Exchange
) -> None:
    approved = await data(http, "/approvals", user=alice.wallet.address)
    assert approved["chain_id"] == 137
    assert {row.get("amount") for row in approved["contracts"] if row["approved"]} == {"max", None}
    exchange.controls.allow(alice.wallet.address, 7)
    limited = await data(http, "/approvals", user=alice.wallet.address)
    assert {row["amount"] for row in limited["contracts"] if row["standard"] == "ERC20"} == {"7"}


async def test_winners_are_ranked(alice: Client, http: httpx2.AsyncClient, exchange: Exchange) -> None:
    await alice.place("131", "BUY", "5.1", "10")
    assert await data(http, "/biggest-winners") == []
    exchange.resolve(BUSY, 0)
    (row,) = await data(http, "/biggest-winners")
    assert (row["win_rank"], row["user_id"], row["pnl"]) == (1, alice.wallet.address.lower(), 4.9)


async def test_the_snapshot_is_an_archive_of_positions_and_equity(alice: Client, http: httpx2.AsyncClient) -> None:
    await alice.place("131", "BUY", "5.1", "10")
    answer = await http.get("/data/v1/accounting/snapshot", params={"user": alice.wallet.address})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        (position,) = csv.DictReader(io.StringIO(archive.read("positions.csv").decode()))
        (equity,) = csv.DictReader(io.StringIO(archive.read("equity.csv").decode()))
    assert (position["token_id"], position["current_size"]) == ("131", "10.0")
    assert float(equity["cash_usdc"]) == 994.9


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/user-pnl?user=" + NOBODY + "&interval=2d", "interval"),
        ("/user-pnl?user=" + NOBODY + "&fidelity=2d", "fidelity"),
        ("/user-stats?user=0x12", "user"),
        ("/tokens", "token_id"),
        ("/tokens?condition=0x12", "condition"),
        ("/prices-history?token_id=131&interval=2d", "interval"),
        ("/prices-history?token_id=131&interval=1w&bucket_seconds=60", "bucket_seconds"),
        ("/prices-history?token_id=131&interval=1w&as_of=5", "start"),
    ],
)
async def test_errors_name_the_parameter(http: httpx2.AsyncClient, path: str, parameter: str) -> None:
    answer = await http.get("/data/v2" + path)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


async def test_price_histories_come_by_interval_or_at_one_moment(http: httpx2.AsyncClient, exchange: Exchange) -> None:
    rows = await data(http, "/prices-history", token_id="131", interval="1h")
    assert rows and {row["resolution_seconds"] for row in rows} == {60}
    (row,) = await data(http, "/prices-history", token_id="132", as_of=str(exchange.now_s - 3600))
    assert (row["price"], row["resolution_seconds"]) == (0.55, 0)
    assert await data(http, "/prices-history", token_id="131", as_of="5") == []


@pytest.mark.parametrize("path", ["/builders/leaderboard", "/builders/volume", "/positions/combos", "/activity/combos"])
async def test_what_does_not_exist_is_an_empty_page(http: httpx2.AsyncClient, path: str) -> None:
    assert await data(http, path, user=NOBODY) == []
