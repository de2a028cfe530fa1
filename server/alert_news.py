"""Lets clients that subscribed to the alerts know that there are new ones, and counts who listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated, SubscriptionBus

ALERTS_URI = "polymarket://alerts"


class AlertNews:
    """The bus of one process, shared by all of its servers; as middleware it sees who begins and ends to listen."""

    def __init__(self, changed: Callable[[int], None] = lambda _: None) -> None:
        """`changed` is told how many listen whenever that changes."""
        self.bus: SubscriptionBus = InMemorySubscriptionBus()
        self.listeners = 0
        self._changed = changed

    async def publish(self) -> None:
        """Say that there are new alerts. What they are is read."""
        await self.bus.publish(ResourceUpdated(uri=ALERTS_URI))

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Middleware: a subscription lasts as long as its request."""
        if ctx.method != "subscriptions/listen" or ALERTS_URI not in followed_uris(ctx.params):
            return await call_next(ctx)
        self._count(1)
        try:
            return await call_next(ctx)
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        self.listeners += more
        self._changed(self.listeners)


def followed_uris(params: Any) -> list[str]:
    """The resources whose changes a `subscriptions/listen` asks to be told of."""
    wanted = (params or {}).get("notifications")
    uris = wanted.get("resourceSubscriptions") if isinstance(wanted, Mapping) else None
    return [str(each) for each in uris] if isinstance(uris, list) else []
