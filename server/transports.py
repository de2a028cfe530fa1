"""Runs the server over stdio, SSE or streamable HTTP, and closes it cleanly however it is stopped."""

from __future__ import annotations

import gc
import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Literal

import anyio

from ..core.clock import SystemClock
from ..core.settings import Settings
from .application import Application
from .build import build_server

if TYPE_CHECKING:
    from anyio.abc import TaskStatus

    from .web.settings import HttpSettings

Transport = Literal["stdio", "sse", "http"]


def serve(settings: Settings, *, transport: Transport, host: str, port: int) -> None:
    """Serve until the input ends or a signal arrives.

    Raises ConfigurationError for an address that others can reach without authentication, TLS and a name.
    """
    http = None
    if transport != "stdio":
        from .web.serving import check_http

        http = check_http(settings, host)
    anyio.run(_serve, settings, transport, host, port, http)


async def _serve(settings: Settings, transport: Transport, host: str, port: int, http: HttpSettings | None) -> None:
    application = Application(settings)
    server = build_server(application)
    application.doorway.watch_for_halt()
    gc.freeze()  # the classes and schemas loaded so far are never garbage
    gc.enable()
    try:
        match transport:
            case "stdio":
                async with anyio.create_task_group() as tasks:
                    await tasks.start(_leave_on_signal, application)
                    await server.run_stdio_async()
                    tasks.cancel_scope.cancel()
            case "sse" | "http":
                from .dashboard.serving import dashboard_site
                from .metrics.scraping import PATH, Scraping
                from .web.serving import serve_http

                assert http is not None  # there are settings for whoever listens
                await serve_http(
                    server,
                    settings,
                    http,
                    transport=transport,
                    host=host,
                    port=port,
                    clock=SystemClock(),
                    side_apps={
                        PATH: partial(Scraping, application.doorway),
                        "/dashboard": dashboard_site(application, server),
                    },
                )
    finally:
        with anyio.CancelScope(shield=True):
            await application.aclose()


async def _leave_on_signal(application: Application, *, task_status: TaskStatus[None]) -> None:
    """On stdio a thread blocks in reading stdin, so nothing but leaving the process ends it after a signal."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            await application.aclose()
            os._exit(0)
