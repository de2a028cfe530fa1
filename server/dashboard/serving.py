"""Puts the dashboard beside MCP, or on a server of its own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio
from mcp.server import MCPServer

from ...core.clock import SystemClock
from ...core.settings import Settings
from ..application import Application
from ..build import build_server
from ..web.routes import MakeSideApp, SideApp, WebAccess
from ..web.serving import serve_side_app
from ..web.settings import HttpSettings


def serve_dashboard(settings: Settings, http: HttpSettings, *, host: str, port: int, opens: bool) -> None:
    """Serve the dashboard alone until a signal arrives; `opens` it in the browser.

    Raises ConfigurationError when the port is taken.
    """
    anyio.run(partial(_serve, settings, http, host=host, port=port, opens=opens))


async def _serve(settings: Settings, http: HttpSettings, *, host: str, port: int, opens: bool) -> None:
    application = Application(settings)
    server = build_server(application)
    application.doorway.watch_for_halt()
    made = dashboard_site(application, server)

    def shown(access: WebAccess) -> SideApp:
        if opens:
            import webbrowser

            # Apart: some browsers keep whoever opens them waiting until they are closed.
            threading.Thread(target=webbrowser.open, args=(f"{access.url}/dashboard",), daemon=True).start()
        return made(access)

    try:
        await serve_side_app("/dashboard", shown, settings, http, host=host, port=port, clock=SystemClock())
    finally:
        with anyio.CancelScope(shield=True):
            await application.aclose()


def dashboard_site(application: Application, server: MCPServer[Any]) -> MakeSideApp:
    """Makes the dashboard of an application, whose desk may be in another process."""

    async def look(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        # A desk that runs is read whatever it was set up with; one is opened only where there is none.
        found = await application.doorway.look("overview", arguments, opening=False)
        if found is None:
            found = await application.doorway.look("overview", arguments)
        assert found is not None  # a desk was opened for it
        return found

    def make(access: WebAccess) -> SideApp:
        from .site import DashboardSite  # loads Starlette

        return DashboardSite(look, server, application.settings, access, SystemClock())

    return make
