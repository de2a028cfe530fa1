"""Builds the server of a process: the tools of its settings, on the desk that its doorway leads to."""

from __future__ import annotations

from collections.abc import Iterable

from mcp.server import MCPServer

from ..handlers.catalogue import tools_of
from ..handlers.confirmation import DeskSource
from ..handlers.toolspec import ToolSpec, parse_toolsets
from .application import Application
from .mcp_server import mcp_server
from .request_ids import name_request
from .secret_guard import refuse_secrets
from .unknown_names import refuse_unknown_names
from .web.scopes import guard_scopes, name_principal


def build_server(application: Application) -> MCPServer[DeskSource]:
    """The server for one process. Every connection, on any transport, shares `application`.

    Raises ConfigurationError for a toolset that does not exist.
    """
    server = mcp_server(
        application.settings, application, measured=lambda: application.tool_calls, news=application.alert_news
    )
    guard(server, application, tools_of(parse_toolsets(application.settings.toolsets)))
    return server


def guard(server: MCPServer[DeskSource], application: Application, specs: Iterable[ToolSpec]) -> None:
    """Put the middleware of a process around its server: `specs` say which tools a token's scopes allow."""
    # Outermost, so that what a host sealed with the desk that asked it is given back to that desk as it is.
    server.middleware.insert(0, application.doorway)
    server.middleware.insert(0, refuse_unknown_names)  # such a call opens no desk
    # Before the way to the desk too: a secret in an argument leaves this process for no other.
    server.middleware.insert(0, refuse_secrets)
    server.middleware.insert(0, name_principal)
    server.middleware.insert(0, guard_scopes(specs))
    server.middleware.insert(0, name_request)
