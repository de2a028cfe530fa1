"""Cancelling, looking up and counting an account's orders and trades."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.settings import ExchangeSettings

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client

YES, NO, BUSY_YES, BUSY_NO = "111", "112", "131", "132"
CONDITION = "0x" + f"{11:064x}"
BUSY_CONDITION = "0x" + f"{13:064x}"
UNKNOWN = "0x" + "ab" * 32


async def place(client: Client, token: str = YES, price_dollars: str = "4.5", size: str = "10") -> str:
    answer = await client.place(token, "BUY", price_dollars, size)
    return str(answer.json()["orderID"])


async def test_an_order_is_cancelled_by_its_id(alice: Client) -> None:
    order_id = await place(alice)
    answer = await alice.call("DELETE", "/order", {"orderID": order_id})
    assert answer.json() == {"canceled": [order_id], "not_canceled": {}}
    again = await alice.call("DELETE", "/order", {"orderID": order_id})
    assert again.json() == {"canceled": [], "not_canceled": {order_id: "Order not found or already canceled"}}
    assert (await alice.call("GET", f"/data/order/{order_id}")).json()["status"] == "CANCELED"


async def test_several_orders_are_cancelled_and_each_failure_has_its_reason(alice: Client, bob: Client) -> None:
    mine, foreign = await place(alice), await place(bob)
    matched = (await alice.place(BUSY_YES, "BUY", "5.1", "10")).json()["orderID"]
    answer = await alice.call("DELETE", "/orders", [mine, mine, foreign, matched, UNKNOWN])
    assert answer.json() == {
        "canceled": [mine],
        "not_canceled": {
            foreign: "Order not found or already canceled",
            matched: "Order already matched",
            UNKNOWN: "Order not found or already canceled",
        },
    }
    assert len((await bob.call("GET", "/data/orders")).json()["data"]) == 1


async def test_all_orders_or_those_of_a_market_or_token_are_cancelled(alice: Client) -> None:
    first, second, third = await place(alice), await place(alice, NO, "3"), await place(alice, BUSY_YES, "4")
    by_token = await alice.call("DELETE", "/cancel-market-orders", {"market": CONDITION, "asset_id": NO})
    assert by_token.json()["canceled"] == [second]
    by_market = await alice.call("DELETE", "/cancel-market-orders", {"market": CONDITION})
    assert by_market.json()["canceled"] == [first]
    everything = await alice.call("DELETE", "/cancel-all")
    assert everything.json() == {"canceled": [third], "not_canceled": {}}


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("/order", {}, "Invalid order payload"),
        ("/order", [], "Invalid order payload"),
        ("/order", {"orderID": "0x12"}, "Invalid orderID"),
        ("/order", {"orderID": 5}, "Invalid orderID"),
        ("/orders", {}, "Invalid order payload"),
        ("/orders", [], "Invalid order payload"),
        ("/orders", ["x"], "Invalid orderID"),
        ("/orders", [UNKNOWN] * 3001, "Too many orders in payload, max allowed: 3000"),
        ("/cancel-market-orders", {}, "Invalid order payload"),
    ],
)
async def test_a_malformed_cancel_is_refused(alice: Client, path: str, body: object, text: str) -> None:
    answer = await alice.call("DELETE", path, body)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


async def test_an_open_order_is_shown_with_plain_decimals(alice: Client, clock: ManualClock) -> None:
    order_id = await place(alice)
    page = (await alice.call("GET", "/data/orders", next_cursor="MA==")).json()
    assert page == {
        "limit": 100,
        "count": 1,
        "next_cursor": "LTE=",
        "data": [
            {
                "id": order_id,
                "status": "LIVE",
                "owner": alice.credentials["apiKey"],
                "maker_address": alice.wallet.address,
                "market": CONDITION,
                "asset_id": YES,
                "side": "BUY",
                "original_size": "10",
                "size_matched": "0",
                "price": "0.45",
                "outcome": "Yes",
                "expiration": "0",
                "order_type": "GTC",
                "associate_trades": [],
                "created_at": int(clock.now().timestamp()),
            }
        ],
    }
    assert (await alice.call("GET", f"/data/order/{order_id}")).json() == page["data"][0]


async def test_open_orders_are_filtered_and_paged(alice: Client) -> None:
    ids = [await place(alice, price_dollars="0.1", size="10") for _ in range(101)]
    await place(alice, NO, "3")
    first = (await alice.call("GET", "/data/orders", asset_id=YES)).json()
    assert (first["count"], first["next_cursor"]) == (100, "MTAw")
    second = (await alice.call("GET", "/data/orders", asset_id=YES, next_cursor="MTAw")).json()
    assert (second["count"], second["next_cursor"]) == (1, "LTE=")
    assert [row["id"] for row in first["data"] + second["data"]] == ids
    one = (await alice.call("GET", "/data/orders", id=ids[7], market=CONDITION)).json()
    assert [row["id"] for row in one["data"]] == [ids[7]]
    for cursor in ("LTE=", "???"):
        assert (await alice.call("GET", "/data/orders", next_cursor=cursor)).status_code == 400


async def test_orders_of_others_and_unknown_orders_are_not_found(alice: Client, bob: Client) -> None:
    foreign = await place(bob)
    for order_id in (foreign, UNKNOWN):
        answer = await alice.call("GET", f"/data/order/{order_id}")
        assert (answer.status_code, answer.json()) == (404, {"error": "Order not found"})
    assert (await alice.call("GET", "/data/order/0x1")).json() == {"error": "Invalid orderID"}


async def test_a_batch_answers_each_order_in_turn(alice: Client) -> None:
    good, poor = alice.order_body(YES, "BUY", "4.5", "10"), alice.order_body(YES, "SELL", "10", "5")
    answers = (await alice.call("POST", "/orders", [good, poor, good])).json()
    assert [answer["status"] for answer in answers] == ["live", "", ""]
    assert answers[1] == {
        "success": True,
        "errorMsg": "not enough balance / allowance: the balance is not enough -> balance: 0, order amount: 10000000",
        "orderID": "",
        "status": "",
        "makingAmount": "",
        "takingAmount": "",
        "transactionsHashes": [],
        "tradeIDs": [],
    }
    assert "Duplicated" in answers[2]["errorMsg"]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "Invalid order payload"), (16, "Too many orders in payload: 16, max allowed: 15")]
)
async def test_a_batch_has_one_to_fifteen_orders(alice: Client, count: int, text: str) -> None:
    answer = await alice.call("POST", "/orders", [{}] * count)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


async def test_balances_are_base_units_with_full_allowances(alice: Client) -> None:
    await alice.place(BUSY_YES, "BUY", "5.1", "10")
    cash = (await alice.call("GET", "/balance-allowance", asset_type="COLLATERAL", signature_type="0")).json()
    assert cash["balance"] == "994900000"
    assert len(cash["allowances"]) == 3
    shares = await alice.call("GET", "/balance-allowance", asset_type="CONDITIONAL", token_id=BUSY_YES)
    assert shares.json()["balance"] == "10000000"
    assert (await alice.call("GET", "/balance-allowance/update", asset_type="COLLATERAL")).json() == ""
    wrong = await alice.call("GET", "/balance-allowance", asset_type="GOLD")
    assert wrong.json() == {"error": "Invalid asset type"}
    wrong = await alice.call("GET", "/balance-allowance", asset_type="COLLATERAL", signature_type="9")
    assert wrong.json() == {"error": "Invalid signature_type"}


class TestWithDelayedSettlement:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return ExchangeSettings(simulated_traders=False, mined_after_s=2, confirmed_after_s=3)

    async def test_a_trade_settles_step_by_step(self, alice: Client, clock: ManualClock) -> None:
        placed = (await alice.place(BUSY_YES, "BUY", "5.1", "10")).json()
        assert placed["transactionsHashes"] == []

        async def trade() -> dict[str, object]:
            page = await alice.call("GET", "/data/trades", id=placed["tradeIDs"][0])
            (row,) = page.json()["data"]
            return dict(row)

        async def balance(**query: str) -> str:
            return str((await alice.call("GET", "/balance-allowance", **query)).json()["balance"])

        matched = await trade()
        assert (matched["status"], matched["transaction_hash"]) == ("MATCHED", "")
        assert await balance(asset_type="COLLATERAL") == "1000000000"
        early = await alice.place(BUSY_YES, "SELL", "10", "4.9")
        assert "the balance is not enough -> balance: 0" in early.json()["error"]
        await clock.advance(2)
        assert (await trade())["status"] == "MINED"
        assert await balance(asset_type="CONDITIONAL", token_id=BUSY_YES) == "10000000"
        await clock.advance(3)
        confirmed = await trade()
        assert confirmed["status"] == "CONFIRMED"
        assert str(confirmed["transaction_hash"]).startswith("0x")
        assert int(str(confirmed["last_update"])) == int(str(confirmed["match_time"])) + 5

    async def test_money_in_unsettled_trades_cannot_be_spent_again(self, alice: Client) -> None:
        await alice.place(BUSY_YES, "BUY", "590", "1000")
        refused = await alice.place(YES, "BUY", "900", "1000")
        assert "sum of matched orders: " in refused.json()["error"]


async def test_taker_and_maker_see_the_same_trade_from_their_sides(alice: Client, bob: Client) -> None:
    resting = await place(bob, NO, "4", "10")
    taken = (await alice.place(YES, "BUY", "6", "10")).json()
    (taker_view,) = (await alice.call("GET", "/data/trades", market=CONDITION)).json()["data"]
    (maker_view,) = (await bob.call("GET", "/data/trades", asset_id=NO)).json()["data"]
    assert taker_view["trader_side"] == "TAKER" and maker_view["trader_side"] == "MAKER"
    assert taker_view["owner"] == alice.credentials["apiKey"]
    assert maker_view["maker_address"] == bob.wallet.address
    for view in (taker_view, maker_view):
        assert view["taker_order_id"] == taken["orderID"]
        assert (view["side"], view["size"], view["price"], view["outcome"]) == ("BUY", "10", "0.6", "Yes")
        assert view["maker_orders"] == [
            {
                "order_id": resting,
                "owner": bob.credentials["apiKey"],
                "maker_address": bob.wallet.address,
                "matched_amount": "10",
                "price": "0.4",
                "fee_rate_bps": "0",
                "asset_id": NO,
                "outcome": "No",
                "side": "BUY",
            }
        ]


async def test_trades_are_newest_first_and_bounded_by_time(alice: Client, clock: ManualClock) -> None:
    first = (await alice.place(BUSY_YES, "BUY", "5.1", "10")).json()["tradeIDs"][0]
    await clock.advance(10)
    second = (await alice.place(BUSY_YES, "BUY", "5.1", "10")).json()["tradeIDs"][0]
    rows = (await alice.call("GET", "/data/trades")).json()["data"]
    assert [row["id"] for row in rows] == [second, first]
    boundary = str(int(clock.now().timestamp()) - 5)
    for name, expected in (("before", first), ("after", second)):
        rows = (await alice.call("GET", "/data/trades", **{name: boundary})).json()["data"]
        assert [row["id"] for row in rows] == [expected]
    wrong = await alice.call("GET", "/data/trades", before="noon")
    assert wrong.json() == {"error": "Invalid trade params payload"}
