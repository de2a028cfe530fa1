"""Everybody who watches shares one reader, and hears what happened, what cannot be read, and that nothing did."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import pytest

from polydesk.core.clock import SystemClock
from polydesk.core.errors import VenueUnavailable
from polydesk.server.dashboard import live
from polydesk.server.dashboard.live import MOST_STREAMS, LiveOverview


class Desk:
    """Answers each look with the next number, or fails."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.fails: Exception | None = None

    async def look(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(arguments)
        await asyncio.sleep(0)
        if self.fails:
            raise self.fails
        return {"mark": f"m{len(self.asked)}"}


async def told(events: AsyncIterator[bytes]) -> tuple[str, dict[str, Any]]:
    async with asyncio.timeout(5):
        kind, data = (await anext(events)).decode().splitlines()[:2]
    return kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_BETWEEN_S", "_AFTER_FAILURE_S"):
        monkeypatch.setattr(live, name, 0.01)


async def test_all_who_watch_are_told_the_same_by_one_reader() -> None:
    desk = Desk()
    overview = LiveOverview(desk.look, SystemClock())
    async with aclosing(overview.events()) as one, aclosing(overview.events()) as other:
        (kind, first), (_, same) = await asyncio.gather(told(one), told(other))
        assert (kind, first) == ("overview", {"mark": "m1"}) == ("overview", same)
        _, second = await told(one)
        assert desk.asked[1]["unlike"] == "m1"
        assert second["mark"] > first["mark"]
    asked = len(desk.asked)
    await asyncio.sleep(0.05)
    assert len(desk.asked) == asked  # nobody watches, so nobody reads


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (VenueUnavailable("nobody is there"), "nobody is there"),
        (KeyError("price"), "The desk could not be read (KeyError); see its log."),
    ],
)
async def test_what_cannot_be_read_is_told_and_read_again(failure: Exception, said: str) -> None:
    desk = Desk()
    desk.fails = failure
    async with aclosing(LiveOverview(desk.look, SystemClock()).events()) as events:
        assert await told(events) == ("trouble", {"message": said})
        desk.fails = None
        async with asyncio.timeout(5):
            while (await told(events))[0] != "overview":
                pass


async def test_where_nothing_comes_a_comment_does(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: Mapping[str, Any]) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(live, "_HEARTBEAT_S", 0.01)
    async with aclosing(LiveOverview(never, SystemClock()).events()) as events:
        assert (await anext(events)).startswith(b": ")


async def test_streams_are_bounded_and_end_with_the_server() -> None:
    overview = LiveOverview(Desk().look, SystemClock())
    streams = [overview.events() for _ in range(MOST_STREAMS)]
    await asyncio.gather(*(told(each) for each in streams))
    assert overview.full
    overview.stop()
    async with asyncio.timeout(5):
        for each in streams:
            async for _ in each:
                pass
    assert not overview.full
