"""Each fault, switched on at the exchange, is named by the doctor: one row per fault, through real sockets."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from polydesk.core.clock import ShiftedClock
from polydesk.core.diagnosis.account import Diagnosis, Subject, diagnose
from polydesk.core.diagnosis.findings import FINDINGS
from polydesk.core.diagnosis.reach import Probe, findings_of_reach
from polydesk.core.errors import PolymarketAPIError
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.faults import (
    ClockSkew,
    ConnectionFault,
    Fault,
    FaultPlan,
    HtmlError,
    RateLimited,
    Restart,
    StatusFault,
    StreamFault,
    TradingMode,
)
from polydesk.core.exchange.operator_controls import GEOBLOCKED
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.identifiers import Address, TokenId
from polydesk.core.models import Market, OrderSide, OrderTicket, TimeInForce
from polydesk.core.polymarket import trading_requests as requests
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.credentials import ApiCredentials
from polydesk.core.polymarket.gamma import GammaClient
from polydesk.core.polymarket.signing import SignatureType, SignedOrder, Signer
from polydesk.core.polymarket.transport import Transport, TransportSettings
from polydesk.core.polymarket.wallets import candidate_wallets
from tests.support.exchanges import environment_of

SIGNER = Signer("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
SOMEBODY_ELSE = Signer("0x" + "6" * 64)
WALLETS = {each.kind: each.address for each in candidate_wallets(SIGNER.address)}
CATALOGUE = load_catalogue()


class Scene:
    """An exchange, a client of it and a market with a book."""

    def __init__(self, exchange: Exchange, transport: Transport, market: Market, best_ask: Decimal) -> None:
        self.exchange = exchange
        self.clob = CLOBClient(transport, signer=SIGNER)
        self.transport = transport
        self.market = market
        self.best_ask = best_ask

    def signed(
        self,
        price: str | Decimal = "0.01",
        shares: str = "10",
        *,
        side: OrderSide = OrderSide.BUY,
        kind: TimeInForce = TimeInForce.GTC,
        signer: Signer | None = None,
        token: str | None = None,
        expires_s: int | None = None,
        post_only: bool = False,
    ) -> SignedOrder:
        now = self.transport.clock.now()
        ticket = OrderTicket(
            token_id=TokenId(token) if token else self.market.outcomes[0].token_id,
            condition_id=self.market.condition_id,
            side=side,
            price=Decimal(price),
            shares=Decimal(shares),
            dollars=Decimal(shares) * Decimal(price),
            time_in_force=kind,
            tick=self.market.tick,
            neg_risk=self.market.neg_risk,
            post_only=post_only,
            expires_at=None if expires_s is None else now + timedelta(seconds=expires_s),
        )
        return (CLOBClient(self.transport, signer=signer) if signer else self.clob).sign(ticket)

    def has_wallet(self, *, deployed: bool) -> None:
        """The account's money is in a deposit wallet."""
        self.exchange.accounts.claim_wallet(WALLETS["deposit wallet"], SIGNER.address)
        if not deployed:
            self.exchange.controls.leave_undeployed(WALLETS["deposit wallet"])

    async def refusal(self, order: SignedOrder, **options: Any) -> str:
        """What the venue says to an order that it does not take."""
        return await said(self.clob.post_order(order, **options))

    async def refusal_of_body(self, order: SignedOrder, **changes: Any) -> str:
        """What it says to a placement that was changed after it was signed; keys of the order have an underscore."""
        owner = (await self.clob.credentials()).key
        body = requests.placement_body(order, owner=owner, time_in_force=TimeInForce.GTC, post_only=False)
        body["order"] = dict(body["order"])
        for name, value in changes.items():
            part, key = (body["order"], name[1:]) if name.startswith("_") else (body, name)
            part.pop(key, None)
            if value is not None:
                part[key] = value
        return await said(self.clob._authorised(requests.place_spec(order, body)))


async def said(call: Awaitable[object]) -> str:
    with pytest.raises(PolymarketAPIError) as refusal:
        await call
    return refusal.value.message


