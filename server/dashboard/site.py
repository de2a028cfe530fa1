"""The web side of the dashboard: pages, who may see them, the stream of overviews, and the kill switch."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from mcp.server import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from ...core.clock import Clock
from ...core.errors import PolymarketAPIError
from ...core.settings import Settings
from ..web.routes import WebAccess
from . import kill_switch
from .live import LiveOverview, Look, event
from .sessions import Sessions, Visitor

_log = logging.getLogger(__name__)

PATH = "/dashboard"
_LOGIN = f"{PATH}/login"

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

OWN_HEADER = "x-polydesk"
"""Sent with whatever changes something: a page of another origin cannot send it without being asked about first."""


class DashboardSite:
    """An app beside MCP. `server` is the MCP server whose tool the kill switch calls."""

    def __init__(self, look: Look, server: MCPServer[Any], settings: Settings, access: WebAccess, clock: Clock) -> None:
        self._look = look
        self._server = server
        self._settings = settings
        self._clock = clock
        self._live = LiveOverview(look, clock)
        self._sessions = Sessions(access.gate, access.clock, secure=access.secure, port=urlsplit(access.url).port)
        self._pages = _read_pages()
        routes = [
            Route(PATH, self._visited(self._index)),
            Route(f"{PATH}/", lambda _: RedirectResponse(PATH, 308)),
            Route(_LOGIN, self._login),
            Route(f"{PATH}/session", self._visited(self._session)),
            Route(f"{PATH}/session", self._begin, methods=["POST"]),
            Route(f"{PATH}/session", self._end, methods=["DELETE"]),
            Route(f"{PATH}/overview.json", self._visited(self._overview)),
            Route(f"{PATH}/events", self._visited(self._events)),
            Route(f"{PATH}/halt", self._visited(self._halt), methods=["POST"]),
            Route(f"{PATH}/page/{{name}}", self._page),
        ]
        self._app = access.gate.slowed(access.limited(Starlette(routes=routes)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                extra = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *(e for e in extra if e[0] not in given)]}
            await send(message)

        await self._app(scope, receive, sent)

    def stop(self) -> None:
        """End the streams, so that the server can stop."""
        self._live.stop()

    def _visited(
        self, page: Callable[[Request, Visitor], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """`page` for those who may see it; pages lead others to the login."""

        async def visited(request: Request) -> Response:
            visitor = await self._sessions.visitor(request)
            if visitor is not None and not visitor.lacks:
                return await page(request, visitor)
            if request.url.path == PATH:
                return RedirectResponse(_LOGIN, 303)
            if visitor is None:
                return JSONResponse({"error": "sign in first"}, 401)
            return JSONResponse({"error": f"the token lacks {', '.join(visitor.lacks)}"}, 403)

        return visited

    async def _index(self, _: Request, __: Visitor) -> Response:
        return self._file("index.html")

    async def _login(self, request: Request) -> Response:
        visitor = await self._sessions.visitor(request)
        if visitor is not None and not visitor.lacks:
            return RedirectResponse(PATH, 303)
        return self._file("login.html")

    async def _page(self, request: Request) -> Response:
        return self._file(request.path_params["name"])

    def _file(self, name: str) -> Response:
        content = self._pages.get(name)
        if content is None:
            return JSONResponse({"error": "there is no such page"}, 404)
        return Response(content, media_type=_TYPES[name.rpartition(".")[2]])

    async def _begin(self, request: Request) -> Response:
        if (refused := _foreign(request)) is not None:
            return refused
        response = Response(status_code=204)
        visitor = await self._sessions.begin(await _token_in(request), response)
        if visitor is None:
            return JSONResponse({"error": "This is no token of this desk."}, 401)
        if visitor.lacks:
            return JSONResponse(
                {"error": f"This token may not see the dashboard: it lacks {', '.join(visitor.lacks)}."}, 403
            )
        return response

    async def _end(self, request: Request) -> Response:
        if (refused := _foreign(request)) is not None:
            return refused
        response = Response(status_code=204)
        self._sessions.end(request, response)
        return response

    async def _session(self, _: Request, visitor: Visitor) -> Response:
        return JSONResponse({"holder": visitor.holder})

    async def _overview(self, _: Request, __: Visitor) -> Response:
        try:
            return JSONResponse(dict(await self._look({})))
        except PolymarketAPIError as error:
            return JSONResponse({"error": error.message}, 503)

    async def _events(self, request: Request, visitor: Visitor) -> Response:
        if self._live.full:
            return JSONResponse({"error": "too many screens are open"}, 503, headers={"retry-after": "15"})
        return StreamingResponse(self._stream(request, visitor), media_type="text/event-stream")

    async def _stream(self, request: Request, visitor: Visitor) -> AsyncIterator[bytes]:
        no_switch = kill_switch.why_not(self._settings)
        if no_switch is None and not visitor.may_halt:
            no_switch = "Your token may not trade: it lacks trading:write."
        yield event("session", {"holder": visitor.holder, "no_kill_switch": no_switch})
        async with aclosing(self._live.events()) as events:
            async for news in events:
                if await self._sessions.visitor(request) != visitor:
                    return  # the token was taken away, or one is asked for by now
                yield news

    async def _halt(self, request: Request, visitor: Visitor) -> Response:
        if (refused := _foreign(request)) is not None:
            return refused
        if (reason := kill_switch.why_not(self._settings)) is not None:
            return JSONResponse({"error": reason}, 403)
        if not visitor.may_halt:
            return JSONResponse({"error": "the token lacks trading:write"}, 403)
        _log.warning("trading is halted on the dashboard by %s", visitor.holder or "somebody at this machine")
        return JSONResponse(
            dict(await kill_switch.halt(self._server, self._settings, self._clock, holder=visitor.holder))
        )


def _foreign(request: Request) -> Response | None:
    """A refusal of what did not come from the dashboard's own page; None for what did."""
    origin = urlsplit(request.headers.get("origin", ""))
    if (
        origin.netloc
        and origin.netloc == request.headers.get("host")
        and request.headers.get(OWN_HEADER) == "dashboard"
    ):
        return None
    return JSONResponse({"error": "this can only be asked for on the dashboard's own page"}, 403)


async def _token_in(request: Request) -> str:
    try:
        token = (await request.json())["token"]
    except (ValueError, KeyError, TypeError):
        return ""
    return token if isinstance(token, str) else ""


def _read_pages() -> dict[str, bytes]:
    """The files that are served: those of the package's own folder, read once."""
    folder = files(__package__) / "page"
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in _TYPES}
