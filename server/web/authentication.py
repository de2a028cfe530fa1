"""Who shows a token, and whose it is: asked for from the moment there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...core.clock import Clock
from ...core.errors import ConfigurationError
from .limits import FAILURES_PER_MINUTE, ClientLimits, failures_limited
from .settings import HttpSettings
from .tokens import TokenFile, TokenFileVerifier

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken, TokenVerifier
    from starlette.types import ASGIApp, Receive, Scope, Send


def asks_for_tokens(file: TokenFile, http: HttpSettings) -> bool:
    """Whether who calls must show who they are."""
    return http.oauth_issuer is not None or bool(file.entries())


class TokenGate:
    """The tokens that are good at `resource`, the address of this server.

    That a person makes a first token shuts everybody else out at once. It stays so when the last one is removed, until
    the server starts anew. Failures are counted per address, over everything that asks for tokens.
    """

    def __init__(self, file: TokenFile, http: HttpSettings, *, resource: str, clock: Clock) -> None:
        self._file = file
        self._http = http
        self._resource = resource
        self._clock = clock
        self._failures = ClientLimits(per_minute=FAILURES_PER_MINUTE, clock=clock)
        self._verifier = _AnyOf(_verifiers(file, http, resource, clock))
        self._asks = asks_for_tokens(file, http)

    @property
    def asks(self) -> bool:
        """Whether a token is asked for, by now."""
        if not self._asks:
            try:
                self._asks = bool(self._file.entries())
            except ConfigurationError:
                self._asks = True  # there is a file, whatever is wrong with it
        return self._asks

    async def verified(self, token: str) -> AccessToken | None:
        """Whose token it is, if it is one for this server and its time is not over."""
        found = await self._verifier.verify_token(token)
        if found is None or (found.expires_at is not None and found.expires_at < self._clock.now().timestamp()):
            return None
        named = (found.resource or "").removesuffix("/")
        return found if named == self._resource.removesuffix("/") else None

    def slowed(self, app: ASGIApp) -> ASGIApp:
        """`app`, which answers 401 to tokens that are none, with those answers counted."""
        return failures_limited(app, self._failures)

    def guarded(self, app: ASGIApp) -> ASGIApp:
        """`app` behind a bearer token, as soon as one is asked for."""
        behind = self.slowed(_authenticated(app, self._verifier, self._http, self._resource))

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            asked = scope["type"] == "http" and self.asks
            await (behind if asked else app)(scope, receive, send)

        return guarded


def _verifiers(file: TokenFile, http: HttpSettings, resource: str, clock: Clock) -> list[TokenVerifier]:
    """What can tell who somebody is."""
    found: list[TokenVerifier] = [TokenFileVerifier(file, resource=resource)]
    if http.oauth_issuer is not None:
        from .oauth import JwtVerifier  # loads cryptography

        found.append(
            JwtVerifier(issuer=http.oauth_issuer, jwks_url=http.oauth_jwks_url, audience=resource, clock=clock)
        )
    return found


class _AnyOf:
    """The first of several verifiers that knows a token."""

    def __init__(self, verifiers: list[TokenVerifier]) -> None:
        self._verifiers = verifiers

    async def verify_token(self, token: str) -> AccessToken | None:
        for verifier in self._verifiers:
            if (found := await verifier.verify_token(token)) is not None:
                return found
        return None


def _authenticated(app: ASGIApp, verifier: TokenVerifier, http: HttpSettings, resource: str) -> ASGIApp:
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
    backend = BearerAuthBackend(verifier, resource_server_url=url)
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
