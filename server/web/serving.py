"""The HTTP side of the server: who may reach it is decided here, before the SDK sees a request."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from ...core.clock import Clock
from ...core.loopback import is_loopback
from ...core.settings import Settings
from .authentication import TokenGate, asks_for_tokens
from .limits import ClientLimits, limited
from .listening import listen, serve_until_signal
from .routes import MakeSideApp, WebAccess, beside
from .settings import HttpSettings, check_exposure, check_tls, load_http_settings
from .tokens import token_file

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PATHS = {"sse": "/sse", "http": "/mcp"}


def check_http(settings: Settings, host: str) -> HttpSettings:
    """The HTTP settings. Raises ConfigurationError where the server would be reached by whom it should not be."""
    http = load_http_settings()
    check_tls(http)
    check_exposure(host, http, has_authentication=asks_for_tokens(token_file(settings), http))
    return http


async def serve_http(
    server: MCPServer[Any],
    settings: Settings,
    http: HttpSettings,
    *,
    transport: Literal["sse", "http"],
    host: str,
    port: int,
    clock: Clock,
    side_apps: Mapping[str, MakeSideApp] | None = None,
) -> None:
    """Serve MCP, and `side_apps` at their paths, until a signal arrives.

    Raises ConfigurationError when the port is taken.
    """
    path = _PATHS[transport]

    def make(access: WebAccess, rules: TransportSecuritySettings) -> ASGIApp:
        if transport == "sse":
            app: ASGIApp = server.sse_app(host=host, transport_security=rules)
        else:
            app = server.streamable_http_app(host=host, transport_security=rules)
        return access.gate.guarded(limited(app, ClientLimits(per_minute=http.calls_per_minute, clock=clock)))

    await _serve(make, settings, http, path=path, host=host, port=port, clock=clock, side_apps=side_apps or {})


async def serve_side_app(
    path: str, make: MakeSideApp, settings: Settings, http: HttpSettings, *, host: str, port: int, clock: Clock
) -> None:
    """Serve one such app and no MCP until a signal arrives. Raises ConfigurationError when the port is taken."""

    def nothing(_: WebAccess, __: TransportSecuritySettings) -> ASGIApp:
        from starlette.applications import Starlette

        return Starlette()

    await _serve(nothing, settings, http, path=path, host=host, port=port, clock=clock, side_apps={path: make})


async def _serve(
    make: Callable[[WebAccess, TransportSecuritySettings], ASGIApp],
    settings: Settings,
    http: HttpSettings,
    *,
    path: str,
    host: str,
    port: int,
    clock: Clock,
    side_apps: Mapping[str, MakeSideApp],
) -> None:
    with listen(host, port) as listener:
        scheme = "http" if http.tls_certificate is None else "https"
        own = f"{scheme}://{_in_url(host)}:{listener.getsockname()[1]}"
        reached_at = (http.public_url or own).rstrip("/")
        gate = TokenGate(token_file(settings), http, resource=f"{reached_at}{path}", clock=clock)
        access = WebAccess(
            reached_at, reached_at.startswith("https:"), gate, calls_per_minute=http.calls_per_minute, clock=clock
        )
        rules = _callers(host, http)
        made = {prefix: make_side_app(access) for prefix, make_side_app in side_apps.items()}
        app = beside(make(access, rules), made)
        # Connections queue from here on, so whoever reads this line may connect at once.
        print(f"polydesk serves {own}{path}", file=sys.stderr, flush=True)
        if gate.asks:
            print(_told(settings), file=sys.stderr, flush=True)

        def stop() -> None:
            for side_app in made.values():
                side_app.stop()

        await serve_until_signal(_tidy(app, rules), http, listener, on_stop=stop)


def _told(settings: Settings) -> str:
    """What whoever starts the server should know of who can use it."""
    wallet = " All of them trade with the one wallet of this server." if settings.trades_real_money else ""
    return f"It answers whoever shows a token.{wallet}"


def _callers(host: str, http: HttpSettings) -> TransportSecuritySettings:
    """Accept requests that name this server, so that no web page can reach it through the user's browser.

    Said outright because the SDK checks nothing for loopback addresses other than the usual ones.
    """
    from mcp.server.transport_security import TransportSecuritySettings

    hosts, origins = [], []
    if is_loopback(host):
        names = sorted({"127.0.0.1", "localhost", "[::1]", _in_url(host)})
        hosts = [f"{name}:*" for name in names]
        origins = [f"{scheme}://{name}:*" for name in names for scheme in ("http", "https")]
    if http.public_url is not None:
        parts = urlsplit(http.public_url)
        hosts.append(parts.netloc)
        origins.append(f"{parts.scheme}://{parts.netloc}")
    return TransportSecuritySettings(enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=origins)


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
