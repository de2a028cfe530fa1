"""Orders, own records and balances against a local venue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import (
    ConfigurationError,
    InputRejected,
    InsufficientBalance,
    OrderError,
    OutcomeUnknown,
    RateLimitError,
    UnexpectedPayload,
    VenueUnavailable,
)
from polydesk.core.identifiers import Address, ConditionId, OrderId, TokenId, TradeId
from polydesk.core.models import OrderSide, OrderTicket, PlacementResult, TimeInForce, TradeStatus
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.credentials import ApiCredentials
from polydesk.core.polymarket.rejections import CredentialsRefused
from polydesk.core.polymarket.signing import SignatureType, SignedOrder, Signer, l2_signature
from polydesk.core.polymarket.transport import Transport, TransportSettings

if TYPE_CHECKING:
    from tests.core.polymarket.conftest import ScriptedVenue

PUBLIC_TEST_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
KEY_ADDRESS = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
FUNDER = Address("0x2e234DAe75C793f67A35089C9d99245E1C58470b")
CREDENTIALS = ApiCredentials("00000000-0000-0000-0000-00000000000A", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "phrase")
YES = TokenId("111")
NO = TokenId("222")
CONDITION = ConditionId("0x" + "aa" * 32)


def ticket(side: OrderSide = OrderSide.BUY, *, post_only: bool = False) -> OrderTicket:
    return OrderTicket(
        token_id=YES,
        condition_id=CONDITION,
        side=side,
        price=Decimal("0.5"),
        shares=Decimal(100),
        dollars=Decimal(50),
        time_in_force=TimeInForce.GTC,
        tick=Decimal("0.01"),
        neg_risk=False,
        post_only=post_only,
    )


def trade(**changes: Any) -> dict[str, Any]:
    return {
        "id": "trade-1",
        "taker_order_id": "0xtaker",
        "market": CONDITION,
        "asset_id": YES,
        "side": "BUY",
        "size": "25",
        "price": "0.5",
        "status": "TRADE_STATUS_MINED",
        "match_time": "1703875201",
        "outcome": "Yes",
        "owner": "someone",
        "maker_address": "0xsomeone",
        "trader_side": "TAKER",
        "transaction_hash": "0x1",
        "maker_orders": [],
        **changes,
    }


def maker_order(order_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "owner": "someone else",
        "maker_address": "0xelse",
        "matched_amount": "10",
        "price": "0.5",
        "asset_id": YES,
        "outcome": "Yes",
        "side": "SELL",
        **changes,
    }


def open_order(order_id: str = "0x1", **changes: Any) -> dict[str, Any]:
    return {
        "id": order_id,
        "status": "ORDER_STATUS_LIVE",
        "market": CONDITION,
        "asset_id": YES,
        "side": "BUY",
        "original_size": "100",
        "size_matched": "25",
        "price": "0.5",
        "outcome": "Yes",
        "expiration": "0",
        "order_type": "GTC",
        "associate_trades": None,
        "created_at": 1703875200,
        **changes,
    }


@pytest.fixture
def clob(transport: Transport) -> CLOBClient:
    return CLOBClient(transport, signer=Signer(PUBLIC_TEST_KEY), credentials=CREDENTIALS)


async def test_an_order_is_sent_as_documented_and_authenticated(venue: ScriptedVenue, clob: CLOBClient) -> None:
    signed = clob.sign(ticket(post_only=True))
    accepted = {"success": True, "errorMsg": "", "orderID": signed.order_id, "status": "live"}
    venue.on("POST", "/order", venue.json({**accepted, "makingAmount": "", "takingAmount": "", "tradeIDs": None}))
    result = await clob.post_order(signed)
    assert result == PlacementResult(signed.order_id, "live", Decimal(0), Decimal(0), ())
    sent = venue.last
    assert sent.json == {
        "order": signed.order,
        "owner": CREDENTIALS.key,
        "orderType": "GTC",
        "deferExec": False,
        "postOnly": True,
    }
    assert isinstance(sent.json["order"]["salt"], int)
    assert sent.headers["poly_address"] == KEY_ADDRESS
    assert sent.headers["poly_signature"] == l2_signature(
        CREDENTIALS.secret,
        timestamp_s=int(sent.headers["poly_timestamp"]),
        method="POST",
        path="/order",
        body=sent.body,
    )


async def test_options_of_a_placement_can_be_given_apart_from_the_ticket(
    venue: ScriptedVenue, clob: CLOBClient
) -> None:
    signed = clob.sign(ticket(post_only=True))
    venue.on("POST", "/order", venue.json({"success": True, "orderID": signed.order_id, "status": "matched"}))
    await clob.post_order(signed, time_in_force=TimeInForce.FOK, post_only=False)
    assert (venue.last.json["orderType"], venue.last.json["postOnly"]) == ("FOK", False)


@pytest.mark.parametrize(
    ("making", "taking"), [("9.999999", "14.925372"), ("9999999", "14925372"), (9.999999, 14.925372)]
)
async def test_amounts_of_a_match_are_read_in_both_units(
    venue: ScriptedVenue, clob: CLOBClient, making: Any, taking: Any
) -> None:
    signed = clob.sign(ticket())
    answer = {"success": True, "orderID": signed.order_id.upper().replace("0X", "0x"), "status": "MATCHED"}
    venue.on(
        "POST",
        "/order",
        venue.json({**answer, "makingAmount": making, "takingAmount": taking, "tradeIDs": ["t1"], "errorMsg": None}),
    )
    result = await clob.post_order(signed)
    assert (result.making, result.taking) == (Decimal("9.999999"), Decimal("14.925372"))
    assert (result.status, result.trade_ids) == ("matched", (TradeId("t1"),))


@pytest.mark.parametrize(
    "answer",
    [
        {"success": False, "orderID": None, "errorMsg": "Insufficient balance"},
        {"success": True, "orderID": "", "errorMsg": "not enough balance / allowance: the balance is not enough"},
    ],
)
async def test_a_refusal_inside_a_success_is_a_refusal(
    venue: ScriptedVenue, clob: CLOBClient, answer: dict[str, Any]
) -> None:
    venue.on("POST", "/order", venue.json(answer))
    with pytest.raises(InsufficientBalance) as refused:
        await clob.post_order(clob.sign(ticket()))
    assert refused.value.code == "insufficient_balance"


async def test_a_refusal_without_a_reason_is_still_one(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("POST", "/order", venue.json({"success": False, "orderID": "", "errorMsg": ""}))
    with pytest.raises(OrderError) as refused:
        await clob.post_order(clob.sign(ticket()))
    assert refused.value.code == "rejected"


async def test_an_order_accepted_under_another_id_is_unknown(venue: ScriptedVenue, clob: CLOBClient) -> None:
    signed = clob.sign(ticket())
    venue.on("POST", "/order", venue.json({"success": True, "orderID": "0xother", "status": "live"}))
    with pytest.raises(OutcomeUnknown) as unknown:
        await clob.post_order(signed)
    assert unknown.value.order_ids == (signed.order_id, "0xother")


async def test_a_lost_answer_carries_the_hash_to_look_up(venue: ScriptedVenue, clob: CLOBClient) -> None:
    signed = clob.sign(ticket())
    venue.on("POST", "/order", venue.hang_up())
    with pytest.raises(OutcomeUnknown) as unknown:
        await clob.post_order(signed)
    assert unknown.value.order_ids == (signed.order_id,)
    assert venue.count("/order") == 1


async def test_a_batch_answers_for_each_order(venue: ScriptedVenue, clob: CLOBClient) -> None:
    signed = [clob.sign(ticket()) for _ in range(4)]
    assert len({order.order_id for order in signed}) == 4
    venue.on(
        "POST",
        "/orders",
        venue.json(
            [
                {"success": True, "orderID": signed[0].order_id, "errorMsg": None, "tradeIDs": ["t"]},
                {"success": True, "orderID": "", "errorMsg": "invalid post-only order: order crosses book"},
                {
                    "success": False,
                    "orderID": "",
                    "status": "delayed",
                    "errorMsg": "Rate limit exceeded for tokenId: 1",
                },
                {"success": True, "orderID": signed[3].order_id, "status": "delayed", "makingAmount": "0"},
            ]
        ),
    )
    placed, crossed, limited, delayed = await clob.post_orders(signed)
    assert isinstance(placed, PlacementResult)
    assert placed.status == "matched"
    assert isinstance(crossed, OrderError)
    assert crossed.code == "post_only_would_cross"
    assert isinstance(limited, RateLimitError)
    assert isinstance(delayed, PlacementResult)
    assert [body["order"]["salt"] for body in venue.last.json] == [order.order["salt"] for order in signed]


async def test_a_batch_with_missing_answers_is_unknown_as_a_whole(venue: ScriptedVenue, clob: CLOBClient) -> None:
    signed = [clob.sign(ticket()), clob.sign(ticket())]
    venue.on("POST", "/orders", venue.json([]))
    with pytest.raises(OutcomeUnknown) as unknown:
        await clob.post_orders(signed)
    assert unknown.value.order_ids == (signed[0].order_id, signed[1].order_id)


async def test_an_empty_batch_is_refused(venue: ScriptedVenue, clob: CLOBClient) -> None:
    with pytest.raises(InputRejected):
        await clob.post_orders([])
    assert venue.requests == []


def accepted(orders: Sequence[SignedOrder]) -> list[dict[str, Any]]:
    return [{"success": True, "orderID": order.order_id, "status": "live"} for order in orders]


async def test_many_orders_are_sent_in_parts_of_fifteen(venue: ScriptedVenue, clob: CLOBClient) -> None:
    signed = [clob.sign(ticket()) for _ in range(17)]
    venue.on("POST", "/orders", venue.json(accepted(signed[:15])), venue.json(accepted(signed[15:])))
    placed = await clob.post_orders(signed)
    assert [result.order_id for result in placed if isinstance(result, PlacementResult)] == [
        order.order_id for order in signed
    ]
    assert [len(request.json) for request in venue.requests] == [15, 2]


async def test_a_later_part_that_is_lost_says_exactly_which_orders_are_unknown(
    venue: ScriptedVenue, clob: CLOBClient
) -> None:
    signed = [clob.sign(ticket()) for _ in range(35)]
    venue.on("POST", "/orders", venue.json(accepted(signed[:15])), venue.hang_up())
    placed = await clob.post_orders(signed)
    assert len(placed) == 35
    assert all(isinstance(result, PlacementResult) for result in placed[:15])
    unknown = [result for result in placed if isinstance(result, OutcomeUnknown)]
    assert [result.order_ids for result in unknown] == [(order.order_id,) for order in signed[15:30]]
    assert all(isinstance(result, VenueUnavailable) for result in placed[30:])
    assert venue.count("/orders") == 2


async def test_a_first_part_that_is_lost_names_its_orders_and_nothing_else_is_sent(
    venue: ScriptedVenue, clob: CLOBClient
) -> None:
    signed = [clob.sign(ticket()) for _ in range(16)]
    venue.on("POST", "/orders", venue.hang_up())
    with pytest.raises(OutcomeUnknown) as unknown:
        await clob.post_orders(signed)
    assert unknown.value.order_ids == tuple(order.order_id for order in signed[:15])
    assert venue.count("/orders") == 1


async def test_a_later_part_that_is_refused_gives_its_orders_the_reason(venue: ScriptedVenue, clob: CLOBClient) -> None:
    signed = [clob.sign(ticket()) for _ in range(16)]
    venue.on("POST", "/orders", venue.json(accepted(signed[:15])), venue.json({"error": "Too Many Requests"}, 429))
    placed = await clob.post_orders(signed)
    assert isinstance(placed[14], PlacementResult)
    assert isinstance(placed[15], RateLimitError)


async def test_every_order_carries_the_builder_code(transport: Transport) -> None:
    code = "0x" + "11" * 32
    clob = CLOBClient(transport, signer=Signer(PUBLIC_TEST_KEY), credentials=CREDENTIALS, builder=code)
    assert clob.sign(ticket()).order["builder"] == code


async def test_cancels_that_went_through_are_kept_when_another_part_fails(
    venue: ScriptedVenue, clob: CLOBClient
) -> None:
    ids = [OrderId(f"0x{number}") for number in range(201)]
    venue.on("DELETE", "/order", venue.json({"canceled": [ids[200]]}))
    venue.on("DELETE", "/orders", venue.json({"canceled": ids[:100]}), venue.hang_up())
    result = await clob.cancel(ids)
    assert result.canceled == (*ids[:100], ids[200])
    assert list(result.not_canceled) == ids[100:200]
    assert "may have been processed" in result.not_canceled[ids[100]]


async def test_cancels_of_which_no_part_went_through_are_unknown_together(
    venue: ScriptedVenue, clob: CLOBClient
) -> None:
    ids = [OrderId(f"0x{number}") for number in range(102)]
    venue.on("DELETE", "/orders", venue.hang_up())
    with pytest.raises(OutcomeUnknown) as unknown:
        await clob.cancel(ids)
    assert unknown.value.order_ids == tuple(ids)


async def test_cancels_say_what_happened_to_each_order(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("DELETE", "/order", venue.json({"canceled": ["0x1"], "not_canceled": {}}))
    venue.on("DELETE", "/orders", venue.json({"canceled": ["0x1"], "not_canceled": {"0x2": "already canceled"}}))
    one = await clob.cancel([OrderId("0x1")])
    assert (one.canceled, one.not_canceled) == (("0x1",), {})
    assert venue.last.json == {"orderID": "0x1"}
    several = await clob.cancel([OrderId("0x1"), OrderId("0x2"), OrderId("0x1")])
    assert several.not_canceled == {"0x2": "already canceled"}
    assert venue.last.json == ["0x1", "0x2"]
    assert await clob.cancel([]) == type(one)((), {})


async def test_many_cancels_are_sent_in_parts(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("DELETE", "/orders", venue.json({"canceled": ["0xa"]}), venue.json({"canceled": ["0xb"]}))
    result = await clob.cancel([OrderId(f"0x{number}") for number in range(102)])
    assert result.canceled == ("0xa", "0xb")
    assert [len(request.json) for request in venue.requests] == [100, 2]


async def test_everything_or_one_market_can_be_cancelled(venue: ScriptedVenue, clob: CLOBClient) -> None:
    answer = venue.json({"canceled": ["0x1"], "not_canceled": None})
    venue.on("DELETE", "/cancel-all", answer)
    venue.on("DELETE", "/cancel-market-orders", answer)
    await clob.cancel_all()
    assert venue.last.body == b""
    await clob.cancel_market(CONDITION)
    assert venue.last.json == {"market": CONDITION}
    await clob.cancel_market(CONDITION, YES)
    assert venue.last.json == {"market": CONDITION, "asset_id": YES}


async def test_a_lost_cancel_is_unknown(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("DELETE", "/order", venue.json({"error": "Internal server error"}, 500))
    with pytest.raises(OutcomeUnknown) as unknown:
        await clob.cancel([OrderId("0x1")])
    assert unknown.value.order_ids == ("0x1",)


async def test_an_order_is_looked_up_by_its_hash(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/data/order/0x1", venue.json(open_order(expiration="1735689600", associate_trades=["t"])))
    venue.on("GET", "/data/order/0x2", venue.raw(b"null"))
    venue.on("GET", "/data/order/0x3", venue.raw(b""))
    found = await clob.order(OrderId("0x1"))
    assert found is not None
    assert (found.status, found.size_matched, found.trade_ids) == ("LIVE", Decimal(25), (TradeId("t"),))
    assert found.created_at == datetime.fromtimestamp(1703875200, UTC)
    assert found.expires_at == datetime.fromtimestamp(1735689600, UTC)
    assert await clob.order(OrderId("0x2")) is None
    assert await clob.order(OrderId("0x404")) is None
    with pytest.raises(UnexpectedPayload):
        await clob.order(OrderId("0x3"))


async def test_open_orders_come_from_all_pages(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on(
        "GET",
        "/data/orders",
        venue.json({"data": [open_order("0x1")], "next_cursor": "MTAw"}),
        venue.json({"data": [open_order("0x2", expiration=None)], "next_cursor": "LTE="}),
    )
    found = await clob.open_orders(condition_id=CONDITION, token_id=YES)
    assert [order.id for order in found] == ["0x1", "0x2"]
    assert found[0].expires_at is None
    assert dict(venue.requests[0].query) == {"market": CONDITION, "asset_id": YES}
    assert dict(venue.requests[1].query)["next_cursor"] == "MTAw"


async def test_pages_that_run_in_a_circle_end(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/data/orders", venue.json({"data": [], "next_cursor": "MTAw"}))
    with pytest.raises(UnexpectedPayload, match="circle"):
        await clob.open_orders()
    assert len(venue.requests) == 2


async def test_a_taker_sees_the_whole_trade(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/data/trades", venue.json({"data": [trade(maker_orders=[maker_order("0xm")])]}))
    (fill,) = await clob.trades(trade_id=TradeId("trade-1"))
    assert (fill.order_id, fill.is_taker, fill.size, fill.side) == (
        "0xtaker",
        True,
        Decimal(25),
        OrderSide.BUY,
    )
    assert fill.status is TradeStatus.MINED
    assert fill.timestamp == datetime.fromtimestamp(1703875201, UTC)
    assert fill.fee is None


async def test_a_maker_sees_its_own_orders_in_the_trade(venue: ScriptedVenue, transport: Transport) -> None:
    clob = CLOBClient(
        transport,
        signer=Signer(PUBLIC_TEST_KEY),
        credentials=CREDENTIALS,
        funder=FUNDER,
        signature_type=SignatureType.POLY_PROXY,
    )
    row = trade(
        trader_side="MAKER",
        status="MATCHED_NOT_BROADCASTED",
        maker_orders=[
            maker_order("0xnot-ours"),
            maker_order("0xby-key", owner=CREDENTIALS.key.lower(), matched_amount="3"),
            maker_order("0xby-wallet", maker_address=FUNDER.lower(), asset_id=NO, outcome="No", price="0.49", side=""),
            maker_order("0xby-wallet-2", maker_address=FUNDER, side=None),
        ],
    )
    venue.on("GET", "/data/trades", venue.json({"data": [row], "next_cursor": ""}))
    after = datetime(2024, 1, 1, tzinfo=UTC)
    fills = await clob.trades(condition_id=CONDITION, after=after, before=after)
    assert [(fill.order_id, fill.token_id, fill.side) for fill in fills] == [
        ("0xby-key", YES, OrderSide.SELL),
        ("0xby-wallet", NO, OrderSide.BUY),
        ("0xby-wallet-2", YES, OrderSide.SELL),
    ]
    assert (fills[0].size, fills[1].price, fills[1].outcome) == (Decimal(3), Decimal("0.49"), "No")
    assert {fill.status for fill in fills} == {TradeStatus.MATCHED}
    assert not any(fill.is_taker for fill in fills)
    assert dict(venue.last.query)["after"] == str(int(after.timestamp()))


async def test_a_trade_status_nobody_knows_is_noticed(venue: ScriptedVenue, clob: CLOBClient) -> None:
    for status in ("TELEPORTED", 5):
        venue.on("GET", "/data/trades", venue.json({"data": [trade(status=status)]}))
        with pytest.raises(UnexpectedPayload) as changed:
            await clob.trades()
        assert changed.value.path == "data.0.status"


async def test_balances_are_dollars_and_shares(venue: ScriptedVenue, clob: CLOBClient) -> None:
    contracts = clob.environment.contracts
    allowances = {contracts.exchange: "5000000", contracts.neg_risk_exchange.lower(): "7000000", "0xother": "0"}
    venue.on("GET", "/balance-allowance", venue.json({"balance": "12345678", "allowances": allowances}))
    balance = await clob.balance()
    assert (balance.collateral, balance.allowance) == (Decimal("12.345678"), Decimal(5))
    assert dict(venue.last.query) == {"asset_type": "COLLATERAL", "signature_type": "0"}
    assert await clob.token_balance(YES) == Decimal("12.345678")
    assert dict(venue.last.query) == {"asset_type": "CONDITIONAL", "token_id": YES, "signature_type": "0"}
    position = TokenId(str((1 << 248) + 1))
    await clob.token_balance(position)
    assert dict(venue.last.query)["asset_type"] == "CONDITIONAL-V2"


@pytest.mark.parametrize(
    ("payload", "collateral", "allowance"),
    [
        ({"balance": "250.500000"}, "250.5", "0"),
        ({"balance": "1000000", "allowance": "3000000"}, "1", "3"),
        ({"balance": "1000000", "allowances": {"0xother": "2000000"}}, "1", "2"),
    ],
)
async def test_older_spellings_of_a_balance_are_read(
    venue: ScriptedVenue, clob: CLOBClient, payload: dict[str, Any], collateral: str, allowance: str
) -> None:
    venue.on("GET", "/balance-allowance", venue.json(payload))
    balance = await clob.balance()
    assert (balance.collateral, balance.allowance) == (Decimal(collateral), Decimal(allowance))


async def test_a_balance_that_is_no_number_is_noticed(venue: ScriptedVenue, clob: CLOBClient) -> None:
    for text in ("lots", "1.x"):
        venue.on("GET", "/balance-allowance", venue.json({"balance": text}))
        with pytest.raises(UnexpectedPayload):
            await clob.balance()


async def test_the_venue_can_be_told_to_look_at_the_chain_again(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/balance-allowance/update", venue.raw(b""))
    await clob.refresh_balance()
    assert dict(venue.last.query)["asset_type"] == "COLLATERAL"
    await clob.refresh_balance(YES)
    assert dict(venue.last.query)["token_id"] == YES


async def test_own_records_are_never_cached(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/balance-allowance", venue.json({"balance": "1"}), venue.json({"balance": "2"}))
    assert await clob.balance() != await clob.balance()


async def test_credentials_are_made_once_at_the_first_need(venue: ScriptedVenue, transport: Transport) -> None:
    clob = CLOBClient(transport, signer=Signer(PUBLIC_TEST_KEY))
    venue.on("POST", "/auth/api-key", venue.json({"apiKey": "k", "secret": CREDENTIALS.secret, "passphrase": "p"}))
    venue.on("GET", "/auth/api-keys", venue.json({"apiKeys": ["k"]}))
    assert list(await asyncio.gather(clob.api_keys(), clob.api_keys())) == [("k",), ("k",)]
    assert venue.count("/auth/api-key") == 1
    made = venue.requests[0].headers
    assert made["poly_address"] == KEY_ADDRESS
    assert made["poly_nonce"] == "0"
    assert venue.last.headers["poly_api_key"] == "k"


async def test_credentials_that_exist_are_derived(venue: ScriptedVenue, transport: Transport) -> None:
    clob = CLOBClient(transport, signer=Signer(PUBLIC_TEST_KEY))
    venue.on("POST", "/auth/api-key", venue.json({"error": "Could not create api key"}, 400))
    venue.on("GET", "/auth/derive-api-key", venue.json({"apiKey": "k", "secret": "s", "passphrase": "p"}))
    assert await clob.credentials() == ApiCredentials("k", "s", "p")


async def test_an_order_whose_credentials_cannot_be_had_was_never_sent(
    venue: ScriptedVenue, transport: Transport
) -> None:
    clob = CLOBClient(transport, signer=Signer(PUBLIC_TEST_KEY))
    venue.on("POST", "/auth/api-key", venue.json({}, 500))
    with pytest.raises(VenueUnavailable):
        await clob.post_order(clob.sign(ticket()))
    assert venue.count("/order") == 0


async def test_an_order_under_a_refused_key_is_not_repeated_but_the_next_one_has_another_key(
    venue: ScriptedVenue, transport: Transport
) -> None:
    clob = CLOBClient(transport, signer=Signer(PUBLIC_TEST_KEY))
    old, new = ({"apiKey": key, "secret": CREDENTIALS.secret, "passphrase": "p"} for key in ("old", "new"))
    venue.on("POST", "/auth/api-key", venue.json(old), venue.json(new))
    signed = clob.sign(ticket())
    accepted = {"success": True, "orderID": signed.order_id, "status": "live", "errorMsg": ""}
    venue.on("POST", "/order", venue.json({"error": "Unauthorized/Invalid api key"}, 401), venue.json(accepted))
    with pytest.raises(CredentialsRefused, match="nothing was placed; place the order again"):
        await clob.post_order(signed)
    assert venue.count("/order") == 1
    await clob.post_order(signed)
    assert venue.last.json["owner"] == venue.last.headers["poly_api_key"] == "new"


async def test_without_a_key_only_a_person_can_help(transport: Transport) -> None:
    bare = CLOBClient(transport)
    with pytest.raises(ConfigurationError):
        bare.sign(ticket())
    with pytest.raises(ConfigurationError):
        await bare.open_orders()
    with pytest.raises(ConfigurationError):
        _ = bare.account
    with pytest.raises(ConfigurationError):
        await CLOBClient(transport, credentials=CREDENTIALS).balance()


async def test_credentials_with_an_address_can_read_without_a_key(venue: ScriptedVenue, transport: Transport) -> None:
    clob = CLOBClient(transport, credentials=CREDENTIALS, funder=KEY_ADDRESS)
    venue.on("GET", "/balance-allowance", venue.json({"balance": "1"}))
    await clob.balance()
    assert venue.last.headers["poly_address"] == KEY_ADDRESS
    assert clob.account == KEY_ADDRESS


async def test_the_account_is_the_wallet_with_the_money(transport: Transport) -> None:
    signer = Signer(PUBLIC_TEST_KEY)
    assert CLOBClient(transport, signer=signer).account == KEY_ADDRESS
    safe = CLOBClient(transport, signer=signer, funder=FUNDER, signature_type=SignatureType.POLY_GNOSIS_SAFE)
    assert safe.account == FUNDER


async def test_headers_are_made_anew_for_every_attempt(venue: ScriptedVenue, clock: ManualClock) -> None:
    settings = TransportSettings(max_retries=1)
    async with Transport(venue.environment, clock=clock, random=Random(1), settings=settings) as transport:
        clob = CLOBClient(transport, signer=Signer(PUBLIC_TEST_KEY), credentials=CREDENTIALS)
        venue.on(
            "GET",
            "/balance-allowance",
            venue.json({}, 429, headers={"retry-after": "5"}),
            venue.json({"balance": "1"}),
        )
        reading = asyncio.create_task(clob.balance())
        while not reading.done():
            await clock.advance(1)
            await asyncio.wait([reading], timeout=0.01)
        first, second = (int(request.headers["poly_timestamp"]) for request in venue.requests)
        assert second - first >= 5


async def test_a_client_closes_the_shared_transport(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/time", venue.raw(b"1"))
    await clob.server_time()
    await clob.aclose()
    assert await clob.server_time() == 1