Cause = Callable[[Scene], Awaitable[str | None]]


async def nothing(scene: Scene) -> None:
    await scene.clob.credentials()


@dataclass(frozen=True)
class Row:
    """A fault, how it is brought about, and the finding that must name it.

    `cause` returns what the venue said, if it said anything; `subject` are settings of the account that is looked at.
    """

    code: str
    cause: Cause = nothing
    faults: tuple[Fault, ...] = ()
    rules: dict[str, Any] = field(default_factory=dict)
    subject: dict[str, Any] = field(default_factory=dict)
    chain_id: int = 137
    words: str = ""
    ws_url: str = ""


def status(route: str, code: int, body: Any, **options: Any) -> StatusFault:
    return StatusFault(kind="status", route=route, status=code, body=body, **options)


def mode(kind: str) -> TradingMode:
    return TradingMode.model_validate({"kind": kind})


def does(change: Callable[[Scene], object]) -> Cause:
    async def cause(scene: Scene) -> None:
        await scene.clob.credentials()
        change(scene)

    return cause


def refused(**order: Any) -> Cause:
    async def cause(scene: Scene) -> str:
        return await scene.refusal(scene.signed(**order))

    return cause


def changed(**changes: Any) -> Cause:
    async def cause(scene: Scene) -> str:
        return await scene.refusal_of_body(scene.signed(), **changes)

    return cause


async def never_came(_: Scene) -> None:
    return None


async def banned(scene: Scene) -> str:
    await scene.clob.credentials()
    scene.exchange.controls.ban(SIGNER.address)
    return await scene.refusal(scene.signed())


async def other_signer(scene: Scene) -> str:
    return await scene.refusal_of_body(scene.signed(signer=SOMEBODY_ELSE))


async def twice(scene: Scene) -> str:
    order = scene.signed()
    await scene.clob.post_order(order)
    return await said(CLOBClient(scene.transport, signer=SIGNER).post_order(order))


async def cancelled_on_chain(scene: Scene) -> str:
    order = scene.signed()
    scene.exchange.controls.cancel_on_chain(order.order_id)
    return await scene.refusal(order)


async def not_accepting(scene: Scene) -> str:
    scene.exchange.markets.by_condition[scene.market.condition_id].accepting_orders = False
    return await scene.refusal(scene.signed())


async def rests(scene: Scene) -> None:
    await scene.clob.post_order(scene.signed("0.01", "90000"))


async def buys(scene: Scene) -> None:
    await scene.clob.post_order(scene.signed(scene.best_ask, "10"))


async def buys_and_forbids(scene: Scene) -> None:
    await buys(scene)
    scene.exchange.controls.allow(SIGNER.address, 0)


async def too_much_beside_open_orders(scene: Scene) -> str:
    await rests(scene)
    return await scene.refusal(scene.signed("0.01", "20000"))


async def batch(scene: Scene) -> str:
    orders = [scene.signed() for _ in range(16)]
    owner = (await scene.clob.credentials()).key
    bodies = [
        requests.placement_body(order, owner=owner, time_in_force=TimeInForce.GTC, post_only=False) for order in orders
    ]
    return await said(scene.clob._authorised(requests.place_many_spec(orders, bodies)))


async def would_cross(scene: Scene) -> str:
    return await scene.refusal(scene.signed(scene.best_ask, "10", post_only=True))


async def too_cheap(scene: Scene) -> str:
    return await scene.refusal(scene.signed(scene.best_ask, "1", kind=TimeInForce.FAK))


UUID = "00000000-0000-4000-8000-000000000000"

