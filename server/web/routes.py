"""What a web server answers beside MCP, each app at a path of its own, behind the same checks of host and origin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ...core.clock import Clock
from .authentication import TokenGate
from .limits import ClientLimits, limited

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class WebAccess:
    """Where a server is and who may use it. `secure` says whether clients reach it by https."""

    url: str
    secure: bool
    gate: TokenGate
    calls_per_minute: int
    clock: Clock

    def limited(self, app: ASGIApp) -> ASGIApp:
        """`app` with the limits of a client around it, counted apart from those of MCP."""
        return limited(app, ClientLimits(per_minute=self.calls_per_minute, clock=self.clock))


class SideApp(Protocol):
    """An ASGI application that ends its streams when the server is about to stop."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def stop(self) -> None: ...


MakeSideApp = Callable[[WebAccess], SideApp]


def beside(app: ASGIApp, side_apps: Mapping[str, SideApp]) -> ASGIApp:
    """`app`, and at each path of `side_apps` and below it the app that is there. They see to authentication."""

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            for prefix, side_app in side_apps.items():
                if path == prefix or path.startswith(f"{prefix}/"):
                    await side_app(scope, receive, send)
                    return
        await app(scope, receive, send)

    return routed
