"""Alerts outlive processes and pass through doors: each is delivered, once, and to whom listens."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from mcp import Client, MCPError
from mcp.server.subscriptions import ResourceUpdated

from polydesk.server.application import Application
from polydesk.server.build import build_server
from polydesk.server.doors.lease import read_card
from tests.support.alerting import Alerting, alerting
from tests.support.asked_user import User
from tests.support.exchanges import live_urls
from tests.support.killed_desks import client_of
from tests.support.processes import FED, WAIT_S, answer_of, environment, live_settings
from tests.support.webhook_receiver import answer

RULE: dict[str, Any] = {"market": FED, "threshold": 0.5}


@asynccontextmanager
async def door(ours: Alerting) -> AsyncIterator[Client]:
    """Another server of the same folder and settings."""
    application = Application(ours.application.settings)
    try:
        async with Client(build_server(application), elicitation_callback=User(agree=True)) as client:
            yield client
    finally:
        await application.aclose()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.05)


async def test_with_several_doors_an_alert_is_delivered_once_and_told_to_each(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        await answer_of(ours.client, "get_status")
        async with door(ours) as one, door(ours) as other:
            made = await answer_of(one, "manage_alerts", action="create", kind="imbalance", market=FED, threshold=0.5)
            assert made["reaches_you"] == "only_while_desk_runs"
            await ours.told("imbalance")
            listed = await answer_of(other, "manage_alerts", action="list")
            assert [each["delivered"] for each in listed["alerts"]] == [{"phone": "delivered"}]
        assert len(ours.receiver.received) == 1


async def test_who_subscribed_hears_of_alerts_at_the_desk_and_behind_a_door(tmp_path: Path) -> None:
    async with alerting(tmp_path, channels={}) as ours:
        await answer_of(ours.client, "get_status")
        async with (
            door(ours) as behind,
            ours.client.listen(resource_subscriptions=["polymarket://alerts"]) as here,
            behind.listen(resource_subscriptions=["polymarket://alerts"]) as there,
        ):
            await answer_of(behind, "get_status")
            made = await ours.arm("imbalance", market=FED, threshold=0.5)
            assert "a subscription to polymarket://alerts" in made["because"]
            for heard in (here, there):
                async with asyncio.timeout(WAIT_S):
                    event = await anext(aiter(heard))
                assert event == ResourceUpdated(uri="polymarket://alerts")
            (content,) = (await behind.read_resource("polymarket://alerts")).contents
            assert "leans to the asks" in str(getattr(content, "text", ""))


async def test_subscriptions_behind_doors_count_for_whom_an_alert_reaches(tmp_path: Path) -> None:
    async with alerting(tmp_path, alert_channels=None) as ours:
        made = await ours.arm("exposure", threshold=5)
        assert (made["reaches_you"], "get_status" in made["because"]) == ("at_next_question", True)
        async with door(ours) as behind:
            await answer_of(behind, "get_status")
            async with behind.listen(resource_subscriptions=["polymarket://alerts"]):
                await until(lambda: hears_of_listeners(ours))
                made = await ours.arm("exposure", threshold=6)
                assert made["reaches_you"] == "only_while_desk_runs"


async def hears_of_listeners(ours: Alerting) -> bool:
    return bool((await ours.desk()).listeners())


async def test_a_desk_that_is_killed_between_alert_and_delivery_is_succeeded_and_the_alert_delivered(
    tmp_path: Path,
) -> None:
    """The receiver takes the first delivery and never answers, the process dies, and the next one delivers again."""
    async with alerting(tmp_path / "unused") as ours:
        state = tmp_path / "killed"
        state.mkdir()
        urls = live_urls(ours.venue)
        env = environment(
            state,
            **live_settings(
                {**{k.replace("api_url", "clob_url"): v for k, v in urls.items()}, "chain_id": 137},
                POLYMARKET_ALERT_CHANNELS=json.dumps({"phone": ours.receiver.channel()}),
                POLYMARKET_COMPUTE="inline",
            ),
        )
        ours.receiver.hold = asyncio.Event()
        async with client_of(env) as second:
            with suppress(MCPError, OSError, BaseExceptionGroup):  # of the server that is killed
                async with client_of(env) as first:
                    await answer_of(first, "get_status")
                    await answer_of(second, "get_status")
                    await answer_of(
                        first, "manage_alerts", action="create", kind="imbalance", market=FED, threshold=0.5
                    )
                    (begun,) = await ours.receiver.wait_for(1)
                    card = read_card(state / "live")
                    assert card is not None
                    os.kill(card.pid, signal.SIGKILL)
            ours.receiver.hold = None
            both = await ours.receiver.wait_for(2)
            assert [each["id"] for each in both] == [begun["id"]] * 2
            listed = await answer_of(second, "manage_alerts", action="list")
            assert len(listed["alerts"]) == 1


async def test_a_receiver_that_fails_is_tried_again_and_the_failure_is_seen(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        ours.receiver.answers = [answer(503)]
        await ours.arm("imbalance", market=FED, threshold=0.5)
        await ours.receiver.wait_for(1)
        await until(lambda: shows_the_failure(ours))
        await ours.receiver.wait_for(2)
        first, second = ours.receiver.received
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
        assert [each["delivered"] for each in await ours.settled()] == [{"phone": "delivered"}]
        listed = await answer_of(ours.client, "manage_alerts", action="list")
        assert ours.receiver.url not in json.dumps(listed)


async def shows_the_failure(ours: Alerting) -> bool:
    listed = await answer_of(ours.client, "manage_alerts", action="list")
    return "phone: it answered 503" in json.dumps(listed.get("not_delivered", []))


async def test_what_a_channel_refuses_for_good_is_a_warning_of_the_status(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        ours.receiver.otherwise = answer(410)
        await ours.arm("imbalance", **RULE)
        assert [each["delivered"] for each in await ours.settled()] == [{"phone": "failed"}]
        warnings = (await answer_of(ours.client, "get_status"))["warnings"]
        assert [each for each in warnings if each.startswith("Channel phone has not taken 1 alerts")] == [
            "Channel phone has not taken 1 alerts of the last day: it answered 410"
        ]


async def test_a_restarted_desk_watches_on_and_tells_nothing_twice(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        await ours.arm("imbalance", market=FED, threshold=0.5)
        await ours.told("imbalance")
        await ours.application.aclose()
        async with door(ours) as client:
            listed = await answer_of(client, "manage_alerts", action="list")
            assert [each["watches"] for each in listed["rules"] if each["rule_id"].startswith("a_")]
            await asyncio.sleep(2.5)  # it has looked twice
        assert len(ours.receiver.received) == 1
