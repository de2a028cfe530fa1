"""A key that began to beat loses its resting orders when it stops, and no other key does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import ManualClock

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client

PATH = "/v1/heartbeats"


async def beat(client: Client, heartbeat_id: object = "") -> str:
    answer = await client.call("POST", PATH, {"heartbeat_id": heartbeat_id})
    assert answer.status_code == 200
    following = answer.json()["heartbeat_id"]
    assert isinstance(following, str)
    return following


async def open_orders(client: Client) -> int:
    return len((await client.call("GET", "/data/orders")).json()["data"])


async def test_orders_of_the_silent_key_alone_are_cancelled(alice: Client, bob: Client, clock: ManualClock) -> None:
    await alice.place("111", "BUY", "5", "10")
    await bob.place("111", "BUY", "5", "10")
    await beat(alice)
    await clock.advance(9.9)
    assert await open_orders(alice) == 1
    await clock.advance(0.1)
    assert (await open_orders(alice), await open_orders(bob)) == (0, 1)


async def test_each_beat_moves_the_deadline(alice: Client, clock: ManualClock) -> None:
    await alice.place("111", "BUY", "5", "10")
    following = await beat(alice, None)
    for _ in range(5):
        await clock.advance(5)
        following = await beat(alice, following)
    assert await open_orders(alice) == 1


async def test_a_wrong_id_is_refused_with_the_right_one_and_does_not_count(alice: Client, clock: ManualClock) -> None:
    await alice.place("111", "BUY", "5", "10")
    following = await beat(alice)
    await clock.advance(8)
    refused = await alice.call("POST", PATH, {"heartbeat_id": "nonsense"})
    assert refused.status_code == 400
    assert refused.json() == {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": following}
    await clock.advance(2)
    assert await open_orders(alice) == 0


async def test_a_silent_key_can_begin_anew(alice: Client, clock: ManualClock) -> None:
    await beat(alice)
    await clock.advance(60)
    await alice.place("111", "BUY", "5", "10")
    await clock.advance(60)
    assert await open_orders(alice) == 1, "nothing more is due until it beats again"
    await beat(alice)
    await clock.advance(10)
    assert await open_orders(alice) == 0


@pytest.mark.parametrize("body", [[], {"heartbeat_id": 7}, "x"])
async def test_a_malformed_beat_is_refused(alice: Client, body: object) -> None:
    assert (await alice.call("POST", PATH, body)).json() == {"error": "Invalid order payload"}
