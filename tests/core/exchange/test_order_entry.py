"""Orders over the socket: each check refuses with the venue's own words, and what passes trades."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from eth_account import Account as EthAccount

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from tests.core.exchange.conftest import ORDER_TYPES

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client

YES, FEE_YES, RATES_YES, BUSY_YES, BUSY_NO = "111", "121", "211", "131", "132"
WALLET = "0x2e234DAe75C793f67A35089C9d99245E1C58470b"


async def refusal(client: Client, *args: Any, status: int = 400, **options: Any) -> str:
    answer = await client.place(*args, **options)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    return str(answer.json()["error"])


async def test_a_resting_order_answers_live_with_empty_amounts(alice: Client) -> None:
    answer = await alice.place(YES, "BUY", "4.5", "10")
    body = answer.json()
    assert body.pop("orderID").startswith("0x")
    assert body == {
        "success": True,
        "errorMsg": "",
        "status": "live",
        "makingAmount": "",
        "takingAmount": "",
        "transactionsHashes": [],
        "tradeIDs": [],
    }


async def test_the_order_id_is_the_digest_that_the_client_signed(alice: Client) -> None:
    body = alice.order_body(YES, "BUY", "4.5", "10")
    from eth_account.messages import encode_typed_data
    from eth_utils.crypto import keccak

    from polydesk.core.exchange.contracts import STANDARD_EXCHANGE

    order = body["order"]
    signable = encode_typed_data(
        {
            "name": "Polymarket CTF Exchange",
            "version": "2",
            "chainId": 137,
            "verifyingContract": STANDARD_EXCHANGE,
        },
        ORDER_TYPES,
        {
            **{name: order[name] for name in ("salt", "maker", "signer", "signatureType")},
            **{name: int(order[name]) for name in ("tokenId", "makerAmount", "takerAmount", "timestamp")},
            "side": 0,
            "metadata": bytes(32),
            "builder": bytes(32),
        },
    )
    digest = keccak(b"\x19" + signable.version + signable.header + signable.body)
    answer = await alice.call("POST", "/order", body)
    assert answer.json()["orderID"] == "0x" + digest.hex()


async def test_a_matched_order_answers_what_it_gave_and_took(alice: Client) -> None:
    answer = (await alice.place(BUSY_YES, "BUY", "5.5", "10")).json()
    assert (answer["status"], answer["makingAmount"], answer["takingAmount"]) == ("matched", "5.1", "10")
    assert len(answer["tradeIDs"]) == 1
    sold = (await alice.place(BUSY_YES, "SELL", "10", "4")).json()
    assert (sold["status"], sold["makingAmount"], sold["takingAmount"]) == ("matched", "10", "4.9")


async def test_a_market_buy_is_filled_by_its_dollars(alice: Client) -> None:
    answer = (await alice.place(BUSY_YES, "BUY", "10", "18.1818", order_type="FOK")).json()
    assert (answer["makingAmount"], answer["takingAmount"]) == ("10", "19.607844")


async def test_a_market_buy_may_be_filled_by_its_shares(
    catalogue: Catalogue, clock: ManualClock, alice: Client
) -> None:
    """The other reading, as a setting, on an exchange without a socket."""
    from polydesk.core.exchange.order_entry import parse_order_request, place_order

    other = Exchange(catalogue, ExchangeSettings(simulated_traders=False, market_buy_fills="shares"), clock)
    credential = other.accounts.create_credential(alice.wallet.address, 0)
    assert credential is not None
    body = {
        **alice.order_body(BUSY_YES, "BUY", "10", "18.1818", order_type="FOK"),
        "owner": credential.api_key,
    }
    entry = place_order(other, parse_order_request(body), credential)
    assert (entry.shares, entry.cash) == (18_181_800, 9_272_718)


async def test_neg_risk_orders_are_signed_for_the_other_contract(alice: Client) -> None:
    assert await refusal(alice, RATES_YES, "BUY", "1.23", "10") == "invalid signature"
    assert (await alice.place(RATES_YES, "BUY", "1.23", "10", neg_risk=True)).json()["status"] == "live"
    assert await refusal(alice, YES, "BUY", "4.5", "10", neg_risk=True) == "invalid signature"


async def test_an_order_for_another_chain_is_refused(alice: Client) -> None:
    assert await refusal(alice, YES, "BUY", "4.5", "10", chain_id=80002) == "invalid signature"


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: body.pop("order"),
        lambda body: body.pop("owner"),
        lambda body: body["order"].pop("tokenId"),
        lambda body: body["order"].update(salt="12"),
        lambda body: body["order"].update(salt=True),
        lambda body: body["order"].update(salt=-1),
        lambda body: body["order"].update(makerAmount=4500000),
        lambda body: body["order"].update(makerAmount="0"),
        lambda body: body["order"].update(takerAmount="9" * 79),
        lambda body: body["order"].update(side="buy"),
        lambda body: body["order"].update(signatureType=7),
        lambda body: body["order"].update(maker="0x12"),
        lambda body: body["order"].update(metadata="0x00"),
        lambda body: body["order"].update(signature="0xzz"),
        lambda body: body["order"].update(signature=5),
        lambda body: body.update(orderType="IOC"),
        lambda body: body.update(postOnly="yes"),
        lambda body: body.update(order=[]),
    ],
)
async def test_a_malformed_body_is_refused_as_a_whole(alice: Client, damage: Any) -> None:
    body = alice.order_body(YES, "BUY", "4.5", "10")
    damage(body)
    answer = await alice.call("POST", "/order", body)
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid order payload"})


async def test_a_body_that_is_not_json_is_refused(alice: Client) -> None:
    content = b"{"
    answer = await alice.http.post("/clob/order", content=content, headers=alice.l2_headers("POST", "/order", content))
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid order payload"})


async def test_the_owner_must_be_the_api_key(alice: Client, bob: Client) -> None:
    body = alice.order_body(YES, "BUY", "4.5", "10") | {"owner": bob.credentials["apiKey"]}
    answer = await alice.call("POST", "/order", body)
    assert answer.json() == {"error": "the order owner has to be the owner of the API KEY"}


async def test_the_signer_must_be_the_address_of_the_api_key(alice: Client, bob: Client) -> None:
    body = bob.order_body(YES, "BUY", "4.5", "10") | {"owner": alice.credentials["apiKey"]}
    answer = await alice.call("POST", "/order", body)
    assert answer.json() == {"error": "the order signer address has to be the address of the API KEY"}


async def test_a_signature_by_somebody_else_is_refused(alice: Client, bob: Client) -> None:
    body = alice.order_body(YES, "BUY", "4.5", "10")
    body["order"]["signature"] = bob.order_body(YES, "BUY", "4.5", "10")["order"]["signature"]
    assert (await alice.call("POST", "/order", body)).json() == {"error": "invalid signature"}
    body["order"]["signature"] = "0x1234"
    assert (await alice.call("POST", "/order", body)).json() == {"error": "invalid signature"}


async def test_an_eoa_order_cannot_name_another_maker(alice: Client) -> None:
    assert await refusal(alice, YES, "BUY", "4.5", "10", maker=WALLET) == "invalid signature"


async def test_an_order_of_the_old_version_is_refused(alice: Client) -> None:
    body = alice.order_body(YES, "BUY", "4.5", "10")
    for name in ("timestamp", "metadata", "builder"):
        del body["order"][name]
    body["order"].update(taker="0x" + "0" * 40, nonce="0", feeRateBps="0")
    answer = await alice.call("POST", "/order", body)
    assert (answer.status_code, answer.json()) == (400, {"error": "order_version_mismatch"})


@pytest.mark.parametrize("signature_type", [1, 2])
async def test_a_wallet_trades_on_its_owners_account(alice: Client, bob: Client, signature_type: int) -> None:
    answer = await alice.place(YES, "BUY", "4.5", "10", signature_type=signature_type, maker=WALLET)
    assert answer.json()["status"] == "live"
    (order,) = (await alice.call("GET", "/data/orders")).json()["data"]
    assert order["maker_address"] == WALLET
    stolen = await refusal(bob, YES, "BUY", "4.5", "10", signature_type=signature_type, maker=WALLET)
    assert stolen == "maker address not allowed, please use the deposit wallet flow"


@pytest.mark.parametrize(
    ("token", "side", "maker_amount", "taker_amount", "options", "text"),
    [
        ("999", "BUY", "4.5", "10", {}, "the orderbook 999 does not exist"),
        ("311", "BUY", "4.5", "10", {}, "the orderbook 311 does not exist"),
        (YES, "BUY", "1", "1.02", {}, "Price (0.9803921568627451) breaks minimum tick size rule: 0.01"),
        (YES, "BUY", "10", "10", {}, "Price (1) breaks minimum tick size rule: 0.01"),
        (YES, "BUY", "0.04", "10", {}, "Price (0.004) breaks minimum tick size rule: 0.01"),
        (YES, "SELL", "10", "4.55", {}, "Price (0.455) breaks minimum tick size rule: 0.01"),
        (
            YES,
            "BUY",
            "2.25",
            "4.99",
            {"order_type": "FOK"},
            "Price (0.4509018036072144) breaks minimum tick size rule: 0.01",
        ),
        (YES, "BUY", "0.486", "1.08", {}, "Size (1.08) lower than the minimum: 5"),
        (
            YES,
            "BUY",
            "2.25045",
            "5.001",
            {},
            "invalid amounts, the buy orders maker amount supports a max accuracy of 4 decimals, "
            "taker amount a max of 2 decimals",
        ),
        (
            YES,
            "BUY",
            "7.0338",
            "12.34",
            {"order_type": "FOK"},
            "invalid amounts, the market buy orders maker amount supports a max accuracy of 2 decimals, "
            "taker amount a max of 4 decimals",
        ),
        (
            YES,
            "SELL",
            "19.69",
            "4.33",
            {},
            "invalid amounts, the taker amount for a $0.22 order of size 19.69 should be '4.3318' but the value "
            "submited is '4.33'. Please check if you are using the latest version of the 'clob-client' library",
        ),
        (
            YES,
            "SELL",
            "5.001",
            "2.50050",
            {},
            "invalid amounts, the sell orders maker amount supports a max accuracy of 2 decimals, "
            "taker amount a max of 4 decimals",
        ),
        (YES, "BUY", "4.5", "10", {"expiration": "1800000000"}, "invalid expiration"),
        (YES, "BUY", "4.5", "10", {"order_type": "GTD"}, "invalid expiration"),
        (YES, "BUY", "4.5", "10", {"order_type": "GTD", "expiration": "1778997659"}, "invalid expiration"),
        (
            YES,
            "BUY",
            "4.5",
            "10",
            {"order_type": "FAK", "post_only": True},
            "invalid post-only order: only GTC and GTD orders can be post-only",
        ),
        (BUSY_YES, "BUY", "5.1", "10", {"post_only": True}, "invalid post-only order: order crosses book"),
        (
            BUSY_YES,
            "BUY",
            "900",
            "1800",
            {"order_type": "FOK"},
            "order couldn't be fully filled. FOK orders are fully filled or killed.",
        ),
        (
            BUSY_YES,
            "BUY",
            "9",
            "18",
            {"order_type": "FAK"},
            "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found.",
        ),
        (
            BUSY_YES,
            "BUY",
            "0.99",
            "1.8",
            {"order_type": "FAK"},
            "invalid amount for a marketable BUY order ($0.99), min size: $1",
        ),
        (
            YES,
            "SELL",
            "10",
            "5",
            {},
            "not enough balance / allowance: the balance is not enough -> balance: 0, order amount: 10000000",
        ),
    ],
)
async def test_each_check_refuses_in_the_venues_words(
    alice: Client, token: str, side: str, maker_amount: str, taker_amount: str, options: dict[str, Any], text: str
) -> None:
    refused = await refusal(alice, token, side, maker_amount, taker_amount, **options)
    if text.startswith(("Price", "Size")):
        prefix, _, rest = refused.partition(" is invalid. ")
        assert prefix.startswith("order 0x") and len(prefix) == 72
        assert rest == text
    else:
        assert refused == text


async def test_the_same_signed_order_is_taken_once(alice: Client) -> None:
    body = alice.order_body(YES, "BUY", "4.5", "10")
    order_id = (await alice.call("POST", "/order", body)).json()["orderID"]
    again = await alice.call("POST", "/order", body)
    assert again.json() == {"error": f"order {order_id} is invalid. Duplicated."}


async def test_a_market_order_on_the_fine_tick_may_have_five_decimals_of_shares(alice: Client, bob: Client) -> None:
    await bob.place(RATES_YES, "BUY", "30", "2000", neg_risk=True)
    answer = await alice.place("212", "BUY", "9.98", "10.13197", neg_risk=True, order_type="FAK")
    assert answer.json()["status"] == "matched"


async def test_a_gtd_order_expires_before_its_expiration(alice: Client, clock: ManualClock) -> None:
    expiration = int(clock.now().timestamp()) + 200
    answer = await alice.place(YES, "BUY", "4.5", "10", order_type="GTD", expiration=str(expiration))
    order_id = answer.json()["orderID"]
    await clock.advance(139)
    assert (await alice.call("GET", f"/data/order/{order_id}")).json()["status"] == "LIVE"
    await clock.advance(1)
    order = (await alice.call("GET", f"/data/order/{order_id}")).json()
    assert (order["status"], order["expiration"]) == ("CANCELED_EXPIRED_ORDER", str(expiration))
    assert (await alice.call("GET", "/data/orders")).json()["data"] == []


async def test_new_accounts_may_be_held_to_deposit_wallets(
    catalogue: Catalogue, clock: ManualClock, alice: Client
) -> None:
    from polydesk.core.exchange.order_entry import parse_order_request, place_order
    from polydesk.core.exchange.rejections import Rejection

    strict = Exchange(catalogue, ExchangeSettings(simulated_traders=False, deposit_wallets_only=True), clock)
    credential = strict.accounts.create_credential(alice.wallet.address, 0)
    assert credential is not None
    body = alice.order_body(YES, "BUY", "4.5", "10") | {"owner": credential.api_key}
    with pytest.raises(Rejection, match="please use the deposit wallet flow"):
        place_order(strict, parse_order_request(body), credential)


async def test_an_order_on_a_position_of_the_second_protocol_is_signed_for_its_own_contract(
    catalogue: Catalogue, clock: ManualClock, alice: Client
) -> None:
    """The published vector, on a market whose token is such a position."""
    from dataclasses import replace

    from polydesk.core.exchange.order_entry import parse_order_request, place_order

    token = "453491208547253220481609627261229667812317398955547892212275664056427216896"
    first = catalogue.markets[0]
    market = replace(first, gamma={**first.gamma, "clobTokenIds": f'["{token}", "2"]'})
    exchange = Exchange(replace(catalogue, markets=(market,)), ExchangeSettings(simulated_traders=False), clock)
    credential = exchange.accounts.create_credential(alice.wallet.address, 0)
    assert credential is not None
    body = alice.order_body(YES, "BUY", "50", "100") | {"owner": credential.api_key}
    body["order"] |= {
        "salt": 479249096354,
        "timestamp": "1767225600000",
        "tokenId": token,
        "signature": "0x794cecef8c77eef88bd9572a7b3951f12909fcc8dff393fe66222fd29ee37dd3"
        "67bd76d4fca87b14a5e9727eaf806fe3206fda18d6405ea58f1fe49250ebbf461c",
    }
    entry = place_order(exchange, parse_order_request(body), credential)
    assert entry.order.id == "0xc65dc8e8582bc430f47815c961d53a1147ff84a52282efa3b7a06a688600cb31"


async def test_a_deposit_wallet_order_is_accepted_from_its_owner_only(catalogue: Catalogue, clock: ManualClock) -> None:
    """The published deposit-wallet vector, on a market with its token."""
    from dataclasses import replace

    from polydesk.core.exchange.order_entry import parse_order_request, place_order
    from polydesk.core.exchange.rejections import Rejection

    token = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
    first = catalogue.markets[0]
    market = replace(first, gamma={**first.gamma, "clobTokenIds": f'["{token}", "2"]'})
    exchange = Exchange(replace(catalogue, markets=(market,)), ExchangeSettings(simulated_traders=False), clock)
    inner = (
        "c87b52b4380a6d981de3331cd41a6f5f2985777af2fbb43e7e5db4dcbd9ac39313712c7a7fa9fe391e11399f6a989b5de0ba4d66"
        "1178b9d1b302fc3897b9a8081b3264e159346253e26a64e00b69032db0e7d32f94628de3e6eecb50304d7af3d2"
        "ae2d7d31a7dbf153d7fd571119e750aeb58a75259d06863b8af318e8de981358"
    )
    types = (
        b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,"
        b"uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
    )
    owner = EthAccount.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80").address
    credential = exchange.accounts.create_credential(owner, 0)
    stranger = exchange.accounts.create_credential("0x70997970C51812dc3A010C7d01b50e0d17dc79C8", 0)
    assert credential is not None and stranger is not None
    body = {
        "order": {
            "salt": 479249096354,
            "maker": WALLET,
            "signer": WALLET,
            "tokenId": token,
            "makerAmount": "50000000",
            "takerAmount": "100000000",
            "side": "BUY",
            "expiration": "0",
            "signatureType": 3,
            "timestamp": "1767225600000",
            "metadata": "0x" + "0" * 64,
            "builder": "0x" + "0" * 64,
            "signature": f"0x{inner}{types.hex()}00ba",
        },
        "owner": stranger.api_key,
        "orderType": "GTC",
    }
    with pytest.raises(Rejection, match="the order signer address has to be"):
        place_order(exchange, parse_order_request(body), stranger)
    entry = place_order(exchange, parse_order_request(body | {"owner": credential.api_key}), credential)
    assert entry.order.id == "0x7989df13d5d8c8a3717598aa848164b19b6d014ed1ffa0c82aa434932f2dce59"
    assert entry.order.maker_address == WALLET
