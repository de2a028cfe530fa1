"""A small hand-made exchange, and a client that signs with the reference library, not with the exchange's code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from eth_account import Account as EthAccount
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.book import Order, OrderType, Side
from polydesk.core.exchange.catalogue import Catalogue, RecordedMarket
from polydesk.core.exchange.ledger import Account
from polydesk.core.exchange.listing import Listing
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.trading import Entry
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import to_micro

STARTS_AT = datetime(2026, 5, 17, 6, 0, tzinfo=UTC)
EXCHANGE_CONTRACTS = {
    False: "0xE111180000d2663C0091e4f400237545B87B996B",
    True: "0xe2222d279d744050d28e00520010520000310F59",
}
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
OTHER_KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"

Levels = Sequence[tuple[str, str]]


def recorded_market(
    number: int,
    *,
    tick: str = "0.01",
    rate: str = "0",
    neg_risk: bool = False,
    bids: Levels = (),
    asks: Levels = (),
    last: str | None = None,
    closed: bool = False,
    history: Sequence[tuple[int, str]] = (),
    **gamma: Any,
) -> RecordedMarket:
    """Market `number` of event `number // 10`; its tokens are `{number}1` and `{number}2`."""
    tokens = [f"{number}1", f"{number}2"]
    condition = "0x" + f"{number:064x}"
    market: dict[str, Any] = {
        "id": str(number),
        "question": f"Will thing {number} happen?",
        "conditionId": condition,
        "slug": f"thing-{number}",
        "outcomes": '["Yes", "No"]',
        "outcomePrices": '["1", "0"]' if closed else '["0.5", "0.5"]',
        "clobTokenIds": json.dumps(tokens),
        "active": True,
        "closed": closed,
        "archived": False,
        "acceptingOrders": not closed,
        "negRisk": neg_risk,
        "orderPriceMinTickSize": float(tick),
        "orderMinSize": 5,
        "volume": "1000.5",
        "volumeNum": 1000.5,
        "liquidity": "50",
        "liquidityNum": 50,
        "createdAt": "2026-01-01T00:00:00Z",
        "startDate": "2026-01-01T00:00:00Z",
        "endDate": "2026-06-30T00:00:00Z",
        "questionID": "0x" + "7" * 63 + str(number % 10),
        **gamma,
    }
    clob: dict[str, Any] = {
        "c": condition,
        "t": [{"t": tokens[0], "o": "Yes"}, {"t": tokens[1], "o": "No"}],
        "mos": 5,
        "mts": float(tick),
        "ao": not closed,
    }
    if neg_risk:
        clob["nr"] = True
    if rate != "0":
        clob["fd"] = {"r": float(rate), "e": 1, "to": True}
        clob["mbf"] = clob["tbf"] = 1000
    return RecordedMarket(
        gamma=market,
        event_id=str(number // 10),
        clob=clob,
        bids=tuple((Decimal(price), Decimal(size)) for price, size in bids),
        asks=tuple((Decimal(price), Decimal(size)) for price, size in asks),
        last_trade_price=None if last is None else Decimal(last),
        history=tuple((at, Decimal(price)) for at, price in history),
        recorded_at=STARTS_AT,
    )


def recorded_event(number: int, title: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "slug": f"event-{number}",
        "ticker": f"event-{number}",
        "title": title,
        "description": "",
        "active": True,
        "closed": False,
        "volume": 2000.5,
        "liquidity": 100,
        "startDate": "2026-01-01T00:00:00Z",
        "endDate": "2026-06-30T00:00:00Z",
        "tags": [{"id": str(100 + number), "label": f"Topic {number}", "slug": f"topic-{number}"}],
        **fields,
    }


EMPTY, FEE, NEG_RISK, BUSY, CLOSED = 11, 12, 21, 13, 31
"""An empty book without fees, one at 7 %, a neg-risk one on the fine tick, one with recorded depth, a resolved one."""


@pytest.fixture
def catalogue() -> Catalogue:
    start = int(STARTS_AT.timestamp())
    return Catalogue(
        starts_at=STARTS_AT,
        events=(
            recorded_event(1, "Things of the first kind"),
            recorded_event(2, "Rates in June", negRisk=True),
            recorded_event(3, "Old matters", closed=True, volume=5.0),
        ),
        markets=(
            recorded_market(EMPTY),
            recorded_market(FEE, rate="0.07"),
            recorded_market(NEG_RISK, tick="0.001", neg_risk=True, question="Will the bank cut rates?"),
            recorded_market(
                BUSY,
                bids=(("0.49", "100"), ("0.48", "200.5"), ("0.4", "1000")),
                asks=(("0.51", "100"), ("0.52", "150"), ("0.6", "1000")),
                last="0.5",
                history=((start - 86_400, "0.4"), (start - 3600, "0.45"), (start, "0.5")),
                clobRewards=[{"assetAddress": "0xC011", "rewardsDailyRate": 30}],
            ),
            recorded_market(CLOSED, closed=True),
        ),
        headlines=(),
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(STARTS_AT)


@pytest.fixture
def settings() -> ExchangeSettings:
    """Quiet and settling at once; a test module that needs other rules overrides it."""
    return ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)


@pytest.fixture
def exchange(catalogue: Catalogue, settings: ExchangeSettings, clock: ManualClock) -> Exchange:
    return Exchange(catalogue, settings, clock)


@dataclass
class Floor:
    """Trading without sockets: named accounts with funds, orders in plain decimals."""

    exchange: Exchange
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def listing(self, number: int) -> Listing:
        return self.exchange.markets.by_token[f"{number}1"]

    def account(self, name: str, *, dollars: str = "0", shares: str = "0", market: int = EMPTY) -> Account:
        """An account with cash, and with complete sets of one market."""
        account = self.exchange.accounts.open_account(name)
        self.exchange.ledger.deposit(account, to_micro(Decimal(dollars) + Decimal(shares)))
        if shares != "0":
            listing = self.listing(market)
            self.exchange.ledger.split(
                account, listing.condition_id, listing.tokens, to_micro(Decimal(shares)), at=self.exchange.now_s
            )
        return account

    def order(
        self,
        account: Account,
        side: Side,
        price: str,
        size: str,
        *,
        market: int = EMPTY,
        outcome: int = 0,
        order_type: OrderType = "GTC",
        budget: str | None = None,
        expiration: int = 0,
    ) -> Order:
        listing = self.listing(market)
        return Order(
            id=f"0x{next(self.numbers):064x}",
            account=account,
            condition_id=listing.condition_id,
            token_id=listing.tokens[outcome],
            outcome=outcome,
            side=side,
            price=int(Decimal(price) * 10_000),
            size=to_micro(Decimal(size)),
            order_type=order_type,
            created_at_ms=self.exchange.now_ms,
            owner=f"key of {account.address}",
            maker_address=account.address,
            budget=None if budget is None else to_micro(Decimal(budget)),
            expiration=expiration,
        )

    def enter(self, account: Account, side: Side, price: str, size: str, **options: Any) -> Entry:
        post_only = options.pop("post_only", False)
        return self.exchange.trading.enter(self.order(account, side, price, size, **options), post_only=post_only)

    def discrepancies(self) -> list[str]:
        return self.exchange.ledger.discrepancies(
            {listing.condition_id: listing.tokens for listing in self.exchange.markets.listings}
        )


@pytest.fixture
def floor(exchange: Exchange) -> Floor:
    return Floor(exchange)


@pytest.fixture
async def server(exchange: Exchange) -> AsyncIterator[ExchangeServer]:
    async with ExchangeServer(exchange) as serving:
        yield serving


@pytest.fixture
async def http(server: ExchangeServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=server.base_url) as client:
        yield client


ORDER_TYPES = {
    "Order": [
        {"name": name, "type": kind}
        for name, kind in (
            ("salt", "uint256"),
            ("maker", "address"),
            ("signer", "address"),
            ("tokenId", "uint256"),
            ("makerAmount", "uint256"),
            ("takerAmount", "uint256"),
            ("side", "uint8"),
            ("signatureType", "uint8"),
            ("timestamp", "uint256"),
            ("metadata", "bytes32"),
            ("builder", "bytes32"),
        )
    ]
}


@dataclass
class Client:
    """A trader with a key, speaking the wire over a real socket."""

    http: httpx2.AsyncClient
    clock: ManualClock
    wallet: LocalAccount
    credentials: dict[str, str] = field(default_factory=dict)
    salts: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def log_in(self, nonce: int = 0) -> httpx2.Response:
        answer = await self.http.post("/clob/auth/api-key", headers=self.l1_headers(nonce))
        if answer.status_code == 200:
            self.credentials = answer.json()
        return answer

    def l1_headers(self, nonce: int = 0, *, chain_id: int = 137) -> dict[str, str]:
        timestamp = str(int(self.clock.now().timestamp()))
        signed = self.wallet.sign_typed_data(
            {"name": "ClobAuthDomain", "version": "1", "chainId": chain_id},
            {
                "ClobAuth": [
                    {"name": "address", "type": "address"},
                    {"name": "timestamp", "type": "string"},
                    {"name": "nonce", "type": "uint256"},
                    {"name": "message", "type": "string"},
                ]
            },
            {
                "address": self.wallet.address,
                "timestamp": timestamp,
                "nonce": nonce,
                "message": "This message attests that I control the given wallet",
            },
        )
        return {
            "POLY_ADDRESS": self.wallet.address,
            "POLY_SIGNATURE": "0x" + signed.signature.hex().removeprefix("0x"),
            "POLY_TIMESTAMP": timestamp,
            "POLY_NONCE": str(nonce),
        }

    def l2_headers(self, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        timestamp = str(int(self.clock.now().timestamp()))
        key = base64.urlsafe_b64decode(self.credentials["secret"])
        mac = hmac.new(key, f"{timestamp}{method}{path}".encode() + body, hashlib.sha256)
        return {
            "POLY_ADDRESS": self.wallet.address,
            "POLY_API_KEY": self.credentials["apiKey"],
            "POLY_PASSPHRASE": self.credentials["passphrase"],
            "POLY_TIMESTAMP": timestamp,
            "POLY_SIGNATURE": base64.urlsafe_b64encode(mac.digest()).decode(),
        }

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> httpx2.Response:
        content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        return await self.http.request(
            method,
            "/clob" + path,
            params=query or None,
            content=content,
            headers=self.l2_headers(method, path, content),
        )

    def order_body(
        self,
        token: str,
        side: str,
        maker_amount: str | Decimal,
        taker_amount: str | Decimal,
        *,
        order_type: str = "GTC",
        neg_risk: bool = False,
        post_only: bool = False,
        expiration: str = "0",
        signature_type: int = 0,
        maker: str | None = None,
        chain_id: int = 137,
    ) -> dict[str, Any]:
        """A signed `POST /order` body. Amounts are dollars and shares."""
        message = {
            "salt": next(self.salts),
            "maker": maker or self.wallet.address,
            "signer": self.wallet.address,
            "tokenId": int(token),
            "makerAmount": to_micro(Decimal(maker_amount)),
            "takerAmount": to_micro(Decimal(taker_amount)),
            "side": 0 if side == "BUY" else 1,
            "signatureType": signature_type,
            "timestamp": int(self.clock.now().timestamp() * 1000),
            "metadata": bytes(32),
            "builder": bytes(32),
        }
        domain = {
            "name": "Polymarket CTF Exchange",
            "version": "2",
            "chainId": chain_id,
            "verifyingContract": EXCHANGE_CONTRACTS[neg_risk],
        }
        signature = EthAccount.sign_message(encode_typed_data(domain, ORDER_TYPES, message), self.wallet.key).signature
        order = {
            **message,
            "tokenId": token,
            "makerAmount": str(message["makerAmount"]),
            "takerAmount": str(message["takerAmount"]),
            "side": side,
            "expiration": expiration,
            "timestamp": str(message["timestamp"]),
            "metadata": "0x" + "0" * 64,
            "builder": "0x" + "0" * 64,
            "signature": "0x" + signature.hex().removeprefix("0x"),
        }
        return {
            "order": order,
            "owner": self.credentials["apiKey"],
            "orderType": order_type,
            "deferExec": False,
            "postOnly": post_only,
        }

    async def place(self, *args: Any, **options: Any) -> httpx2.Response:
        return await self.call("POST", "/order", self.order_body(*args, **options))


@pytest.fixture
def new_client(http: httpx2.AsyncClient, clock: ManualClock) -> Callable[[str], Client]:
    def make(key: str) -> Client:
        return Client(http, clock, EthAccount.from_key(key))

    return make


@pytest.fixture
async def alice(new_client: Callable[[str], Client]) -> Client:
    """A trader who is logged in with the starting balance."""
    client = new_client(KEY)
    await client.log_in()
    return client


@pytest.fixture
async def bob(new_client: Callable[[str], Client]) -> Client:
    client = new_client(OTHER_KEY)
    await client.log_in()
    return client