ROWS = [
    Row("no_key", never_came, subject={"signer": None}),
    Row("funder_with_eoa", subject={"funder": WALLETS["deposit wallet"]}, words="POLYMARKET_SIGNATURE_TYPE=3"),
    Row("funder_missing", subject={"signature_type": SignatureType.POLY_1271}, words=WALLETS["deposit wallet"]),
    Row(
        "wrong_signature_type",
        subject={"funder": WALLETS["Safe"], "signature_type": SignatureType.POLY_1271},
        words="POLYMARKET_SIGNATURE_TYPE=2",
    ),
    Row(
        "funder_not_of_key",
        subject={"funder": "0x" + "1" * 40, "signature_type": SignatureType.POLY_1271},
        words=WALLETS["proxy wallet"],
    ),
    Row(
        "another_wallet_is_used",
        subject={"funder": WALLETS["Safe"], "signature_type": SignatureType.POLY_GNOSIS_SAFE},
        words=f"POLYMARKET_FUNDER={SIGNER.address} and POLYMARKET_SIGNATURE_TYPE=0",
    ),
    Row(
        "wallet_not_deployed",
        does(lambda scene: scene.has_wallet(deployed=False)),
        subject={"funder": WALLETS["deposit wallet"], "signature_type": SignatureType.POLY_1271},
        words=WALLETS["deposit wallet"],
    ),
    Row("new_wallet", never_came),
    Row("no_api_key", never_came),
    Row("deposit_wallet_required", refused(), rules={"deposit_wallets_only": True}, words=WALLETS["deposit wallet"]),
    Row("invalid_signature", changed(_maker=SOMEBODY_ELSE.address), words=WALLETS["Safe"]),
    Row(
        "api_key_of_another_account",
        subject={"configured": ApiCredentials(UUID, "A" * 43 + "=", "a passphrase of somebody")},
        words=SIGNER.address,
    ),
    Row("api_key_refused", faults=(status("/clob/auth/api-keys", 401, {"error": "Unauthorized/Invalid api key"}),)),
    Row("api_secret_unreadable", subject={"configured": ApiCredentials(UUID, "abcde", "a passphrase of ours")}),
    Row("l1_refused", never_came, chain_id=80002),
    Row("wrong_signer", other_signer),
    Row("wrong_owner", changed(owner=UUID)),
    Row("banned", banned),
    Row("closed_only", does(lambda scene: scene.exchange.controls.close_only(SIGNER.address))),
    Row("region_blocked", rules={"geoblocked_country": "US"}, words="US"),
    Row("region_close_only", does(lambda scene: setattr(scene.exchange.controls, "country", "SG")), words="SG"),
    Row("bot_check", faults=(status("/clob/time", 403, "<html><title>Just a moment...</title></html>"),)),
    Row("bot_check", refused(), faults=(status("/clob/order", 403, "<html><div class=cf-chl-x></div></html>"),)),
    Row("provider_filter", refused(), faults=(status("/clob/order", 403, "<html>Access denied</html>"),)),
    Row("region_blocked", refused(), faults=(status("/clob/order", 403, {"error": GEOBLOCKED}),)),
    Row("provider_filter", faults=(status("/clob/time", 200, "<html>This site is blocked.</html>"),), words="200"),
    Row("provider_filter", faults=(status("/clob/time", 451, "unavailable"),), words="451"),
    Row("venue_unreachable", faults=(ConnectionFault(kind="reset_before_read", route="/clob/time"),)),
    Row("venue_failure", faults=(HtmlError(kind="html_error", route="/clob/time"),)),
    Row("venue_failure", refused(), faults=(status("/clob/order", 500, {"error": "could not run the execution"}),)),
    Row("rate_limited", faults=(RateLimited(kind="rate_limited", route="/clob/time"),)),
    Row("rate_limited", refused(), faults=(RateLimited(kind="rate_limited", route="/clob/order"),)),
    Row("look_failed", faults=(ConnectionFault(kind="reset_before_read", route="/data/*"),), words="looked at"),
    Row("wrong_address", faults=(status("/clob/time", 404, {"error": "no such route"}),)),
    Row("venue_version", faults=(status("/clob/version", 200, {"version": 3}),), words="version 3"),
    Row("order_version_mismatch", changed(_timestamp=None, _nonce="0", _feeRateBps="0")),
    Row("clock_skew", faults=(ClockSkew(kind="clock_skew", seconds=120),), words="120 s behind"),
    Row("clock_skew", faults=(ClockSkew(kind="clock_skew", seconds=-90),), words="s ahead of"),
    Row("no_money", rules={"starting_balance": Decimal(0)}),
    Row("allowance_missing", does(lambda scene: scene.exchange.controls.allow(SIGNER.address, 0)), words="$0"),
    Row("share_allowance_missing", buys_and_forbids, rules={"mined_after_s": 0, "confirmed_after_s": 0}),
    Row("cash_reserved", rests, words="$900 is promised to open orders, which leaves $100"),
    Row("cash_reserved", too_much_beside_open_orders, words="cancel open orders"),
    Row("cash_unsettled", buys, rules={"mined_after_s": 600}, words="is owed for matched trades"),
    Row(
        "balance_cached",
        does(lambda scene: scene.exchange.controls.remember_balance(SIGNER.address, 0)),
        words="$0 instead of $1000",
    ),
    Row("balance_too_small", refused(price="0.5", shares="9000"), words="needs $4500"),
    Row("restarting", refused(), faults=(Restart(kind="restarting"),)),
    Row("post_only_mode", refused(), faults=(mode("post_only"),)),
    Row("cancel_only", refused(), faults=(mode("cancel_only"),)),
    Row("trading_disabled", refused(), faults=(mode("disabled"),)),
    Row("stream_down", ws_url="ws://127.0.0.1:9/ws", words="the desk asks every few seconds"),
    Row("stream_silent", faults=(StreamFault(kind="freeze", route="/ws/market"),), words="market stream"),
    Row("tick", refused(price="0.0105", shares="100")),
    Row("min_size", refused(price="0.5", shares="1")),
    Row("min_notional", too_cheap),
    Row("duplicate", twice),
    Row("post_only_would_cross", would_cross),
    Row("fok_not_filled", refused(price="0.01", shares="200", kind=TimeInForce.FOK)),
    Row("fak_not_filled", refused(price="0.01", shares="200", kind=TimeInForce.FAK)),
    Row("market_not_ready", not_accepting),
    Row("market_closed", refused(token="999")),
    Row("expiration", refused(kind=TimeInForce.GTD, expires_s=30)),
    Row("canceled_on_chain", cancelled_on_chain),
    Row("batch_too_large", batch),
    Row("invalid_payload", changed(_salt="twelve")),
]


