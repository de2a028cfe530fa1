"""Runs the server over stdio, SSE or streamable HTTP, and closes it cleanly however it is stopped."""

from __future__ import annotations

import gc
import ipaddress
import os
import signal
import socket
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
    from anyio.abc import TaskStatus
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
            case "sse":
                rules = _local_callers(host)
                app = server.sse_app(host=host, transport_security=rules)
                await _serve_http(_tidy(app, rules), host, port, "/sse")
            case "http":
                rules = _local_callers(host)
                app = server.streamable_http_app(host=host, transport_security=rules)
                await _serve_http(_tidy(app, rules), host, port, "/mcp")
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


def _local_callers(host: str) -> TransportSecuritySettings:
    """Accept requests that name this machine, so that no web page can reach the server through the user's browser.

    Said outright because the SDK checks nothing for loopback addresses other than the usual ones.
    """
    from mcp.server.transport_security import TransportSecuritySettings

    names = {"127.0.0.1", "localhost", "[::1]", _in_url(host)}
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[f"{name}:*" for name in sorted(names)],
        allowed_origins=[f"http://{name}:*" for name in sorted(names)],
    )


def _tidy(app: ASGIApp, rules: TransportSecuritySettings) -> ASGIApp:
    """The SDK's app, without the errors that it logs in three ordinary cases.

    Its SSE transport raises after it has refused a stream, so refusals are made here. When the server stops, streams
    end without their last message, and SSE starts a second response on top: here each response starts and ends once.
    """
    from mcp.server.transport_security import TransportSecurityMiddleware
    from starlette.requests import Request

    security = TransportSecurityMiddleware(rules)

    async def tidied(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        request = Request(scope, receive)
        refusal = await security.validate_request(request, is_post=request.method == "POST")
        started = ended = False

        async def send_once(message: Message) -> None:
            nonlocal started, ended
            if ended or (started and message["type"] == "http.response.start"):
                return
            started = True
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        await (refusal or app)(scope, receive, send_once)
        if started and not ended:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return tidied


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ConfigurationError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, or asyncio leaves TCP_NODELAY off and every answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"The server cannot listen on {host}:{port}: {error.strerror}.") from error
    return listener


async def _serve_http(app: ASGIApp, host: str, port: int, path: str) -> None:
    import uvicorn

    class QuietServer(uvicorn.Server):
        """uvicorn ends the process itself after a signal, before anything else could be closed."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=_GRACE_S, lifespan="on")
    web = QuietServer(config)

    async def stop_on_signal(*, task_status: TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            async for number in signals:
                web.handle_exit(number, None)  # open event streams end on this call, not on `should_exit`

    with _listen(host, port) as listener:
        # Connections queue from here on, so whoever reads this line may connect at once.
        print(f"polydesk serves http://{_in_url(host)}:{listener.getsockname()[1]}{path}", file=sys.stderr, flush=True)
        async with anyio.create_task_group() as tasks:
            await tasks.start(stop_on_signal)
            await web.serve(sockets=[listener])
            tasks.cancel_scope.cancel()
