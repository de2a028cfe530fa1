"""Desks in processes of their own that a test kills while their orders are on the way to its exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp import Client, StdioServerParameters
from mcp_types import ElicitResult
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.processes import SOURCE_COMMAND


@dataclass
class Posts:
    """Orders that have reached the venue, and what is to happen at the next of them."""

    count: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    wanted: int | None = None
    do: Callable[[], None] = lambda: None

    def one(self) -> None:
        self.count += 1
        if self.wanted is not None and self.count >= self.wanted:
            self.wanted = None
            self.do()
            self.reached.set()


class Watched:
    """ASGI middleware that tells of each order on its way into the exchange."""

    def __init__(self, app: ASGIApp, *, posts: Posts) -> None:
        self._app = app
        self._posts = posts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", "/clob/order"):
            self._posts.one()
        await self._app(scope, receive, send)


async def agrees(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"agree": True})


@asynccontextmanager
async def client_of(env: dict[str, str], era: Any = "auto") -> AsyncIterator[Client]:
    parameters = StdioServerParameters(
        command=SOURCE_COMMAND[0], args=[*SOURCE_COMMAND[1:], "serve"], env=env, cwd=env["HOME"]
    )
    async with Client(parameters, mode=era, read_timeout_seconds=60, elicitation_callback=agrees) as client:
        yield client
