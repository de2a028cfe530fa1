"""What is no tool can be read of a desk from any process, and looking changes and opens nothing."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.errors import ConfigurationError, InputRejected, VenueUnavailable
from polydesk.core.settings import load_settings
from polydesk.server import looks
from polydesk.server.application import Application
from polydesk.server.doors import link
from polydesk.server.doors.greeting import Greeting
from polydesk.server.doors.lease import read_card


def application(folder: Path, opened: AsyncExitStack, **settings: Any) -> Application:
    given = {"mode": "sandbox", "state_dir": folder, "compute": "inline", "sandbox_traders": False} | settings
    made = Application(load_settings(**given))
    opened.push_async_callback(made.aclose)
    return made


def written_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_look_is_the_same_from_the_desk_and_from_beside_it(tmp_path: Path) -> None:
    async with AsyncExitStack() as opened:
        desk, beside = application(tmp_path, opened), application(tmp_path, opened)
        here = await desk.doorway.look("overview")
        there = await beside.doorway.look("overview")
        assert here is not None and there is not None
        assert desk.doorway.holds_desk and not beside.doorway.holds_desk
        assert (there["account"], there["health"]["desk"]) == (here["account"], here["health"]["desk"])
        assert there["health"]["desk"]["doors"] == 0


async def test_a_reader_set_up_otherwise_is_let_in_because_it_changes_nothing(tmp_path: Path) -> None:
    async with AsyncExitStack() as opened:
        desk = application(tmp_path, opened)
        await desk.doorway.enter()
        other = application(tmp_path, opened, max_order_usd=7)
        told = await other.doorway.look("overview", opening=False)
        assert told is not None and told["mode"] == "sandbox"
        assert desk.doorway.doors == 0
        with pytest.raises(ConfigurationError, match="MAX_ORDER_USD"):
            await other.doorway.enter()


async def test_looking_opens_no_desk_unless_it_is_to(tmp_path: Path) -> None:
    async with AsyncExitStack() as opened:
        reader = application(tmp_path, opened)
        assert await reader.doorway.look("overview", opening=False) is None
        assert not reader.doorway.holds_desk
        assert written_in(tmp_path) == []


async def test_a_card_that_was_left_over_is_no_desk(tmp_path: Path) -> None:
    async with AsyncExitStack() as opened:
        desk = application(tmp_path, opened)
        await desk.doorway.enter()
        folder = desk.settings.desk_folder
        left = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
        assert read_card(folder) is not None
        await desk.aclose()
        for name, content in left.items():
            (folder / name).write_bytes(content)
        reader = application(tmp_path, opened)
        assert await reader.doorway.look("overview", opening=False) is None


async def test_what_cannot_be_looked_at_is_said_on_both_sides(tmp_path: Path) -> None:
    async with AsyncExitStack() as opened:
        desk, beside = application(tmp_path, opened), application(tmp_path, opened)
        with pytest.raises(InputRejected, match="nothing called weather"):
            await desk.doorway.look("weather")
        with pytest.raises(VenueUnavailable, match="nothing called weather"):
            await beside.doorway.look("weather")


async def test_a_desk_of_another_version_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncExitStack() as opened:
        desk, beside = application(tmp_path, opened), application(tmp_path, opened)
        await desk.doorway.enter()
        parse = Greeting.parse
        monkeypatch.setattr(Greeting, "parse", lambda line: parse({**line, "version": "0.0.1"}))
        with pytest.raises(ConfigurationError, match=r"this server is polydesk 0\.0\.1"):
            await beside.doorway.look("overview", opening=False)


async def test_a_look_that_fails_on_the_other_side_costs_no_door_its_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> dict[str, Any]:
        raise KeyError("price")

    monkeypatch.setattr(looks, "LOOKS", {"overview": fails})
    async with AsyncExitStack() as opened:
        desk, door = application(tmp_path, opened), application(tmp_path, opened)
        await desk.doorway.enter()
        await door.doorway.enter()
        with pytest.raises(VenueUnavailable, match="could not be read"):
            await door.doorway.look("overview")
        assert door.doorway.attends


async def test_a_desk_that_hangs_keeps_nobody_waiting_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(*_: object) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(looks, "LOOKS", {"metrics": hangs})
    monkeypatch.setattr(link, "_LOOK_S", 0.1)
    async with AsyncExitStack() as opened:
        desk, beside = application(tmp_path, opened), application(tmp_path, opened)
        await desk.doorway.enter()
        async with asyncio.timeout(5):
            with pytest.raises(VenueUnavailable, match="has not answered"):
                await beside.doorway.look("metrics", opening=False)
