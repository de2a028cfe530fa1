"""Makes the MCP server object that offers a desk's tools; it opens nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mcp.server import MCPServer

from .. import __version__
from ..core.settings import Settings
from ..handlers.catalogue import tools_of
from ..handlers.confirmation import DeskSource
from ..handlers.instructions import server_instructions
from ..handlers.toolspec import parse_toolsets
from .alert_news import AlertNews
from .registration import build_tools
from .resources import offer_prompts, offer_resources, views_of
from .secret_guard import guard_secrets
from .unknown_names import refuse_unknown_names

if TYPE_CHECKING:
    from ..core.telemetry.metrics import CallMetrics


def mcp_server(
    settings: Settings,
    desk: DeskSource,
    *,
    measured: Callable[[], CallMetrics] | None = None,
    news: AlertNews | None = None,
) -> MCPServer[DeskSource]:
    """A server that offers the tools, resources and prompts of `settings` on a desk.

    Calls of tools are counted in what `measured` answers; who subscribes to the alerts is told of `news`.

    Raises ConfigurationError for a toolset that does not exist.
    """
    toolsets = parse_toolsets(settings.toolsets)
    news = news or AlertNews()

    @asynccontextmanager
    async def share(_: MCPServer[DeskSource]) -> AsyncIterator[DeskSource]:
        # SSE enters this once per connection, so the application is closed by the process and never here.
        yield desk

    tools = build_tools(tools_of(toolsets, read_only=settings.read_only), settings.mode, measured=measured)
    server: MCPServer[DeskSource] = MCPServer(
        "polydesk",
        title=f"polydesk ({settings.mode.value})",
        version=__version__,
        instructions=server_instructions(settings.mode, toolsets, read_only=settings.read_only),
        tools=tools,
        extensions=[views_of(tools)],
        lifespan=share,
        log_level="WARNING",
        subscriptions=news.bus,
    )
    offer_resources(server, desk, toolsets)
    offer_prompts(server, toolsets)
    server.middleware.insert(0, news)
    server.middleware.insert(0, refuse_unknown_names)
    server.middleware.insert(0, guard_secrets)
    return server
