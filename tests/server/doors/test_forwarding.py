"""What a host does at a door and what the desk answers pass through as if the door were not there, in both eras."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest
from mcp import Client, MCPError
from mcp.client.session import ElicitationFnT
from mcp.server import MCPServer
from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.runner import serve_dual_era_loop
from mcp_types import ElicitResult
from pydantic import BaseModel

from polydesk.core.settings import load_settings
from polydesk.server.doors.doorway import Doorway
from polydesk.server.doors.framing import MessageReader, MessageWriter
from polydesk.server.doors.greeting import Greeting
from tests.support.processes import ERAS, Era


class Agreement(BaseModel):
    agree: bool = False


async def ask() -> Elicit[Agreement]:
    return Elicit("Is it all right?", Agreement)


@dataclass
class Seen:
    """What reached the tools, in whichever process they ran."""

    hosts: list[str] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


def tools(seen: Seen) -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("tools")

    @server.tool()
    async def who(ctx: Context[Any]) -> str:
        host = ctx.session.client_params
        seen.hosts.append(host.client_info.name if host else "")
        return seen.hosts[-1]

    @server.tool()
    async def count(ctx: Context[Any], to: int) -> int:
        for number in range(1, to + 1):
            await ctx.report_progress(number, to, f"at {number}")
        return to

    @server.tool()
    async def wait(ctx: Context[Any]) -> str:
        seen.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            seen.stopped.set()
        return "never"

    @server.tool()
    async def fail() -> str:
        raise ToolError("it cannot be done")

    @server.tool()
    async def asking(answer: Annotated[ElicitationResult[Agreement], Resolve(ask)]) -> str:
        agreed = isinstance(answer, AcceptedElicitation) and answer.data.agree
        return "yes" if agreed else "no"

    return server


@dataclass
class Door:
    """A client of a server that is a door, and what its desk's tools have seen."""

    client: Client
    desk: Seen
    here: Seen


class ToolHost:
    """Serves the same tools to every door."""

    def __init__(self, server: MCPServer[Any]) -> None:
        self._server = server

    async def attended(self, greeting: Greeting) -> None:
        assert greeting.pid

    async def look(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"name": name, "arguments": dict(arguments)}

    async def serve(self, greeting: Greeting, read: MessageReader, write: MessageWriter) -> None:
        await serve_dual_era_loop(self._server._lowlevel_server, read, write, lifespan_state={})


@asynccontextmanager
async def doors(folder: Path, era: Era, *users: ElicitationFnT | None) -> AsyncIterator[list[Door]]:
    """One door, with a host, for each of `users`, all of one desk."""
    settings = load_settings(mode="sandbox", state_dir=folder)
    at_desk = Seen()
    host = ToolHost(tools(at_desk))

    async def nothing() -> None:
        return None

    async with AsyncExitStack() as opened:
        desk = Doorway(settings, open_desk=nothing, close_desk=nothing, host=host)
        opened.push_async_callback(desk.aclose)
        await desk.enter()
        assert desk.holds_desk
        found = []
        for user in users:
            here = Seen()
            server = tools(here)
            doorway = Doorway(settings, open_desk=nothing, close_desk=nothing, host=host)
            opened.push_async_callback(doorway.aclose)
            server.middleware.insert(0, doorway)
            client = await opened.enter_async_context(Client(server, mode=era, elicitation_callback=user))
            found.append(Door(client, at_desk, here))
        yield found


async def yes(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"agree": True})


async def no(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="decline")


async def text_of(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return str(result.content[0].text)  # type: ignore[union-attr]


@pytest.mark.parametrize("era", ERAS)
async def test_calls_run_at_the_desk_which_is_told_who_the_host_is(tmp_path: Path, era: Era) -> None:
    async with doors(tmp_path, era, None) as (door,):
        assert await text_of(door.client, "who") == "mcp"
        assert (door.desk.hosts, door.here.hosts) == (["mcp"], [])


@pytest.mark.parametrize("era", ERAS)
async def test_progress_reaches_the_host_in_order(tmp_path: Path, era: Era) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with doors(tmp_path, era, None) as (door,):
        await door.client.call_tool("count", {"to": 3}, progress_callback=hear)
    assert heard == [(1, 3, "at 1"), (2, 3, "at 2"), (3, 3, "at 3")]


@pytest.mark.parametrize("era", ERAS)
async def test_each_user_is_asked_by_the_host_that_called(tmp_path: Path, era: Era) -> None:
    async with doors(tmp_path, era, yes, no) as (first, second):
        answers = await asyncio.gather(*(text_of(door.client, "asking") for door in (first, second, first, second)))
    assert answers == ["yes", "no", "yes", "no"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_the_host_gives_up_ends_at_the_desk(tmp_path: Path, era: Era) -> None:
    async with doors(tmp_path, era, None) as (door,):
        call = asyncio.create_task(door.client.call_tool("wait", {}))
        await door.desk.began.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(door.desk.stopped.wait(), 10)
        assert await text_of(door.client, "who") == "mcp"


@pytest.mark.parametrize("era", ERAS)
async def test_errors_are_the_desks_own(tmp_path: Path, era: Era) -> None:
    async with doors(tmp_path, era, None) as (door,):
        failed = await door.client.call_tool("fail", {})
        assert failed.is_error
        assert "it cannot be done" in str(failed.content)
        wrong = await door.client.call_tool("count", {"to": "many"})
        assert wrong.is_error
        unknown = await door.client.call_tool("no_such_tool", {})
        assert unknown.is_error
        assert door.here.hosts == []


async def test_a_host_without_the_capability_is_not_asked(tmp_path: Path) -> None:
    async with doors(tmp_path, "legacy", None) as (door,):
        with pytest.raises(MCPError):
            await door.client.call_tool("asking", {})
