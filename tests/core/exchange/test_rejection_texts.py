"""Every refusal the venue is known to word, from its cause over the socket, or why it cannot occur here."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.faults import FaultPlan, RateLimited, Restart, StatusFault, TradingMode
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client, Floor

YES, BUSY_YES = "111", "131"
QUIET = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)


@dataclass
class Scene:
    """Two clients on an exchange, and the ways to bring a refusal about."""

    alice: Client
    bob: Client
    exchange: Exchange
    floor: Floor
    clock: ManualClock

    async def order(
        self, token: str = YES, side: str = "BUY", gives: str = "4.5", gets: str = "10", **options: Any
    ) -> Any:
        return await self.alice.place(token, side, gives, gets, **options)

    async def damaged(self, **fields: Any) -> Any:
        """A signed order whose body was changed afterwards."""
        body = self.alice.order_body(YES, "BUY", "4.5", "10")
        body["order"].update(fields)
        return await self.alice.call("POST", "/order", body)


Cause = Callable[[Scene], Awaitable[httpx2.Response]]


@dataclass(frozen=True)
class Refusal:
    """`text` is a pattern of the whole message."""

    name: str
    text: str
    cause: Cause
    status: int = 400
    settings: ExchangeSettings = field(default=QUIET)


def faulty(*rules: Any) -> ExchangeSettings:
    return replace(QUIET, faults=FaultPlan.of(*rules))


async def other_owner(scene: Scene) -> Any:
    body = scene.alice.order_body(YES, "BUY", "4.5", "10") | {"owner": scene.bob.credentials["apiKey"]}
    return await scene.alice.call("POST", "/order", body)


async def other_signer(scene: Scene) -> Any:
    body = scene.bob.order_body(YES, "BUY", "4.5", "10") | {"owner": scene.alice.credentials["apiKey"]}
    return await scene.alice.call("POST", "/order", body)


async def banned(scene: Scene) -> Any:
    scene.exchange.controls.ban(scene.alice.wallet.address)
    return await scene.order()


async def closed_only(scene: Scene) -> Any:
    scene.exchange.controls.close_only(scene.alice.wallet.address)
    return await scene.order()


async def old_version(scene: Scene) -> Any:
    body = scene.alice.order_body(YES, "BUY", "4.5", "10")
    del body["order"]["timestamp"]
    body["order"] |= {"nonce": "0", "feeRateBps": "0", "taker": "0x" + "0" * 40}
    return await scene.alice.call("POST", "/order", body)


async def too_many(scene: Scene) -> Any:
    return await scene.alice.call("POST", "/orders", [scene.alice.order_body(YES, "BUY", "4.5", "10")] * 16)


async def twice(scene: Scene) -> Any:
    body = scene.alice.order_body(YES, "BUY", "4.5", "10")
    await scene.alice.call("POST", "/order", body)
    return await scene.alice.call("POST", "/order", body)


async def cancelled_on_chain(scene: Scene) -> Any:
    order = scene.alice.order_body(YES, "BUY", "4.5", "10")
    order_id = (await scene.alice.call("POST", "/order", order)).json()["orderID"]
    scene.exchange.trading.cancel(scene.exchange.registry.orders.pop(order_id))
    scene.exchange.controls.cancel_on_chain(order_id)
    return await scene.alice.call("POST", "/order", order)


async def beside_other_orders(scene: Scene) -> Any:
    await scene.order(gives="900", gets="2000")
    return await scene.order(gives="450", gets="1000")


async def small_allowance(scene: Scene) -> Any:
    scene.exchange.controls.allow(scene.alice.wallet.address, 1_000_000)
    return await scene.order()


async def not_accepting(scene: Scene) -> Any:
    scene.floor.listing(11).accepting_orders = False
    return await scene.order()


async def without_authentication(scene: Scene) -> Any:
    return await scene.alice.http.get("/clob/data/orders")


async def wrong_attestation(scene: Scene) -> Any:
    return await scene.alice.http.post("/clob/auth/api-key", headers=scene.alice.l1_headers(chain_id=80002))


async def blocked_region(scene: Scene) -> Any:
    """Before authentication: the request has none."""
    return await scene.alice.http.post("/clob/order", json={})


async def until_refused(scene: Scene) -> Any:
    for _ in range(61):
        answer = await scene.order("999")
    return answer


PRECISION = "invalid amounts, the {} orders maker amount supports a max accuracy of {} decimals, "
PRECISION += "taker amount a max of {} decimals"
ORDER = r"order 0x[0-9a-f]{64}"
BALANCE = "not enough balance / allowance: "

REFUSALS = [
    Refusal("malformed", "Invalid order payload", lambda scene: scene.damaged(salt="12")),
    Refusal("owner", "the order owner has to be the owner of the API KEY", other_owner),
    Refusal("signer", "the order signer address has to be the address of the API KEY", other_signer),
    Refusal(
        "old account type",
        "maker address not allowed, please use the deposit wallet flow",
        lambda scene: scene.order(),
        settings=replace(QUIET, deposit_wallets_only=True),
    ),
    Refusal("banned", r"'0x[0-9a-fA-F]{40}' address banned", banned),
    Refusal("closed only", r"'0x[0-9a-fA-F]{40}' address in closed only mode", closed_only),
    Refusal("old version", "order_version_mismatch", old_version),
    Refusal("large batch", "Too many orders in payload: 16, max allowed: 15", too_many),
    Refusal(
        "off the grid",
        rf"{ORDER} is invalid\. Price \(0\.9803921568627451\) breaks minimum tick size rule: 0\.01",
        lambda scene: scene.order(gives="1", gets="1.02"),
    ),
    Refusal(
        "small",
        rf"{ORDER} is invalid\. Size \(1\.08\) lower than the minimum: 5",
        lambda scene: scene.order(gives="0.486", gets="1.08"),
    ),
    Refusal("duplicate", rf"{ORDER} is invalid\. Duplicated\.", twice),
    Refusal(
        "post-only that crosses",
        "invalid post-only order: order crosses book",
        lambda scene: scene.order(BUSY_YES, gives="5.1", post_only=True),
    ),
    Refusal("expiration of a GTC order", "invalid expiration", lambda scene: scene.order(expiration="1800000000")),
    Refusal(
        "expiration too near",
        "invalid expiration",
        lambda scene: scene.order(order_type="GTD", expiration=str(int(scene.clock.now().timestamp()) + 59)),
    ),
    Refusal(
        "market order under a dollar",
        r"invalid amount for a marketable BUY order \(\$0\.99\), min size: \$1",
        lambda scene: scene.order(BUSY_YES, gives="0.99", gets="1.8", order_type="FAK"),
    ),
    Refusal(
        "precision of buys", PRECISION.format("buy", 4, 2), lambda scene: scene.order(gives="2.25045", gets="5.001")
    ),
    Refusal(
        "precision of market buys",
        PRECISION.format("market buy", 2, 4),
        lambda scene: scene.order(gives="7.0338", gets="12.34", order_type="FOK"),
    ),
    Refusal(
        "precision of sells",
        PRECISION.format("sell", 2, 4),
        lambda scene: scene.order(side="SELL", gives="5.001", gets="2.5005"),
    ),
    Refusal(
        "inconsistent amounts",
        r"invalid amounts, the taker amount for a \$0\.22 order of size 19\.69 should be '4\.3318' but the value "
        r"submited is '4\.33'\. Please check if you are using the latest version of the 'clob-client' library",
        lambda scene: scene.order(side="SELL", gives="19.69", gets="4.33"),
    ),
    Refusal(
        "empty balance",
        f"{BALANCE}the balance is not enough -> balance: 0, order amount: 10000000",
        lambda scene: scene.order(side="SELL", gives="10", gets="5"),
    ),
    Refusal(
        "balance beside open orders",
        BALANCE + "the balance is not enough -> balance: 1000000000, sum of active orders: 900000000, "
        r"sum of matched orders: 0, order amount \(inc\. fees\): 450000000",
        beside_other_orders,
    ),
    Refusal(
        "allowance",
        BALANCE + "the allowance is not enough -> spender: 0xE111180000d2663C0091e4f400237545B87B996B, "
        "allowance: 1000000, order amount: 4500000",
        small_allowance,
    ),
    Refusal("cancelled on chain", "order canceled in the CTF exchange contract", cancelled_on_chain),
    Refusal(
        "fill or kill",
        r"order couldn't be fully filled\. FOK orders are fully filled or killed\.",
        lambda scene: scene.order(BUSY_YES, gives="900", gets="1800", order_type="FOK"),
    ),
    Refusal(
        "fill and kill",
        r"no orders found to match with FAK order\. FAK orders are partially filled or killed if no match is found\.",
        lambda scene: scene.order(BUSY_YES, gives="9", gets="18", order_type="FAK"),
    ),
    Refusal("market not ready", "the market is not yet ready to process new orders", not_accepting),
    Refusal("unknown token", "the orderbook 999 does not exist", lambda scene: scene.order("999")),
    Refusal("closed market", "the orderbook 311 does not exist", lambda scene: scene.order("311")),
    Refusal("signature", "invalid signature", lambda scene: scene.order(chain_id=80002)),
    Refusal("no key", "Unauthorized/Invalid api key", without_authentication, status=401),
    Refusal("no attestation", "Invalid L1 Request headers", wrong_attestation, status=401),
    Refusal(
        "region",
        "Trading restricted in your region, please refer to available regions - "
        r"https://docs\.polymarket\.com/developers/CLOB/geoblock",
        blocked_region,
        status=403,
        settings=replace(QUIET, geoblocked_country="US"),
    ),
    Refusal(
        "signer's rate",
        "Too Many Requests",
        until_refused,
        status=429,
        settings=replace(QUIET, signer_limits="enforce"),
    ),
    Refusal(
        "rate as a fault",
        "Too Many Requests",
        lambda scene: scene.order(),
        status=429,
        settings=faulty(RateLimited(kind="rate_limited", route="/clob/order")),
    ),
    Refusal(
        "trading disabled",
        r"Trading is currently disabled\. Check polymarket\.com for updates",
        lambda scene: scene.order(),
        status=503,
        settings=faulty(TradingMode(kind="disabled")),
    ),
    Refusal(
        "cancel-only",
        r"Trading is currently cancel-only\. New orders are not accepted, but cancels are allowed\.",
        lambda scene: scene.order(),
        status=503,
        settings=faulty(TradingMode(kind="cancel_only")),
    ),
    Refusal(
        "post-only mode",
        "post-only mode: only post-only orders and cancels are allowed",
        lambda scene: scene.order(),
        status=503,
        settings=faulty(TradingMode(kind="post_only", retry_after=79)),
    ),
]

INTERNAL = "an engine that cannot fail inside has no cause for it; a `status` fault sends it"
CANNOT_OCCUR = {
    "order {id} crosses the book": "the other wording of a post-only order that crosses",
    "invalid order version, please use the latest clob-client": "the other wording of order_version_mismatch",
    "invalid nonce": "orders of this version have no nonce",
    "not enough balance / allowance": "the short form of those with figures",
    "order match delayed due to market conditions": "an order that waits is answered `delayed`; cancels of it say this",
    "Invalid API key": "the specification's wording of what is sent as Unauthorized/Invalid api key",
    "could not insert order": INTERNAL,
    "there are no matching orders": INTERNAL,
    "FOK orders are filled or killed": INTERNAL,
    "the trade contains rounding issues": INTERNAL,
    "the price of the taker's order has a discrepancy greater than allowed with the worst maker order": INTERNAL,
    "Internal server error": INTERNAL,
    "could not run the execution": INTERNAL,
    "order timed out": INTERNAL,
}


@pytest.fixture
def settings(row: Refusal | None) -> ExchangeSettings:
    return row.settings if row else QUIET


@pytest.fixture
def scene(alice: Client, bob: Client, exchange: Exchange, floor: Floor, clock: ManualClock) -> Scene:
    return Scene(alice, bob, exchange, floor, clock)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in REFUSALS])
async def test_the_cause_is_refused_in_the_venues_words(row: Refusal, scene: Scene) -> None:
    answer = await row.cause(scene)
    assert answer.status_code == row.status
    assert re.fullmatch(row.text, answer.json()["error"]), answer.json()


@pytest.mark.parametrize("row", [None])
def test_each_text_has_one_place_in_the_tables(row: None) -> None:
    worded = {re.sub(r"\\", "", refusal.text) for refusal in REFUSALS}
    assert not worded & set(CANNOT_OCCUR)


@pytest.mark.parametrize(
    "row",
    [
        Refusal(
            "status",
            "",
            blocked_region,
            settings=faulty(StatusFault(kind="status", status=500, body={"error": text})),
        )
        for text, reason in CANNOT_OCCUR.items()
        if reason is INTERNAL
    ],
)
async def test_an_internal_failure_is_sent_as_a_fault(row: Refusal, http: httpx2.AsyncClient) -> None:
    answer = await http.post("/clob/order")
    assert (answer.status_code, answer.json()["error"] in CANNOT_OCCUR) == (500, True)


@pytest.mark.parametrize("row", [Refusal("restart", "", blocked_region, settings=faulty(Restart(kind="restarting")))])
async def test_a_restarting_engine_answers_425_without_a_body(row: Refusal, scene: Scene) -> None:
    answer = await scene.order()
    assert (answer.status_code, answer.content) == (425, b"")


@pytest.mark.parametrize("row", [None])
async def test_a_ban_refuses_a_whole_batch_and_a_sale_is_closing(row: None, scene: Scene) -> None:
    await scene.order(BUSY_YES, gives="5.1")
    scene.exchange.controls.close_only(scene.alice.wallet.address)
    bodies = [
        scene.alice.order_body(BUSY_YES, side, *amounts)
        for side, amounts in (("SELL", ("5", "3")), ("BUY", ("4.5", "10")))
    ]
    refused = await scene.alice.call("POST", "/orders", bodies)
    assert refused.status_code == 400
    assert "closed only mode" in refused.json()["error"]
    assert (await scene.alice.call("GET", "/auth/ban-status/closed-only")).json() == {"closed_only": True}
    assert (await scene.order(BUSY_YES, "SELL", "5", "3")).json()["status"] == "live"
    scene.exchange.controls.close_only(scene.alice.wallet.address, closed_only=False)
    assert (await scene.order()).json()["status"] == "live"


@pytest.mark.parametrize("row", [Refusal("", "", blocked_region, settings=replace(QUIET, geoblocked_country="US"))])
async def test_the_geoblock_answer_names_the_country(row: Refusal, http: httpx2.AsyncClient) -> None:
    assert (await http.get("/api/geoblock")).json() == {
        "blocked": True,
        "ip": "127.0.0.1",
        "country": "US",
        "region": "",
    }


@pytest.mark.parametrize("row", [None])
async def test_an_allowance_is_shown_with_the_balance(row: None, scene: Scene) -> None:
    scene.exchange.controls.allow(scene.alice.wallet.address, 7)
    shown = (await scene.alice.call("GET", "/balance-allowance", asset_type="COLLATERAL")).json()
    assert set(shown["allowances"].values()) == {"7"}


def test_accounts_may_be_banned_from_the_start() -> None:
    from polydesk.core.exchange.operator_controls import OperatorControls
    from polydesk.core.exchange.rejections import Rejection

    controls = OperatorControls.of(replace(QUIET, banned_addresses=("0xAB",), closed_only_addresses=("0xCD",)))
    with pytest.raises(Rejection, match="address banned"):
        controls.check_sender("0xab", buys=False)
    assert controls.is_closed_only("0xcd")
    controls.ban("0xAb", banned=False)
    controls.check_sender("0xab", buys=True)
