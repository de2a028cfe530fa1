"""A resting order whose allowance is taken back is cancelled by the venue."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from websockets.asyncio.client import connect

from polydesk.core.exchange.allowances import limit_allowance
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import to_micro

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client

YES = "111"


async def test_orders_that_the_allowance_no_longer_covers_are_cancelled_and_their_money_is_free(
    alice: Client, exchange: Exchange
) -> None:
    large = (await alice.place(YES, "BUY", "40", "100")).json()["orderID"]
    small = (await alice.place(YES, "BUY", "4", "10")).json()["orderID"]
    account = exchange.accounts.account_of(alice.wallet.address)
    assert account is not None
    assert account.open_cash == to_micro(Decimal(44))
    limit_allowance(exchange, alice.wallet.address, to_micro(Decimal(10)))
    assert account.open_cash == to_micro(Decimal(4))
    assert (await alice.call("GET", f"/data/order/{large}")).json()["status"] == "CANCELED_NOT_ENOUGH_BALANCE"
    assert [row["id"] for row in (await alice.call("GET", "/data/orders")).json()["data"]] == [small]
    (told,) = (await alice.call("GET", "/notifications", signature_type="0")).json()
    assert (told["type"], told["payload"]["order_id"]) == (1, large)


async def test_the_user_stream_tells_it(alice: Client, exchange: Exchange, server: ExchangeServer) -> None:
    order_id = (await alice.place(YES, "BUY", "40", "100")).json()["orderID"]
    auth = {name: alice.credentials[name] for name in ("apiKey", "secret", "passphrase")}
    async with connect(f"{server.ws_url}/user") as stream:
        await stream.send(json.dumps({"type": "user", "auth": auth}))
        await stream.send("PING")
        assert await stream.recv() == "PONG"  # the subscription was read
        limit_allowance(exchange, alice.wallet.address, 0)
        told = json.loads(await stream.recv())
        assert (told["id"], told["type"], told["status"]) == (order_id, "CANCELLATION", "CANCELED_NOT_ENOUGH_BALANCE")


def test_an_address_that_nobody_uses_may_be_limited(exchange: Exchange) -> None:
    limit_allowance(exchange, "0xNobody", 7)
    assert exchange.controls.allowance_of("0xnobody") == 7
