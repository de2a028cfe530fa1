"""Accounts are told of cancels, fills, failed fills, resolutions and payouts, and may drop what they read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.notifications import Notifications
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client, Floor

YES, BUSY_YES = "111", "131"
BUSY = "0x" + f"{13:064x}"


async def read(client: Client) -> list[dict[str, Any]]:
    answer = await client.call("GET", "/notifications", signature_type="0")
    assert answer.status_code == 200
    rows: list[dict[str, Any]] = answer.json()
    return rows


async def test_a_cancelled_order_is_told_with_what_was_left_of_it(alice: Client, clock: ManualClock) -> None:
    order_id = (await alice.place(YES, "BUY", "4.5", "10")).json()["orderID"]
    await alice.call("DELETE", "/order", {"orderID": order_id})
    (told,) = await read(alice)
    assert (told["type"], told["owner"]) == (1, alice.credentials["apiKey"])
    assert told["timestamp"] == int(clock.now().timestamp())
    payload = told["payload"]
    assert (payload["order_id"], payload["asset_id"], payload["outcome_index"]) == (order_id, YES, 0)
    assert (payload["original_size"], payload["matched_size"], payload["remaining_size"]) == ("10", "0", "10")
    assert (payload["eventSlug"], payload["market_slug"]) == ("event-1", "thing-11")


async def test_a_fill_is_told_to_both_sides_with_its_transaction(alice: Client, bob: Client) -> None:
    await bob.place(YES, "BUY", "5", "10")
    await alice.place("112", "BUY", "5", "10")
    for client, outcome in ((alice, 1), (bob, 0)):
        (told,) = await read(client)
        assert told["type"] == 2
        assert told["payload"]["outcome_index"] == outcome
        assert told["payload"]["transaction_hash"].startswith("0x")
        assert told["payload"]["trade_id"]


async def test_those_with_a_position_are_told_of_the_resolution(alice: Client, bob: Client, exchange: Exchange) -> None:
    await alice.place(BUSY_YES, "BUY", "5.1", "10")
    exchange.resolve(BUSY, 0)
    told = (await read(alice))[0]
    assert told["type"] == 4
    assert told["payload"]["condition_id"] == BUSY
    assert [token["winner"] for token in told["payload"]["tokens"]] == [True, False]
    assert await read(bob) == []


async def test_what_was_read_can_be_dropped(alice: Client) -> None:
    for _ in range(3):
        order_id = (await alice.place(YES, "BUY", "4.5", "10")).json()["orderID"]
        await alice.call("DELETE", "/order", {"orderID": order_id})
    newest, middle, oldest = [told["id"] for told in await read(alice)]
    assert newest > middle > oldest
    answer = await alice.call("DELETE", "/notifications", ids=f"{oldest},{newest}")
    assert (answer.status_code, answer.json()) == (200, "OK")
    assert [told["id"] for told in await read(alice)] == [middle]
    for wrong in ("", "x"):
        assert (await alice.call("DELETE", "/notifications", ids=wrong)).status_code == 400


async def test_they_are_kept_for_two_days_and_are_private(alice: Client, bob: Client, clock: ManualClock) -> None:
    order_id = (await alice.place(YES, "BUY", "4.5", "10")).json()["orderID"]
    await alice.call("DELETE", "/order", {"orderID": order_id})
    await clock.advance(47 * 3600)
    assert len(await read(alice)) == 1
    assert await read(bob) == []
    await clock.advance(3600)
    assert await read(alice) == []
    assert (await alice.http.get("/clob/notifications")).status_code == 401


class TestAFailedFill:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return ExchangeSettings(
            simulated_traders=False,
            mined_after_s=0,
            retried_after_s=0,
            settlement_retry_probability=1,
            settlement_failure_probability=1,
        )

    def test_it_is_told_as_such(self, floor: Floor, exchange: Exchange) -> None:
        notifications = Notifications(exchange)
        exchange.accounts.create_credential("buyer", 0)
        floor.enter(floor.account("seller", shares="10"), "SELL", "0.5", "10")
        floor.enter(exchange.accounts.open_account("buyer"), "BUY", "0.5", "10")
        (told,) = notifications.of("buyer")
        assert told.as_json()["type"] == 8
        assert notifications.of("seller") == []
