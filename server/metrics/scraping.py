"""`/metrics` for Prometheus: what the desk has measured, wherever the desk is, and never one opened for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ...core.errors import PolymarketAPIError
from ..web.routes import WebAccess
from ..web.scopes import allows
from .exposition import page
from .process import add_process
from .samples import Labelled, Samples, families_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/metrics"
_SCOPE = "operations:read"


class Looking(Protocol):
    """The way to the desk, be it in this process or another."""

    @property
    def holds_desk(self) -> bool: ...

    async def look(
        self, name: str, arguments: Mapping[str, Any] | None = None, *, opening: bool = True
    ) -> Mapping[str, Any] | None: ...


class Scraping:
    """The page, behind the token and the limits of the server; a token needs `operations:read`."""

    def __init__(self, doorway: Looking, access: WebAccess) -> None:
        self._doorway = doorway
        self._app: ASGIApp = access.gate.guarded(access.limited(self._answer))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def stop(self) -> None:
        """A page is no stream: it ends by itself."""

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse, Response

        request = Request(scope, receive)
        answer: Response
        if request.url.path != PATH:
            answer = PlainTextResponse("There is only /metrics here.\n", 404)
        elif request.method not in ("GET", "HEAD"):
            answer = PlainTextResponse("It can only be read.\n", 405, {"allow": "GET, HEAD"})
        elif not allows(scope, _SCOPE):
            answer = PlainTextResponse(f"This token lacks the scope {_SCOPE}.\n", 403)
        else:
            body, content_type = page(await self._families(), accept=request.headers.get("accept", ""))
            answer = Response(body, headers={"content-type": content_type, "cache-control": "no-store"})
        await answer(scope, receive, send)

    async def _families(self) -> dict[str, list[Labelled]]:
        """Of this server, and of the desk where there is one that answers."""
        try:
            desk = await self._doorway.look("metrics", opening=False)
        except PolymarketAPIError:
            desk = None
        own = Samples()
        own.add("up", 1)
        own.add("desk_open", desk is not None)
        if not self._doorway.holds_desk:
            add_process(own, "door")
        families = own.families
        for name, rows in (families_of(desk) if desk is not None else {}).items():
            families.setdefault(name, []).extend(rows)
        return families