async def diagnosis_of(row: Row) -> Diagnosis:
    changed_rules: dict[str, Any] = {"simulated_traders": False, "faults": FaultPlan.of(*row.faults)} | row.rules
    rules = ExchangeSettings(**changed_rules)
    async with AsyncExitStack() as opened:
        exchange = Exchange(CATALOGUE, rules, ShiftedClock(CATALOGUE.starts_at))
        server = await opened.enter_async_context(ExchangeServer(exchange))
        environment = environment_of(server, chain_id=row.chain_id)
        transport = await opened.enter_async_context(
            Transport(
                replace(environment, ws_url=row.ws_url or environment.ws_url),
                clock=exchange.clock,
                random=Random(1),
                settings=TransportSettings(max_retries=0),
            )
        )
        page = await GammaClient(transport).markets(closed=False, limit=20, order="volume24hr", ascending=False)
        for market in page.markets:
            book = await CLOBClient(transport).book(market.outcomes[0].token_id)
            if book and book.best_ask and Decimal("0.1") < book.best_ask.price < Decimal("0.9"):
                break
        assert book is not None
        assert book.best_ask is not None
        text = await row.cause(Scene(exchange, transport, market, book.best_ask.price))
        subject: dict[str, Any] = {"signer": SIGNER, "told": [text] if text else []} | row.subject
        if "funder" in subject:
            subject["funder"] = Address(subject["funder"])
        return await diagnose(Subject(transport=transport, patience_s=0.8, **subject))


