"""Builders have keys that revoke themselves, and find the trades of orders that carried their code."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

import httpx2
import pytest

from polydesk.core.exchange.venue import Exchange

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client

CODE = "0x" + "11" * 32


def builder_headers(key: dict[str, str], *, secret: str | None = None) -> dict[str, str]:
    decoded = base64.urlsafe_b64decode(secret or key["secret"])
    mac = hmac.new(decoded, b"1779000000DELETE/auth/builder-api-key", hashlib.sha256)
    return {
        "POLY_BUILDER_API_KEY": key["key"],
        "POLY_BUILDER_PASSPHRASE": key["passphrase"],
        "POLY_BUILDER_SIGNATURE": base64.urlsafe_b64encode(mac.digest()).decode(),
        "POLY_BUILDER_TIMESTAMP": "1779000000",
    }


async def test_a_builder_key_revokes_itself_once(alice: Client, bob: Client, http: httpx2.AsyncClient) -> None:
    key = (await alice.call("POST", "/auth/builder-api-key")).json()
    other = (await bob.call("POST", "/auth/builder-api-key")).json()
    assert key["key"] != other["key"]
    path = "/clob/auth/builder-api-key"
    assert (await http.delete(path, headers=builder_headers(key, secret=other["secret"]))).status_code == 401
    assert (await http.delete(path, headers=builder_headers(key))).json() == "OK"
    assert (await http.delete(path, headers=builder_headers(key))).status_code == 401
    (listed,) = (await alice.call("GET", "/auth/builder-api-key")).json()
    assert listed["revokedAt"] == listed["createdAt"]


async def test_an_api_key_revokes_the_latest_builder_key(alice: Client) -> None:
    await alice.call("POST", "/auth/builder-api-key")
    assert (await alice.call("DELETE", "/auth/builder-api-key")).json() == "OK"
    answer = await alice.call("DELETE", "/auth/builder-api-key")
    assert (answer.status_code, answer.json()) == (400, {"error": "Could not delete API key"})


async def test_trades_are_found_by_the_takers_code(alice: Client, exchange: Exchange, http: httpx2.AsyncClient) -> None:
    order_id = (await alice.place("131", "BUY", "5.1", "10")).json()["orderID"]
    exchange.builders.attribute(order_id, bytes.fromhex(CODE[2:]))
    exchange.builders.attribute("0x00", bytes(32))
    at = exchange.now_s
    for query, count in (
        ({}, 1),
        ({"asset_id": "131", "after": str(at - 1), "before": str(at + 1)}, 1),
        ({"market": "0x00"}, 0),
        ({"id": "0"}, 0),
        ({"after": str(at)}, 0),
    ):
        page = (await http.get("/clob/builder/trades", params={"builder_code": CODE, **query})).json()
        assert page["count"] == count, query
    (row,) = (await http.get("/clob/builder/trades", params={"builder_code": CODE})).json()["data"]
    assert (row["takerOrderHash"], row["size"], row["sizeUsdc"], row["feeUsdc"]) == (order_id, "10", "5.1", "0")
    assert exchange.builders.code_of("0x00") is None


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/builder/trades?builder_code=0x12", 400, {"error": "Invalid builder code"}),
        (f"/builder/trades?builder_code={CODE}&before=soon", 200, None),
        ("/fees/builder-fees/0x12", 404, {"error": "builder fee rate not found"}),
        (f"/fees/builder-fees/{CODE}", 200, {"builder_maker_fee_rate_bps": 0, "builder_taker_fee_rate_bps": 0}),
    ],
)
async def test_answers_without_trades(http: httpx2.AsyncClient, path: str, status: int, body: object) -> None:
    answer = await http.get("/clob" + path)
    assert answer.status_code == status
    assert body is None or answer.json() == body
