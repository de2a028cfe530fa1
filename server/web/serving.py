"""The HTTP side of the server: who may reach it is decided here, before the SDK sees a request."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import anyio

from ...core.clock import Clock
from ...core.errors import ConfigurationError
from ...core.loopback import is_loopback
from ...core.settings import Settings
from .limits import FAILURES_PER_MINUTE, ClientLimits, failures_limited, limited
from .settings import HttpSettings, check_exposure, check_tls, load_http_settings
from .tokens import TokenFile, TokenFileVerifier, token_file

if TYPE_CHECKING:
    from anyio.abc import TaskStatus
    from mcp.server import MCPServer
    from mcp.server.auth.provider import AccessToken, TokenVerifier
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_GRACE_S = 2
"""Seconds that open streams get to end before they are cut."""

_CONNECTIONS = 512
_HEADERS_WITHIN_S = 10.0
"""Seconds within which the head of a request must have arrived."""

_PATHS = {"sse": "/sse", "http": "/mcp"}


def check_http(settings: Settings, host: str) -> HttpSettings:
    """The HTTP settings. Raises ConfigurationError where the server would be reached by whom it should not be."""
    http = load_http_settings()
    check_tls(http)
    check_exposure(host, http, has_authentication=_asks(token_file(settings), http))
    return http


def _asks(file: TokenFile, http: HttpSettings) -> bool:
    """Whether who calls must show who they are."""
    return http.oauth_issuer is not None or bool(file.entries())


async def serve_http(
    server: MCPServer[Any],
    settings: Settings,
    http: HttpSettings,
    *,
    transport: Literal["sse", "http"],
    host: str,
    port: int,
    clock: Clock,
) -> None:
    """Serve until a signal arrives. Raises ConfigurationError when the port is taken."""
    path = _PATHS[transport]
    with _listen(host, port) as listener:
        scheme = "http" if http.tls_certificate is None else "https"
        own = f"{scheme}://{_in_url(host)}:{listener.getsockname()[1]}"
        resource = f"{(http.public_url or own).rstrip('/')}{path}"
        rules = _callers(host, http)
        if transport == "sse":
            app: ASGIApp = server.sse_app(host=host, transport_security=rules)
        else:
            app = server.streamable_http_app(host=host, transport_security=rules)
        app = limited(app, ClientLimits(per_minute=http.calls_per_minute, clock=clock))
        file = token_file(settings)
        asks = _asks(file, http)
        guarded = failures_limited(
            _authenticated(app, _verifiers(file, http, resource, clock), http, resource),
            ClientLimits(per_minute=FAILURES_PER_MINUTE, clock=clock),
        )
        app = guarded if asks else _open_until_there_is_a_token(app, guarded, file)
        # Connections queue from here on, so whoever reads this line may connect at once.
        print(f"polydesk serves {own}{path}", file=sys.stderr, flush=True)
        if asks:
            print(_told(settings), file=sys.stderr, flush=True)
        await _run(_tidy(app, rules), http, listener)


def _told(settings: Settings) -> str:
    """What whoever starts the server should know of who can use it."""
    wallet = " All of them trade with the one wallet of this server." if settings.trades_real_money else ""
    return f"It answers whoever shows a token.{wallet}"


def _verifiers(file: TokenFile, http: HttpSettings, resource: str, clock: Clock) -> list[TokenVerifier]:
    """What can tell who somebody is."""
    found: list[TokenVerifier] = [TokenFileVerifier(file, resource=resource)]
    if http.oauth_issuer is not None:
        from .oauth import JwtVerifier  # loads cryptography

        found.append(
            JwtVerifier(issuer=http.oauth_issuer, jwks_url=http.oauth_jwks_url, audience=resource, clock=clock)
        )
    return found


def _open_until_there_is_a_token(app: ASGIApp, guarded: ASGIApp, file: TokenFile) -> ASGIApp:
    """`app`, and `guarded` from the first token on: that a person makes one shuts everybody else out at once.

    It stays so when the last token is removed, until the server starts anew.
    """
    asks = False

    async def opened(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal asks
        if not asks and scope["type"] == "http":
            try:
                asks = bool(file.entries())
            except ConfigurationError:
                asks = True  # there is a file, whatever is wrong with it
        await (guarded if asks else app)(scope, receive, send)

    return opened


class _AnyOf:
    """The first of several verifiers that knows a token."""

    def __init__(self, verifiers: list[TokenVerifier]) -> None:
        self._verifiers = verifiers

    async def verify_token(self, token: str) -> AccessToken | None:
        for verifier in self._verifiers:
            if (found := await verifier.verify_token(token)) is not None:
                return found
        return None


def _authenticated(app: ASGIApp, verifiers: list[TokenVerifier], http: HttpSettings, resource: str) -> ASGIApp:
    """`app` behind a bearer token. Where an authorization server gives them out, clients are told which (RFC 9728)."""
    from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
    from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
    from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
    from mcp.server.auth.settings import AuthSettings
    from starlette.applications import Starlette
    from starlette.middleware.authentication import AuthenticationMiddleware

    from .scopes import SCOPES

    # The SDK's settings keep addresses as they are written, which clients compare letter by letter.
    said = AuthSettings.model_validate(
        {
            "issuer_url": http.oauth_issuer or resource,
            "resource_server_url": resource,
            "validate_token_resource": True,
        }
    )
    url = said.resource_server_url
    assert url is not None
    described = build_resource_metadata_url(url) if http.oauth_issuer else None
    backend = BearerAuthBackend(_AnyOf(verifiers), resource_server_url=url)
    guarded = AuthenticationMiddleware(
        AuthContextMiddleware(RequireAuthMiddleware(app, [], described)), backend=backend
    )
    about: ASGIApp | None = None
    if http.oauth_issuer is not None:
        about = Starlette(
            routes=create_protected_resource_routes(
                resource_url=url, authorization_servers=[said.issuer_url], scopes_supported=list(SCOPES)
            )
        )
    described_at = urlsplit(str(described)).path

    async def authenticated(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)  # the start and the end of the server itself
        elif about is not None and scope["path"] == described_at:
            await about(scope, receive, send)
        else:
            await guarded(scope, receive, send)

    return authenticated


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


async def _run(app: ASGIApp, http: HttpSettings, listener: socket.socket) -> None:
    import uvicorn

    class QuietServer(uvicorn.Server):
        """uvicorn ends the process itself after a signal, before anything else could be closed."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    config = uvicorn.Config(
        app,
        http=_timed_protocol(),
        log_config=None,
        timeout_graceful_shutdown=_GRACE_S,
        lifespan="on",
        limit_concurrency=_CONNECTIONS,
        # Without a proxy of ours in front, what a request says of where it came from is anybody's word.
        proxy_headers=http.behind_tls_proxy,
        ssl_certfile=_path(http.tls_certificate),
        ssl_keyfile=_path(http.tls_key),
    )
    web = QuietServer(config)

    async def stop_on_signal(*, task_status: TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            async for number in signals:
                web.handle_exit(number, None)  # open event streams end on this call, not on `should_exit`

    async with anyio.create_task_group() as tasks:
        await tasks.start(stop_on_signal)
        await web.serve(sockets=[listener])
        tasks.cancel_scope.cancel()


def _timed_protocol() -> Any:
    """uvicorn's protocol, which alone would wait for ever for the head of a request."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    class TimedProtocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
        _patience: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait_for_a_head()

        def data_received(self, data: bytes) -> None:
            self._wait_for_a_head()
            super().data_received(data)

        def connection_lost(self, exc: Exception | None) -> None:
            if self._patience is not None:
                self._patience.cancel()
            super().connection_lost(exc)

        def _wait_for_a_head(self) -> None:
            if self._patience is None and self._idle:
                self._patience = self.loop.call_later(_HEADERS_WITHIN_S, self._give_up)

        def _give_up(self) -> None:
            self._patience = None
            if self._idle and not self.transport.is_closing():
                self.transport.close()

        @property
        def _idle(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

    return TimedProtocol


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