EVERY_DAY = {
    "wrong_signature_type",
    "another_wallet_is_used",
    "api_key_refused",
    "bot_check",
    "region_close_only",
    "look_failed",
    "clock_skew",
    "allowance_missing",
    "stream_down",
    "invalid_payload",
}
"""One or two of each part of the table; the others take part in the longer runs."""


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{number}-{row.code}", marks=[] if row.code in EVERY_DAY else [pytest.mark.takeover])
        for number, row in enumerate(ROWS)
    ],
)
async def test_the_fault_is_named_with_one_cause_and_one_fix(row: Row) -> None:
    diagnosis = await diagnosis_of(row)
    found = [each for each in diagnosis.findings if each.code == row.code]
    assert len(found) == 1, diagnosis.findings
    assert found[0].cause.endswith(".")
    assert "{" not in found[0].cause + found[0].fix
    assert row.words in f"{found[0].cause} {found[0].fix}"
    serious = {each.code for each in diagnosis.findings if each.weight != "note"}
    assert len(serious - {row.code}) <= 2, "one cause has few names"


async def test_a_healthy_account_has_nothing_to_complain_of() -> None:
    diagnosis = await diagnosis_of(Row("none"))
    assert diagnosis.findings == ()
    assert diagnosis.can_trade
    assert diagnosis.facts == {
        "venue": "answers",
        "region": "PT",
        "clock": diagnosis.facts["clock"],
        "version": "2",
        "wallets with a history": f"{SIGNER.address} (key's own account, type 0)",
        "API keys": "1",
        "closed only": "no",
        "rate tier": "standard",
        "user stream": "works",
        "market stream": "works",
    }
    assert diagnosis.money is not None
    assert diagnosis.money.cash == diagnosis.money.free == Decimal(1000)


async def test_a_deposit_wallet_is_as_healthy_as_any() -> None:
    wallet = {"funder": WALLETS["deposit wallet"], "signature_type": SignatureType.POLY_1271}
    row = Row("none", does(lambda scene: scene.has_wallet(deployed=True)), subject=wallet)
    diagnosis = await diagnosis_of(row)
    assert diagnosis.findings == ()
    assert diagnosis.facts["wallet on chain"] == "deployed"


@pytest.mark.parametrize("seconds", ["²", "9" * 5000, "", "-1"])
async def test_a_time_that_is_none_breaks_nothing(seconds: str) -> None:
    diagnosis = await diagnosis_of(Row("none", faults=(status("/clob/time", 200, json.dumps(seconds)),)))
    assert "clock" not in diagnosis.facts


def test_an_answer_of_any_depth_is_only_no_answer() -> None:
    answer = Probe("https://venue.test/time", 200, b"[" * 200_000)
    assert answer.json is None
    assert [each.code for each in findings_of_reach(answer)] == ["wrong_address"]


async def test_what_nobody_knows_is_shown_in_the_venues_words() -> None:
    fault = status("/clob/auth/ban-status/closed-only", 400, {"error": "the flux capacitor is empty"})
    (found,) = (await diagnosis_of(Row("unknown", faults=(fault,)))).findings
    assert (found.code, found.cause, found.fix) == ("unknown", "The venue said: the flux capacitor is empty", "")


async def test_nothing_is_changed_at_the_venue() -> None:
    made: list[Exchange] = []

    async def cause(scene: Scene) -> None:
        made.append(scene.exchange)

    await diagnosis_of(Row("new_wallet", cause))
    assert made[0].credentials.of(SIGNER.address) == []
    assert made[0].registry.orders == {} or all(
        order.account.address != SIGNER.address for order in made[0].registry.orders.values()
    )


def test_most_findings_have_a_row() -> None:
    without = FINDINGS.keys() - {row.code for row in ROWS}
    assert len({row.code for row in ROWS}) >= 45
    assert without == {
        "tls_intercepted",
        "insufficient_balance",
        "precision",
        "nonce",
        "order_delayed",
        "order_timed_out",
        "not_found",
        "already_gone",
        "heartbeat",
        "halted",
        "key_locked",
        "limits_missing",
        "read_only",
        "unknown",
    }
