"""The way of requests to a replayed exchange: orders and cancels take time, and the recording goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import httpx2

_ORDERS = ("/clob/order", "/clob/orders")


class ReplayCarrier(httpx2.AsyncBaseTransport):
    """Hands requests to an application in this process. Orders and cancels take `latency` to get there, and back.

    `pass_time` lets a span pass in the replay. While the exchange holds an answer back, `wait_out` lets the next thing
    happen that it waits for, and says whether there was any.
    """

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        *,
        latency: timedelta,
        pass_time: Callable[[timedelta], None],
        wait_out: Callable[[], bool],
    ) -> None:
        self._inner = inner
        self._latency = latency
        self._pass_time = pass_time
        self._wait_out = wait_out

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not _changes_something(request):
            return await self._inner.handle_async_request(request)
        if self._latency:
            self._pass_time(self._latency)
        response = await self._answered(request)
        if self._latency:
            self._pass_time(self._latency)
        return response

    async def _answered(self, request: httpx2.Request) -> httpx2.Response:
        answering = asyncio.ensure_future(self._inner.handle_async_request(request))
        try:
            while not answering.done():
                self._wait_out()
                await asyncio.sleep(0)
            return answering.result()
        finally:
            answering.cancel()


def _changes_something(request: httpx2.Request) -> bool:
    return request.method == "DELETE" or (request.method == "POST" and request.url.path in _ORDERS)
