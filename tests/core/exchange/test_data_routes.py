"""Positions, trades, activity and value of an account, in the envelope of version 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from polydesk.core.clock import ManualClock

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client, Floor

EMPTY_YES, EMPTY_NO, FEE_YES, BUSY_YES = "111", "112", "121", "131"
BUSY_CONDITION = "0x" + f"{13:064x}"
WALLET = "0x2e234DAe75C793f67A35089C9d99245E1C58470b"


async def get(http: httpx2.AsyncClient, path: str, **query: str) -> Any:
    answer = await http.get("/data" + path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_position_shows_cost_fees_value_and_profit(
    alice: Client, bob: Client, http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    await bob.place("122", "BUY", "60", "100")  # offers the first outcome at 0.4
    await alice.place(FEE_YES, "BUY", "40", "100")
    await bob.place(FEE_YES, "BUY", "10", "50")  # bids 0.2
    await bob.place("122", "BUY", "8", "20")  # offers at 0.6: the midpoint is 0.4
    envelope = await get(http, "/v2/positions", user=alice.wallet.address)
    assert envelope["pagination"] == {"limit": 100, "offset": 0, "has_more": False, "next_cursor": None}
    (row,) = envelope["data"]
    now = int(clock.now().timestamp())
    assert {name: row[name] for name in list(row)[:17]} == {
        "proxy_wallet": alice.wallet.address.lower(),
        "token_id": FEE_YES,
        "condition_id": "0x" + f"{12:064x}",
        "current_size": 100.0,
        "avg_price": 0.4,
        "entry_cost_usdc": 40.0,
        "entry_fees_usdc": 1.68,
        "total_cost_usdc": 41.68,
        "current_price": 0.4,
        "current_value": 40.0,
        "total_size": 100.0,
        "realized_pnl": 0.0,
        "unrealized_pnl": 0.0,
        "total_pnl": 0.0,
        "percent_pnl": 0.0,
        "percent_realized_pnl": 0.0,
        "status": "OPEN",
    }
    assert (row["outcome"], row["opposite_token_id"], row["event_slug"]) == ("Yes", "122", "event-1")
    assert (row["end_date"], row["first_entry_at"], row["last_event_at"]) == ("2026-06-30", now, now)


async def test_selling_realizes_profit_at_average_cost(alice: Client, bob: Client, http: httpx2.AsyncClient) -> None:
    await bob.place(EMPTY_NO, "BUY", "6", "10")
    await alice.place(EMPTY_YES, "BUY", "4", "10")
    await bob.place(EMPTY_NO, "BUY", "4", "10")
    await alice.place(EMPTY_YES, "BUY", "6", "10")  # 20 shares for 10 dollars
    await bob.place(EMPTY_YES, "BUY", "7", "10")
    await alice.place(EMPTY_YES, "SELL", "10", "7")
    (row,) = (await get(http, "/v2/positions", user=alice.wallet.address))["data"]
    assert (row["current_size"], row["entry_cost_usdc"], row["realized_pnl"]) == (10.0, 5.0, 2.0)
    assert (row["total_size"], row["avg_price"]) == (20.0, 0.5)
    await bob.place(EMPTY_YES, "BUY", "6", "10")
    await alice.place(EMPTY_YES, "SELL", "10", "6")
    assert (await get(http, "/v2/positions", user=alice.wallet.address))["data"] == []
    (closed,) = (await get(http, "/v2/positions", user=alice.wallet.address, status="CLOSED"))["data"]
    assert (closed["status"], closed["realized_pnl"], closed["avg_price"]) == ("CLOSED", 3.0, 0.0)


async def test_positions_of_a_resolved_market_are_redeemable(
    alice: Client, http: httpx2.AsyncClient, floor: Floor
) -> None:
    await alice.place(BUSY_YES, "BUY", "5.1", "10")
    await alice.place("132", "BUY", "5.1", "10")
    both = (await get(http, "/v2/positions", user=alice.wallet.address, status="MERGEABLE"))["data"]
    assert len(both) == 2
    floor.exchange.resolve(BUSY_CONDITION, 0)
    rows = (await get(http, "/v2/positions", user=alice.wallet.address, status="REDEEMABLE"))["data"]
    assert [(row["outcome"], row["current_price"], row["redeemable"]) for row in rows] == [
        ("Yes", 1.0, True),
        ("No", 0.0, True),
    ]
    lost = (await get(http, "/v2/positions", user=alice.wallet.address, status="REDEEMABLE_LOST"))["data"]
    assert [row["outcome"] for row in lost] == ["No"]


async def test_positions_are_filtered_sorted_and_paged(alice: Client, http: httpx2.AsyncClient) -> None:
    await alice.place(BUSY_YES, "BUY", "5.1", "10")
    await alice.place("132", "BUY", "10.2", "20")
    user = alice.wallet.address
    first = await get(http, "/v2/positions", user=user, limit="1")
    assert [row["outcome"] for row in first["data"]] == ["No"]
    assert first["pagination"]["has_more"] is True
    second = await get(http, "/v2/positions", user=user, limit="1", cursor=first["pagination"]["next_cursor"])
    assert [row["outcome"] for row in second["data"]] == ["Yes"]
    smallest = await get(http, "/v2/positions", user=user, sort_by="TOKENS", sort_direction="ASC")
    assert [row["outcome"] for row in smallest["data"]] == ["Yes", "No"]
    for query, count in (
        ({"condition_id": BUSY_CONDITION}, 2),
        ({"condition": "0x" + "9" * 64}, 0),
        ({"event_id": "1"}, 2),
        ({"eventId": "2"}, 0),
        ({"title": "THING 13"}, 2),
        ({"status": "open"}, 2),
    ):
        assert len((await get(http, "/v2/positions", user=user, **query))["data"]) == count


async def test_trades_are_the_settled_ones_of_takers_unless_makers_are_asked_for(
    alice: Client, bob: Client, http: httpx2.AsyncClient
) -> None:
    await bob.place(EMPTY_NO, "BUY", "6", "10")
    await alice.place(EMPTY_YES, "BUY", "4", "10")
    (row,) = (await get(http, "/v2/trades"))["data"]
    assert (row["proxy_wallet"], row["side"], row["size"], row["price"]) == (
        alice.wallet.address.lower(),
        "BUY",
        10.0,
        0.4,
    )
    assert row["transaction_hash"].startswith("0x")
    assert "type" not in row
    assert (await get(http, "/v2/trades", user=bob.wallet.address))["data"] == []
    (made,) = (await get(http, "/v2/trades", user=bob.wallet.address, taker_only="false"))["data"]
    assert (made["token_id"], made["price"], made["outcome_index"]) == (EMPTY_NO, 0.6, 1)
    for query, count in (
        ({"side": "SELL"}, 0),
        ({"condition_id": BUSY_CONDITION}, 0),
        ({"event_id": "1"}, 1),
        ({"start": str(row["timestamp"] + 1)}, 0),
        ({"end": str(row["timestamp"])}, 1),
        ({"user": "0x" + "1" * 40}, 0),
    ):
        assert len((await get(http, "/v2/trades", **query))["data"]) == count


async def test_activity_counts_the_fee_of_a_taker_buy(alice: Client, bob: Client, http: httpx2.AsyncClient) -> None:
    await bob.place("122", "BUY", "60", "100")
    await alice.place(FEE_YES, "BUY", "40", "100")
    (bought,) = (await get(http, "/v2/activity", user=alice.wallet.address, type="TRADE"))["data"]
    assert (bought["type"], bought["usdc_size"], bought["is_combo"]) == ("TRADE", 41.68, False)
    (made,) = (await get(http, "/v2/activity", user=bob.wallet.address))["data"]
    assert made["usdc_size"] == 60.0
    assert (await get(http, "/v2/activity", user=bob.wallet.address, type="REDEEM"))["data"] == []


async def test_value_is_what_the_shares_are_worth_now(alice: Client, http: httpx2.AsyncClient) -> None:
    await alice.place(BUSY_YES, "BUY", "5.1", "10")
    user = alice.wallet.address
    assert (await get(http, "/v2/value", user=user))["data"] == {"proxy_wallet": user.lower(), "value": 5.0}
    assert (await get(http, "/v2/value", user=user, condition_id="0x" + "9" * 64))["data"]["value"] == 0
    assert (await get(http, "/v2/value", user="0x" + "1" * 40))["data"]["value"] == 0


async def test_a_wallet_and_its_owner_have_the_same_positions(alice: Client, http: httpx2.AsyncClient) -> None:
    await alice.place(BUSY_YES, "BUY", "5.1", "10", signature_type=2, maker=WALLET)
    (row,) = (await get(http, "/v2/positions", user=WALLET))["data"]
    assert (row["proxy_wallet"], row["current_size"]) == (WALLET.lower(), 10.0)
    (trade,) = (await get(http, "/v2/trades", user=alice.wallet.address))["data"]
    assert trade["proxy_wallet"] == WALLET.lower()


@pytest.mark.parametrize(
    ("path", "text", "parameter"),
    [
        ("/v2/positions", "required query param 'user' not provided", "user"),
        ("/v2/value?user=0x12", "required query param 'user' not provided", "user"),
        (
            f"/v2/trades?condition={BUSY_CONDITION}&event_id=1",
            "must provide either eventId or condition, not both",
            "condition",
        ),
        ("/v2/trades?condition=0x12", "invalid value for query param 'condition'", "condition"),
        ("/v2/trades?start=noon", "invalid value for query param 'start'", "start"),
        ("/v2/trades?cursor=%25%25%25", "invalid value for query param 'cursor'", "cursor"),
        (f"/v2/positions?user={WALLET}&sort_by=LUCK", "invalid value for query param 'sort_by'", "sort_by"),
    ],
)
async def test_errors_name_the_parameter(http: httpx2.AsyncClient, path: str, text: str, parameter: str) -> None:
    answer = await http.get("/data" + path)
    body = answer.json()
    assert answer.status_code == 400
    assert body.pop("trace_id")
    assert body == {"error": text, "code": "invalid_request", "parameter": parameter, "retryable": False}


async def test_an_unknown_status_is_refused(alice: Client, http: httpx2.AsyncClient) -> None:
    await alice.place(BUSY_YES, "BUY", "5.1", "10")
    answer = await http.get("/data/v2/positions", params={"user": alice.wallet.address, "status": "LOST"})
    assert answer.json()["parameter"] == "status"


async def test_the_root_answers(http: httpx2.AsyncClient) -> None:
    assert await get(http, "/") == {"data": "OK"}
