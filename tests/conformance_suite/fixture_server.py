"""polydesk's own server with the fixtures of the conformance suite: its HTTP side, its middleware and its desk."""

from __future__ import annotations

import anyio

from polydesk.core.clock import SystemClock
from polydesk.core.settings import load_settings
from polydesk.handlers.catalogue import all_tools
from polydesk.handlers.toolspec import Toolset, ToolSpec
from polydesk.server.application import Application
from polydesk.server.build import guard
from polydesk.server.mcp_server import mcp_server
from polydesk.server.web.serving import check_http, serve_http

from . import fixture_questions, fixture_tools
from .fixture_documents import add_prompts, add_requests, add_resources

HOST = "127.0.0.1"
FIXTURES = (*fixture_tools.TOOLS, *fixture_questions.TOOLS)
SPECS = tuple(ToolSpec(each.__name__, Toolset.MARKETS, each.__name__, each) for each in FIXTURES)
"""What a token of `markets:read` may call beside polydesk's own tools."""


async def serve() -> None:
    """Serve streamable HTTP on a free port until a signal arrives."""
    settings = load_settings()
    application = Application(settings)
    server = mcp_server(settings, application)
    fixture_tools.add_tools(server, FIXTURES)
    add_resources(server)
    add_prompts(server)
    add_requests(server)
    guard(server, application, (*all_tools(), *SPECS))
    http = check_http(settings, HOST)
    try:
        await serve_http(server, settings, http, transport="http", host=HOST, port=0, clock=SystemClock())
    finally:
        with anyio.CancelScope(shield=True):
            await application.aclose()


if __name__ == "__main__":
    anyio.run(serve)
