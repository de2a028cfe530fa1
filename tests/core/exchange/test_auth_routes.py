"""Logging in, and what a request must prove."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


async def test_a_key_is_created_once_per_nonce_and_can_be_derived(new_client: Callable[[str], Client]) -> None:
    client = new_client(KEY)
    unknown = await client.http.get("/clob/auth/derive-api-key", headers=client.l1_headers())
    assert (unknown.status_code, unknown.json()) == (400, {"error": "Could not derive api key!"})
    created = await client.log_in()
    assert set(created.json()) == {"apiKey", "secret", "passphrase"}
    again = await client.log_in()
    assert (again.status_code, again.json()) == (400, {"error": "Could not create api key"})
    derived = await client.http.get("/clob/auth/derive-api-key", headers=client.l1_headers())
    assert derived.json() == created.json()
    other = await client.log_in(nonce=1)
    assert other.json()["apiKey"] != created.json()["apiKey"]
    listed = await client.call("GET", "/auth/api-keys")
    assert listed.json() == {"apiKeys": [created.json()["apiKey"], other.json()["apiKey"]]}


async def test_the_starting_balance_comes_with_the_first_key_only(alice: Client) -> None:
    await alice.log_in(nonce=1)
    balance = (await alice.call("GET", "/balance-allowance", asset_type="COLLATERAL")).json()
    assert balance["balance"] == "1000000000"


async def test_a_deleted_key_is_refused_and_never_comes_back(alice: Client) -> None:
    deleted = dict(alice.credentials)
    answer = await alice.call("DELETE", "/auth/api-key")
    assert answer.json() == "OK"
    assert (await alice.call("GET", "/auth/api-keys")).status_code == 401
    assert (await alice.log_in()).json()["apiKey"] != deleted["apiKey"]


async def test_the_same_seed_gives_the_same_keys(alice: Client, exchange: Exchange, clock: ManualClock) -> None:
    twin = Exchange(exchange.catalogue, exchange.settings, clock).accounts.create_credential(alice.wallet.address, 0)
    assert twin is not None and twin.api_key == alice.credentials["apiKey"]


@pytest.mark.parametrize(
    "damage",
    [
        {"POLY_NONCE": "1"},
        {"POLY_NONCE": "x"},
        {"POLY_NONCE": str(2**300)},
        {"POLY_TIMESTAMP": "5"},
        {"POLY_TIMESTAMP": "soon"},
        {"POLY_SIGNATURE": "0x12"},
        {"POLY_SIGNATURE": "no hex"},
        {"POLY_ADDRESS": "0x12"},
        {"POLY_ADDRESS": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"},
    ],
)
async def test_a_false_attestation_is_refused(new_client: Callable[[str], Client], damage: dict[str, str]) -> None:
    client = new_client(KEY)
    answer = await client.http.post("/clob/auth/api-key", headers=client.l1_headers() | damage)
    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid L1 Request headers"})


async def test_an_attestation_for_another_chain_or_without_headers_is_refused(
    new_client: Callable[[str], Client],
) -> None:
    client = new_client(KEY)
    for headers in ({}, client.l1_headers(chain_id=80002)):
        answer = await client.http.post("/clob/auth/api-key", headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"error": "Invalid L1 Request headers"})


@pytest.mark.parametrize(
    "damage",
    [
        {"POLY_API_KEY": "0"},
        {"POLY_PASSPHRASE": "0"},
        {"POLY_SIGNATURE": "0"},
        {"POLY_TIMESTAMP": "1"},
        {"POLY_ADDRESS": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"},
    ],
)
async def test_a_request_with_a_false_header_is_refused(alice: Client, damage: dict[str, str]) -> None:
    answer = await alice.http.get("/clob/data/orders", headers=alice.l2_headers("GET", "/data/orders") | damage)
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized/Invalid api key"})


async def test_the_hmac_covers_path_and_body_but_not_the_query(alice: Client) -> None:
    headers = alice.l2_headers("GET", "/data/orders")
    assert (await alice.http.get("/clob/data/orders?market=0x1", headers=headers)).status_code == 200
    assert (await alice.http.get("/clob/data/trades", headers=headers)).status_code == 401
    mounted = alice.l2_headers("GET", "/clob/data/orders")
    assert (await alice.http.get("/clob/data/orders", headers=mounted)).status_code == 401
    signed = alice.l2_headers("POST", "/order", b"{}")
    assert (await alice.http.post("/clob/order", content=b"{ }", headers=signed)).status_code == 401


async def test_closed_only_is_never_set(alice: Client) -> None:
    assert (await alice.call("GET", "/auth/ban-status/closed-only")).json() == {"closed_only": False}


async def test_read_only_keys_belong_to_their_account(alice: Client, bob: Client) -> None:
    key = (await alice.call("POST", "/auth/readonly-api-key")).json()["apiKey"]
    assert (await alice.call("GET", "/auth/readonly-api-keys")).json() == {"readonlyApiKeys": [key]}
    assert (await bob.call("GET", "/auth/readonly-api-keys")).json() == {"readonlyApiKeys": []}
    bodies: list[object] = [{"key": key}, {"key": 7}, []]
    for body in bodies:
        refused = await bob.call("DELETE", "/auth/readonly-api-key", body)
        assert (refused.status_code, refused.json()) == (400, {"error": "Could not delete API key"})
    assert (await alice.call("DELETE", "/auth/readonly-api-key", {"key": key})).json() == "OK"


class TestWithATolerance:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return ExchangeSettings(simulated_traders=False, timestamp_tolerance_s=30)

    async def test_old_headers_are_refused(self, alice: Client, clock: ManualClock) -> None:
        login, request = alice.l1_headers(), alice.l2_headers("GET", "/data/orders")
        assert (await alice.http.get("/clob/data/orders", headers=request)).status_code == 200
        await clock.advance(31)
        assert (await alice.http.get("/clob/data/orders", headers=request)).status_code == 401
        assert (await alice.http.get("/clob/auth/derive-api-key", headers=login)).status_code == 401
