"""Who looks at the dashboard: a browser cannot send a token with a page, so it shows one once and gets a cookie."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ...core.clock import Clock
from ...handlers.toolspec import Toolset
from ..web.authentication import TokenGate
from ..web.scopes import holder_of

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken
    from starlette.requests import Request
    from starlette.responses import Response

_IDLE = timedelta(hours=12)
_MOST = 200
_PATH = "/dashboard"

SHOWN = (Toolset.PORTFOLIO, Toolset.TRADING, Toolset.STRATEGIES, Toolset.OPERATIONS)
"""The toolsets whose reading tools tell what the page shows."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks for a page. `scopes` is None where nobody has to show a token, and `holder` then too."""

    holder: str | None
    scopes: frozenset[str] | None

    @property
    def lacks(self) -> tuple[str, ...]:
        """The scopes without which the page is not shown."""
        if self.scopes is None:
            return ()
        return tuple(
            f"{each.value}:read" for each in SHOWN if not self.scopes & {f"{each.value}:read", f"{each.value}:write"}
        )

    @property
    def may_halt(self) -> bool:
        return self.scopes is None or f"{Toolset.TRADING.value}:write" in self.scopes


@dataclass(slots=True)
class _Session:
    token: str
    seen_at: datetime


class Sessions:
    """The browsers that have shown a token, in the memory of this process alone.

    A session is good as long as its token: each request looks at that anew. It ends twelve hours after its last one.
    """

    def __init__(self, gate: TokenGate, clock: Clock, *, secure: bool, port: int | None) -> None:
        """`secure` where the page is reached by https; `port` keeps desks of one machine apart."""
        self._gate = gate
        self._clock = clock
        self._secure = secure
        self._cookie = f"polydesk-{port}" if port else "polydesk"
        if secure:
            self._cookie = f"__Secure-{self._cookie}"
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    async def visitor(self, request: Request) -> Visitor | None:
        """Who asks; None where a token is asked for and none that is good was shown."""
        if not self._gate.asks:
            return Visitor(None, None)
        token = _bearer(request) or self._token_of(request)
        found = await self._gate.verified(token) if token else None
        return None if found is None else _visitor(found)

    async def begin(self, token: str, response: Response) -> Visitor | None:
        """Give a browser that shows a good token its cookie; None for any other token."""
        found = await self._gate.verified(token)
        if found is None:
            return None
        visitor = _visitor(found)
        if not visitor.lacks:
            key = secrets.token_urlsafe(32)
            self._sessions[_hash(key)] = _Session(token, self._clock.now())
            while len(self._sessions) > _MOST:
                self._sessions.popitem(last=False)
            response.set_cookie(self._cookie, key, path=_PATH, httponly=True, samesite="strict", secure=self._secure)
        return visitor

    def end(self, request: Request, response: Response) -> None:
        """Forget a browser."""
        if (key := request.cookies.get(self._cookie)) is not None:
            self._sessions.pop(_hash(key), None)
        response.delete_cookie(self._cookie, path=_PATH, httponly=True, samesite="strict", secure=self._secure)

    def _token_of(self, request: Request) -> str | None:
        key = request.cookies.get(self._cookie)
        session = self._sessions.get(_hash(key)) if key else None
        if key is None or session is None:
            return None
        now = self._clock.now()
        if now - session.seen_at > _IDLE:
            del self._sessions[_hash(key)]
            return None
        session.seen_at = now
        self._sessions.move_to_end(_hash(key))
        return session.token


def _visitor(token: AccessToken) -> Visitor:
    return Visitor(holder_of(token), frozenset(token.scopes))


def _bearer(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token if kind.lower() == "bearer" and token else None


def _hash(key: str) -> str:
    """What is kept of a cookie: the memory of this process holds nothing that could be sent as one."""
    return hashlib.sha256(key.encode()).hexdigest()
