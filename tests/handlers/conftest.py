"""A real MCP client on the real server, trading on the embedded exchange over a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server
from tests.support.live_desk import LIVE_LIMITS

NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
FED_EVENT = "fed-decision-in-june-825"
RESOLVED = "no-change-in-fed-interest-rates-after-june-2025-meeting"


@dataclass(frozen=True)
class Answered:
    """One tool result: whether it failed, its structure and its text."""

    failed: bool
    data: dict[str, Any]
    text: str


class Agent:
    """Calls tools by their name without the prefix."""

    def __init__(self, client: Client, application: Application) -> None:
        self.client = client
        self.application = application

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer; fails the test on a tool error."""
        answered = await self.try_call(tool, **arguments)
        assert not answered.failed, answered.data
        return answered.data

    async def refused(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured error; fails the test when the call succeeds."""
        answered = await self.try_call(tool, **arguments)
        assert answered.failed, answered.data
        return answered.data

    async def try_call(self, tool: str, **arguments: Any) -> Answered:
        result = await self.client.call_tool(f"polymarket_{tool}", arguments)
        content = result.content[0]
        assert content.type == "text"
        return Answered(bool(result.is_error), result.structured_content or {}, content.text)


@asynccontextmanager
async def open_agent(state: Path, *, era: str = "auto", **settings: Any) -> AsyncIterator[Agent]:
    """An agent on a desk of its own. Simulated traders are off unless asked for, so that books hold still."""
    defaults: dict[str, Any] = {
        "mode": "sandbox",
        "state_dir": state,
        "compute": "inline",
        "nli_model": "none",  # else what is found would depend on the machine
        "sandbox_traders": False,
        **LIVE_LIMITS,
    }
    application = Application(load_settings(**(defaults | settings)))
    try:
        async with Client(build_server(application), mode=era, raise_exceptions=True) as client:
            yield Agent(client, application)
    finally:
        await application.aclose()


OpenAgent = Callable[..., AbstractAsyncContextManager[Agent]]


@pytest.fixture(name="open_agent")
def open_agent_fixture() -> OpenAgent:
    """For tests that need a desk with settings of its own."""
    return open_agent


@pytest.fixture
def agent_settings() -> dict[str, Any]:
    """Settings of the agent's desk, for a module to override."""
    return {}


@pytest.fixture
async def agent(tmp_path: Path, agent_settings: dict[str, Any]) -> AsyncIterator[Agent]:
    # The SDK's client must be left in the task that entered it; fixtures are set up and torn down in two.
    opened: asyncio.Future[Agent] = asyncio.get_running_loop().create_future()
    finished = asyncio.Event()

    async def hold() -> None:
        try:
            async with open_agent(tmp_path, **agent_settings) as held:
                opened.set_result(held)
                await finished.wait()
        except BaseException as error:
            if not opened.done():
                opened.set_exception(error)
            raise

    holder = asyncio.create_task(hold())
    yield await opened
    finished.set()
    await holder
