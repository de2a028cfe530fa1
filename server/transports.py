"""Runs the server over stdio, SSE or streamable HTTP, and closes it cleanly however it is stopped."""

from __future__ import annotations

import ipaddress
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import anyio

from ..core.errors import ConfigurationError
from ..core.settings import Settings
from .application import Application
from .build import build_server

if TYPE_CHECKING:
    from starlette.applications import Starlette

Transport = Literal["stdio", "sse", "http"]

_GRACE_S = 2
"""Seconds that open streams get to end before they are cut."""


def serve(settings: Settings, *, transport: Transport, host: str, port: int) -> None:
    """Serve until the input ends or a signal arrives.

    Raises ConfigurationError for an address other than this machine: there is no authentication yet.
    """
    if transport != "stdio":
        check_loopback(host)
    anyio.run(_serve, settings, transport, host, port)


def check_loopback(host: str) -> None:
    """Raise ConfigurationError unless `host` is this machine's own address."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ConfigurationError(
            f"{host} can be reached from other machines and the server has no authentication; use 127.0.0.1."
        )


async def _serve(settings: Settings, transport: Transport, host: str, port: int) -> None:
    application = Application(settings)
    server = build_server(application)
    try:
        match transport:
            case "stdio":
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_leave_on_signal, application)
                    await server.run_stdio_async()
                    tasks.cancel_scope.cancel()
            case "sse":
                await _serve_http(server.sse_app(host=host), host, port, "/sse")
            case "http":
                await _serve_http(server.streamable_http_app(host=host), host, port, "/mcp")
    finally:
        with anyio.CancelScope(shield=True):
            await application.aclose()


async def _leave_on_signal(application: Application) -> None:
    """On stdio a thread blocks in reading stdin, so nothing but leaving the process ends it after a signal."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            await application.aclose()
            os._exit(0)


async def _serve_http(app: Starlette, host: str, port: int, path: str) -> None:
    import uvicorn

    class QuietServer(uvicorn.Server):
        """uvicorn ends the process itself after a signal, before anything else could be closed."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, timeout_graceful_shutdown=_GRACE_S, lifespan="on"
    )
    web = QuietServer(config)

    async def stop_on_signal() -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                web.should_exit = True

    print(f"polydesk serves http://{host}:{port}{path}", file=sys.stderr, flush=True)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_on_signal)
        await web.serve()
        tasks.cancel_scope.cancel()
