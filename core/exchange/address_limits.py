"""Rate limits per network address: sliding windows of ten seconds for each service and for its heavier routes."""

from __future__ import annotations

from collections import defaultdict, deque
from fnmatch import fnmatchcase

from starlette.types import ASGIApp, Receive, Scope, Send

from ..clock import Clock, unix_ms
from .faults_messages import send_answer
from .rejections import TOO_MANY_REQUESTS

_WINDOW_MS = 10_000
_WINDOWS: tuple[tuple[str, str, int], ...] = (
    ("*", "/clob/*", 9000),
    ("*", "/gamma/*", 4000),
    ("*", "/data/*", 800),
    ("*", "/clob/ok", 100),
    ("GET", "/clob/balance-allowance", 200),
    ("GET", "/clob/balance-allowance/update", 50),
    ("GET", "/clob/book", 1500),
    ("GET", "/clob/price", 1500),
    ("GET", "/clob/midpoint", 1500),
    ("POST", "/clob/books", 500),
    ("POST", "/clob/prices", 500),
    ("POST", "/clob/midpoints", 500),
    ("GET", "/clob/prices-history", 1000),
    ("GET", "/clob/tick-size*", 200),
    ("GET", "/clob/data/orders", 500),
    ("GET", "/clob/data/trades", 500),
    ("*", "/clob/notifications", 125),
    ("*", "/clob/auth/*", 100),
    ("POST", "/clob/order", 5000),
    ("DELETE", "/clob/order", 5000),
    ("*", "/clob/orders", 2000),
    ("DELETE", "/clob/cancel-all", 250),
    ("DELETE", "/clob/cancel-market-orders", 1500),
    ("GET", "/gamma/events*", 500),
    ("GET", "/gamma/markets*", 300),
    ("GET", "/gamma/comments*", 200),
    ("GET", "/gamma/tags*", 200),
    ("GET", "/gamma/public-search", 350),
    ("GET", "/data/v2/trades", 300),
    ("GET", "/data/v2/positions", 200),
    ("GET", "/data/v2/activity", 200),
)
"""(method, path pattern, requests in ten seconds), as published in September 2026."""


class AddressLimits:
    """ASGI middleware. A request beyond a window of its address is answered 429, with the wait until it would pass.

    The venue documents that it delays such requests; what clients report is the 429.
    """

    def __init__(self, app: ASGIApp, *, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._passed: defaultdict[tuple[str, int], deque[int]] = defaultdict(deque)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait_ms = self._wait_ms(scope) if scope["type"] == "http" else 0
        if wait_ms:
            await send_answer(send, 429, {"error": TOO_MANY_REQUESTS}, retry_after=-(-wait_ms // 1000))
        else:
            await self._app(scope, receive, send)

    def _wait_ms(self, scope: Scope) -> int:
        """0 when the request passes all its windows, and then it counts in them."""
        now_ms = unix_ms(self._clock.now())
        host = scope["client"][0] if scope.get("client") else ""
        windows = []
        for number, (method, pattern, most) in enumerate(_WINDOWS):
            if method in ("*", scope["method"]) and fnmatchcase(scope["path"], pattern):
                passed = self._passed[host, number]
                while passed and passed[0] <= now_ms - _WINDOW_MS:
                    passed.popleft()
                if len(passed) >= most:
                    return passed[0] + _WINDOW_MS - now_ms
                windows.append(passed)
        for passed in windows:
            passed.append(now_ms)
        return 0
